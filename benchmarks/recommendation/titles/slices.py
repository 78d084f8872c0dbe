"""What a list of items is worth by who asks and by what is found: slices whose bounds are the shop's own quartiles."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from aisle.components.evaluator.baselines.recommenders import seen
from aisle.components.evaluator.measures.metrics import (
    Bools,
    Floats,
    Ints,
    bootstrap_interval,
    recall_and_ndcg,
    relevant_items,
)
from aisle.components.evaluator.measures.protocol import Protocol


@dataclasses.dataclass(frozen=True)
class Slice:
    """Some of the answers that are looked for.

    Attributes:
        name: in words.
        new: whether what was taken before is left out of the list.
        truth: what counts, [users, items]; who has none of it isn't in the slice.
    """

    name: str
    new: bool
    truth: sparse.csr_matrix

    @property
    def users(self) -> int:
        """How many have something to be found."""
        return int((relevant_items(self.truth) > 0).sum())


@dataclasses.dataclass(frozen=True)
class Worth:
    """Recall and nDCG of each user by slice, [users] each; NaN who isn't in the slice."""

    recall: dict[str, Floats]
    ndcg: dict[str, Floats]

    @staticmethod
    def mean(many: list[Worth]) -> Worth:
        """User by user, over several trainings."""
        first, *_ = many
        recall, ndcg = (
            {name: np.mean([getattr(one, metric)[name] for one in many], 0) for name in first.ndcg}
            for metric in ("recall", "ndcg")
        )
        return Worth(recall, ndcg)

    def record(self, base: Worth) -> dict[str, Any]:
        """By slice: the means, and their gains over another's with paired 95 % intervals."""
        return {
            name: {
                metric: {
                    "mean": float(np.nanmean(mine[name])),
                    "gain": float(np.nanmean(mine[name] - theirs[name])),
                    "ci": bootstrap_interval(mine[name] - theirs[name]),
                }
                for metric, mine, theirs in (
                    ("ndcg", self.ndcg, base.ndcg),
                    ("recall", self.recall, base.recall),
                )
            }
            for name in self.ndcg
        }


def worth(answers: dict[bool, Ints], slices: list[Slice]) -> Worth:
    """What lists are worth: item indices, best first, [users, k] by whether what was taken before is left out."""
    found = {one.name: recall_and_ndcg(answers[one.new], one.truth) for one in slices}
    return Worth(
        {name: pair[0] for name, pair in found.items()}, {name: pair[1] for name, pair in found.items()}
    )


def slices_of(protocol: Protocol) -> list[Slice]:
    """All users and items; users by how many items they had taken; items by how often they had been taken.

    The slices of items count, in the same lists, what was found of them alone. Nobody had taken what is unsold; of such
    the protocol's truth has none, so it stands apart.
    """
    truths = {False: protocol.truth, True: protocol.new}
    again = (protocol.truth - protocol.new).tocsr()
    again.eliminate_zeros()
    found = [
        Slice("all", False, protocol.truth),
        Slice("bought again", False, again),
        Slice("new", True, protocol.new),
    ]
    had = relevant_items(seen(protocol.train)[protocol.users])
    for name, some in quartiles(had):
        for new, truth in truths.items():
            found.append(Slice(f"{_of(new)}, users who had {name} items", new, _rows(truth, some)))
    sold = np.bincount(protocol.train.items, minlength=protocol.train.n_items)
    for name, some in quartiles(sold, np.flatnonzero(sold > 0)):
        for new, truth in truths.items():
            found.append(Slice(f"{_of(new)}, items sold {name} times", new, _columns(truth, some)))
    found.append(Slice("new, unsold items", True, protocol.unheard))
    return [one for one in found if one.users]


def quartiles(values: npt.NDArray[Any], among: npt.NDArray[Any] | None = None) -> list[tuple[str, Bools]]:
    """Parts that hold about a quarter each: in words, and which of the values lie there, [n].

    Args:
        values: counts, [n].
        among: which of them are parted, by place; None: all.
    """
    some = np.isin(np.arange(len(values)), among) if among is not None else np.ones(len(values), np.bool_)
    counts = values[some]
    ends = sorted({*np.quantile(counts, (0.25, 0.5, 0.75), method="lower").tolist(), int(counts.max())})
    found, low = [], int(counts.min())
    for end in map(int, ends):
        words = f"{low}–{end}" if end > low else f"{end}"
        found.append((words, some & (values >= low) & (values <= end)))
        low = end + 1
    return found


def _of(new: bool) -> str:
    return "new" if new else "all"


def _rows(truth: sparse.csr_matrix, some: Bools) -> sparse.csr_matrix:
    return _clean(sparse.diags(some.astype(np.float64)) @ truth)


def _columns(truth: sparse.csr_matrix, some: Bools) -> sparse.csr_matrix:
    return _clean(truth @ sparse.diags(some.astype(np.float64)))


def _clean(truth: sparse.csr_matrix) -> sparse.csr_matrix:
    truth = truth.tocsr()
    truth.eliminate_zeros()
    return truth
