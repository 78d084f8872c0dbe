"""Whether order says anything of what is taken next, and how much it shall count: both by the validation's queries."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import tensorflow as tf

from aisle.model.two_tower.inputs import Catalogue, Queries
from aisle.model.two_tower.model import TwoTower, embedded
from aisle.model.two_tower.order import OrderTower
from aisle.model.two_tower.recall import drawn_queries

CUT = 20
RECENCY = 0.7
"""What an item counts beside the one taken after it, where order is tried without learning."""
SHARES = (0.0, 0.25, 1.0, 4.0, 16.0, 64.0)
"""Tried of the order's part: the spread of its scores as a multiple of that of the others, which have a long tail."""
_CERTAIN = 2.0
"""How many standard errors a gain must be above 0, so that order is learnt, and so that what was learnt is kept."""
_SCORES = 5_000_000
"""Held at once: so many queries are measured together as that is of a catalogue."""
_LEAST = 30
"""Of fewer queries nothing is concluded."""

Floats = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]


class Validation:
    """Queries with what was taken then, by which vectors are measured.

    Example:
        .. code-block:: python

            validation = Validation(model, catalogue, valid)
            if validation.order_speaks():
                tower, steps = learn(sequences, sizes.items, options, validation)

    Attributes:
        history: of each query, ragged ids [q, (h)], oldest first.
    """

    def __init__(self, model: TwoTower, catalogue: Catalogue, valid: Queries, most: int = 4000) -> None:
        """Args: `model`: the trained one, without order. `most`: queries asked."""
        chosen = drawn_queries(catalogue, valid, most)
        asked = valid.rows(chosen)
        self._ids: npt.NDArray[np.int64] = catalogue.features["item_id"].numpy().astype(np.int64)
        self._model, self._features = model, catalogue.features
        self._queries: Floats = model.queries(asked).numpy()
        self.history: tf.RaggedTensor = asked["history"]
        self._weight: Floats = asked["history_weight"].flat_values.numpy()
        targets = tf.gather(valid.targets, chosen)
        self._block = max(1, _SCORES // len(self._ids))
        shape = (len(self._queries), len(self._ids))
        self._taken = _ones(targets.value_rowids().numpy(), targets.values.numpy(), shape)
        row = np.full(model.unknown_id + 1, -1)
        row[self._ids] = np.arange(len(self._ids))
        row[model.unknown_id] = -1
        had, owner = row[self.history.flat_values.numpy()], self.history.value_rowids().numpy()
        self._had = _ones(owner[had >= 0], had[had >= 0], shape)

    def order_speaks(self) -> bool:
        """Whether histories whose later items count more surely foretell better, by the items' vectors alone."""
        ids, owner = self.history.flat_values.numpy(), self.history.value_rowids().numpy()
        if len(self._queries) < _LEAST or not len(ids):
            return False
        ago = self.history.row_splits.numpy()[1:][owner] - 1 - np.arange(len(ids))
        table = np.asarray(self._model.queries.ids.embeddings)
        shape = (len(self._queries), len(table))
        weights = (self._weight, self._weight * RECENCY**ago)
        bags = [sp.csr_matrix((one.astype(np.float32), (owner, ids)), shape) @ table for one in weights]
        known, later = self._values(lambda part: [(bag[part] @ table.T)[:, self._ids] for bag in bags])
        return _surely(later - known)

    def value(self, tower: OrderTower) -> float:
        """How well order alone foretells; see `_values`."""
        queries, items = self._vectors(tower)
        return float(self._values(lambda part: [queries[part] @ items.T]).mean())

    def set_share(self, tower: OrderTower) -> None:
        """Gives the order the share by which both together foretell best, 0 where that isn't surely better than without."""
        queries, items = self._vectors(tower)
        others = np.asarray(embedded(self._model, self._features))

        def both(part: slice) -> tuple[Floats, Floats]:
            return self._queries[part] @ others.T, queries[part] @ items.T

        spread = [float(scores.std()) for scores in both(slice(0, self._block))]
        shares = [share * spread[0] / max(spread[1], 1e-9) for share in SHARES]

        def weighed(part: slice) -> list[Floats]:
            bag, order = both(part)
            return [bag + np.float32(share) * order for share in shares]

        found = self._values(weighed)
        best = int(found.mean(1).argmax())
        sure = _surely(found[best] - found[0])
        tower.share.assign(shares[best] if sure else 0.0)
        told = f"{found[0].mean():.4f} to {found[best].mean():.4f}"
        print(f"order: share {SHARES[best] if sure else 0.0}, NDCG@{CUT} from {told}")

    def _vectors(self, tower: OrderTower) -> tuple[Floats, Floats]:
        parts = range(0, len(self._queries), self._block)
        queries = [tower(self.history[start : start + self._block]).numpy() for start in parts]
        return np.concatenate(queries), np.asarray(tower.items(self._ids))

    def _values(self, scores: Callable[[slice], list[Floats]]) -> Values:
        """The mean of two NDCGs of each query: among all items, and among those not in its history but for its targets.

        Args:
            scores: of some queries, so many times: v of [part, items].

        Returns:
            float64 [v, q].
        """
        found = []
        for start in range(0, len(self._queries), self._block):
            part = slice(start, start + self._block)
            taken, had = self._taken[part].toarray(), self._had[part].toarray()
            again = (had > 0) & (taken == 0)
            both = [(one, np.where(again, -np.inf, one)) for one in scores(part)]
            found.append([(_ndcg(every, taken) + _ndcg(new, taken)) / 2 for every, new in both])
        return np.concatenate(found, 1)


def _surely(gain: Values) -> bool:
    return bool(gain.mean() > _CERTAIN * gain.std() / len(gain) ** 0.5)


def _ones(row: npt.NDArray[np.int64], column: npt.NDArray[np.int64], shape: tuple[int, int]) -> sp.csr_matrix:
    return sp.csr_matrix((np.ones(len(row), np.float32), (row, column)), shape).sign()


def _ndcg(scores: Floats, taken: Floats) -> Values:
    """Of each row of scores against what was taken (1, else 0), never nothing: float64 [q]."""
    cut = min(CUT, scores.shape[1])
    top = np.argpartition(-scores, cut - 1, axis=1)[:, :cut]
    order = np.argsort(-np.take_along_axis(scores, top, 1), axis=1, kind="stable")
    hit = np.take_along_axis(taken, np.take_along_axis(top, order, 1), 1).astype(np.float64)
    worth = 1.0 / np.log2(np.arange(cut) + 2.0)
    count = np.minimum(taken.sum(1).astype(int), cut)
    value: Values = hit @ worth / np.cumsum(worth)[count - 1]
    return value
