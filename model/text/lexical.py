"""BM25 over words, characters and parts of words of titles and descriptions, in plain TF ops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
import tensorflow as tf

from aisle.model.stored import stored
from aisle.model.text.bert import Tokenizer
from aisle.model.text.names import Names
from aisle.model.text.query import QueryReader, fold_all, in_parts
from aisle.model.text.scripts import Simplifier
from aisle.model.text.terms import Terms, Units

QUERY_UNITS = 64
ITEM_UNITS = 128
DESCRIPTION_WEIGHT = 0.2
"""Of a description's score beside the title's; chosen on judged searches."""
GRAM_WEIGHT = 0.3
"""Of a part of a word beside the word; chosen on judged searches, as _K1 is."""
LEAST = 0.15
"""An item isn't found whose score is below this share of what all of a query's terms, each met once, would give."""
_K1, _B = 0.3, 0.75
_AT_ONCE = 4096


class BM25(tf.Module):
    """Okapi BM25 (Robertson and Zaragoza, 2009) as postings: for each term, items and weights.

    Terms are words, numbers and characters (see Units), pairs of those that adjoin, and parts of words. What the
    catalogue lacks is no term: it finds nothing.
    """

    def __init__(self, titles: Sequence[str], descriptions: Sequence[str] = ()) -> None:
        """Weighs each term of each item.

        Args:
            titles: the catalogue's texts, folded, [n].
            descriptions: more of each item's text, scored apart and added with DESCRIPTION_WEIGHT, [n].
        """
        super().__init__()
        self._count = len(titles)
        fields = [_Field(titles, 1.0)]
        if descriptions:
            fields.append(_Field(descriptions, DESCRIPTION_WEIGHT))
        hashes, place = np.unique(np.concatenate([field.hashes for field in fields]), return_inverse=True)
        weights = sp.csr_matrix((len(hashes), len(titles)))
        start = 0
        for field in fields:
            weights += field.weights(place[start : start + len(field.hashes)], len(hashes))
            start += len(field.hashes)
        # -1, which is no hash, stands before all, so that there is always one to compare with; it has no items.
        self._hashes = stored(np.concatenate([[-1], hashes]), tf.int64)
        self._splits = tf.constant(np.concatenate([[0], weights.indptr]), tf.int64)
        self._items = stored(weights.indices, tf.int32)
        self._weights = stored(weights.data)
        found = np.maximum(np.diff(weights.indptr), 1)
        unknown = float(_rarity(len(titles), np.zeros(1))[0])
        self._worth = stored(np.concatenate([[unknown], np.asarray(weights.sum(1)).ravel() / found]))

    def __call__(self, query: tf.Tensor) -> tf.Tensor:
        """Scores every item for each folded query: string [b] to float32 [b, n]."""
        units = Units.of(query, QUERY_UNITS)
        owner, place, ideal = self._asked(units, tf.shape(query, tf.int64)[0])
        postings = tf.RaggedTensor.from_row_splits
        items = tf.gather(postings(self._items, self._splits, validate=False), place)
        weights = tf.gather(postings(self._weights, self._splits, validate=False), place)
        batch = tf.shape(query, tf.int64)[0]
        item = tf.gather(owner, items.value_rowids()) * self._count + tf.cast(items.values, tf.int64)
        flat = tf.math.unsorted_segment_sum(weights.values, item, batch * self._count)
        scores = tf.reshape(flat, [batch, self._count])
        return tf.where(scores >= LEAST * ideal[:, None], scores, 0.0)

    def _asked(self, units: Units, batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The terms that a query is scored by.

        A character alone says little: it counts where it stands alone, or where the catalogue has none of its pairs
        but something else of the query.

        Returns:
            The query's row and the term's place, 0 where it is unknown, of each term: int64 [t], [t]; and of each
            query what its terms give on average, float32 [b].
        """
        words, pairs, grams = (
            self._look_up(terms) for terms in (units.terms(), units.pairs(), units.grams())
        )
        paired = units.adjoins & (pairs > 0)
        known = paired | (~units.character & (words > 0))
        anything = tf.math.unsorted_segment_max(tf.cast(known, tf.int32), units.owner, batch) > 0
        alone = ~_either_side(units.adjoins)
        unpaired = ~_either_side(paired) & tf.gather(anything, units.owner)
        chosen = tf.where(~units.character | alone | unpaired)[:, 0]
        joined = tf.where(units.adjoins)[:, 0]
        owner = (tf.gather(units.owner, chosen), tf.gather(units.owner, joined), units.grams().owner)
        place = (tf.gather(words, chosen), tf.gather(pairs, joined), grams)
        share = tf.where(grams > 0, 1.0, GRAM_WEIGHT)
        worth = tf.gather(self._worth, tf.concat(place, 0))
        whole = tf.ones([tf.size(chosen) + tf.size(joined)])
        ideal = tf.math.unsorted_segment_sum(worth * tf.concat([whole, share], 0), tf.concat(owner, 0), batch)
        return tf.concat(owner, 0), tf.concat(place, 0), ideal

    def _look_up(self, terms: Terms) -> tf.Tensor:
        """The place of each term, 0 for an unknown one: int32 [t]."""
        place = tf.searchsorted(self._hashes, terms.hashes, side="right") - 1
        return tf.where(tf.gather(self._hashes, place) == terms.hashes, place, 0)


