"""What items are called: one by its id, or by a code in its title that no other title has; and any by its title."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from aisle.model.stored import stored

_CODE = re.compile(r"(?=[a-z._/-]*\d)[a-z\d][a-z\d._/-]{2,}[a-z\d]")
"""Four or more letters and digits with a digit among them, as a folded text has them."""


class Names(tf.Module):
    """Looks up the item that a whole query names.

    Example:
        >>> names = Names(ids=["i1", "i2"], titles=["mug xk-42", "lamp"])
        >>> names(tf.constant(["i2", "xk-42", "mug"])).numpy().tolist()
        [1, 0, -1]
        >>> names.titled(tf.constant(["mug", "lamp"])).numpy().tolist()
        [[False, False], [False, True]]
    """

    def __init__(self, ids: Sequence[str], titles: Sequence[str]) -> None:
        """Args: `ids`, `titles`: of the catalogue, folded, [n]; no ids where they name nothing."""
        super().__init__()
        codes = [set(_CODE.findall(title)) for title in titles]
        often = Counter(code for found in codes for code in found)
        named = {code: row for row, found in enumerate(codes) for code in found if often[code] == 1}
        # Of ids that differ in case alone the first one's item is found.
        named |= {name: row for row, name in reversed(list(enumerate(ids))) if name}
        hashes = _hash(tf.constant(list(named), tf.string, [len(named)])).numpy()
        order = np.argsort(hashes, kind="stable")
        rows = np.array(list(named.values()), np.int32)[order]
        # -1, which is no hash, stands before all, so that there is always one to compare with.
        self._hashes = stored(np.concatenate([[-1], hashes[order]]), tf.int64)
        self._rows = stored(np.concatenate([[-1], rows]), tf.int32)
        self._titles = stored(_hash(tf.constant(list(titles), tf.string, [len(titles)])).numpy(), tf.int64)

    def __call__(self, query: tf.Tensor) -> tf.Tensor:
        """The item that a query as read is the name of: string [b] to int32 [b], -1 for none."""
        hashes = _hash(query)
        place = tf.searchsorted(self._hashes, hashes, side="right") - 1
        return tf.where(tf.gather(self._hashes, place) == hashes, tf.gather(self._rows, place), -1)

    def titled(self, query: tf.Tensor) -> tf.Tensor:
        """Whose title a query as read is, word for word: string [b] to bool [b, n]."""
        return (_hash(query)[:, None] == self._titles[None]) & (query != "")[:, None]


def _hash(names: tf.Tensor) -> tf.Tensor:
    return tf.strings.to_hash_bucket_fast(names, 2**63 - 1)