class TextSearch(tf.Module):
    """The catalogue by its texts: reads a query as the catalogue spells it, and scores every item for it."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        titles: Sequence[str],
        descriptions: Sequence[str],
        ids: Sequence[str] = (),
    ) -> None:
        """Args: `tokenizer`: of BERT. `titles`, `descriptions`, `ids`: of the catalogue, [n]."""
        super().__init__()
        self.read = QueryReader(titles, descriptions, tokenizer.words, ids)
        self._simplify = Simplifier([*titles, *descriptions])
        texts = [fold_all(field) for field in (titles, descriptions)]
        self.named = Names(fold_all(ids), texts[0])
        self._bm25 = BM25(*(self._all_terms(field) for field in texts))

    def scores(self, query: tf.Tensor) -> tf.Tensor:
        """Scores every item for queries that were read: string [b] to float32 [b, n]."""
        return self._bm25(self._simplify(self.read.stems(query)))

    def _all_terms(self, folded: Sequence[str]) -> list[str]:
        """Folded texts as the index spells them."""
        return in_parts(lambda text: self._simplify(self.read.stems(text)), folded)


class _Field:
    """The terms of a field of every item: the hash, the item and the weight of each."""

    def __init__(self, texts: Sequence[str], weight: float) -> None:
        parts = [
            self._cut(texts[start : start + _AT_ONCE], start) for start in range(0, len(texts), _AT_ONCE)
        ]
        self.hashes, self._owners, self._kinds = (np.concatenate(part) for part in zip(*parts, strict=True))
        self._lengths = np.bincount(self._owners[self._kinds == 0], minlength=len(texts))
        self._weight = weight

    @staticmethod
    def _cut(texts: Sequence[str], start: int) -> tuple[np.ndarray, ...]:
        """The hash, the item and the kind (0 unit, 1 pair, 2 part of a word) of each term of some texts."""
        units = Units.of(tf.constant(texts, tf.string, [len(texts)]), ITEM_UNITS)
        adjoins = units.adjoins.numpy()
        pairs = units.pairs()
        joined = Terms(pairs.owner.numpy()[adjoins], pairs.hashes.numpy()[adjoins])
        kinds = [units.terms(), joined, units.grams()]
        return (
            np.concatenate([np.asarray(terms.hashes) for terms in kinds]),
            np.concatenate([np.asarray(terms.owner) for terms in kinds]) + start,
            np.repeat(np.arange(3), [len(terms.hashes) for terms in kinds]),
        )

    def weights(self, place: np.ndarray, size: int) -> sp.csr_matrix:
        """BM25's weight of each of `size` terms in each item; `place` is each found term's: [size, n]."""
        count = len(self._lengths)
        counts = sp.coo_matrix((np.ones(len(place)), (place, self._owners)), (size, count)).tocsr()
        kind = np.zeros(size)
        kind[place] = np.array([1.0, 1.0, GRAM_WEIGHT])[self._kinds] * self._weight
        lengths = np.maximum(self._lengths, 1.0)
        entries = counts.tocoo()
        norm = _K1 * (1 - _B + _B * lengths[entries.col] / lengths.mean())
        rarity = kind * _rarity(count, counts.getnnz(1))
        data = rarity[entries.row] * entries.data * (_K1 + 1) / (entries.data + norm)
        return sp.csr_matrix((data, (entries.row, entries.col)), counts.shape)


def _rarity(count: int, found: np.ndarray) -> np.ndarray:
    """The inverse document frequency of terms that so many of `count` items have."""
    return np.log1p((count - found + 0.5) / (found + 0.5))


def _either_side(joined: tf.Tensor) -> tf.Tensor:
    """Whether each unit is joined with the one before it or the one behind it, from the former: bool [u]."""
    return joined | tf.concat([joined[1:], [False]], 0)[: tf.size(joined)]
