"""What is taken in a domain, as a mixture: what sells of late, what ever sold, and what goes with what a user took.

Each part counts 1 over the domain's items, so that their weights can be compared from shop to shop. There is one for what
goes with the user's items of each domain: the domain's own, and each other one's, whose weight is what that domain may say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from aisle.model.retrieval.co_occurrence import conditional
from aisle.model.retrieval.domains.takings import Floats, Ints, Questions, Takings

Cells = npt.NDArray[np.float32]
_AT_ONCE = 16_000_000
"""Scores held at once: 64 MB a part."""
_SOLD_HALF_LIVES = 10
"""What is so many half-lives old counts a thousandth: it is left out."""


@dataclasses.dataclass(frozen=True)
class Mixture:
    """The weights of a domain's parts; what sells of late counts 1.

    Example:
        >>> mixture = Mixture(half_life=14.0, always=0.3, of=np.array([0.3, 0.1]))
        >>> mixture.without(1).of.tolist()
        [0.3, 0.0]

    Attributes:
        half_life: days after which a sale counts half.
        always: of what ever sold.
        of: of what goes with the user's items of each domain [D].
    """

    half_life: float
    always: float
    of: Floats

    def without(self, domain: int) -> Mixture:
        """The same, but what a user took in one domain says nothing."""
        return self.with_weight(domain, 0.0)

    def with_weight(self, domain: int, weight: float) -> Mixture:
        """The same with another weight of what a user took in one domain."""
        of = self.of.copy()
        of[domain] = weight
        return dataclasses.replace(self, of=of)


@dataclasses.dataclass(frozen=True)
class Parts:
    """The parts of a block of questions, each summing to 1 over the domain's items (or to 0, where there is none).

    Example:
        >>> lately, ever, near = (np.array([row], np.float32) for row in ([0.5, 0.5], [1.0, 0.0], [0.0, 1.0]))
        >>> parts = Parts({14.0: lately}, ever[0], [near], wanted=np.array([1]), had=sp.csr_matrix((1, 2)))
        >>> [parts.ranks(Mixture(14.0, 0.3, np.array([weight]))).tolist() for weight in (0.0, 1.0)]
        [[1], [0]]

    Attributes:
        sold: what sells at the moment of each question, by half-life [q, m].
        always: what ever sold [m].
        of: what goes with the user's items of each domain [q, m].
        wanted: the place of each question's item among the domain's [q].
        had: what each user took before, in the domain [q, m].
    """

    sold: dict[float, Cells]
    always: Cells
    of: list[Cells]
    wanted: Ints
    had: sp.csr_matrix

    def scores(self, mixture: Mixture) -> Cells:
        """The score of each item, -inf of those that the user has had: [q, m]."""
        scores = self.sold[mixture.half_life] + np.float32(mixture.always) * self.always
        for weight, part in zip(mixture.of, self.of, strict=True):
            if weight:
                scores += np.float32(weight) * part
        scores[self.had.nonzero()] = -np.inf
        return scores

    def ranks(self, mixture: Mixture) -> Ints:
        """The place of the wanted items, from 0; of equals the first in the catalogue leads: [q]."""
        scores = self.scores(mixture)
        own = scores[np.arange(len(scores)), self.wanted][:, None]
        before = np.arange(scores.shape[1])[None] < self.wanted[:, None]
        return np.asarray(((scores > own) | (scores == own) & before).sum(1), np.int64)


def goes_with(learnt: Takings) -> tuple[npt.NDArray[np.int32], Cells]:
    """For each item what its takers took too: rows of items, int32 [n, K], and weights, float32 [n, K].

    A user counts by the inverse root of how much they took. What is common among all takers of an item is near to it: the
    weights are divided by how many took the item, and not by how many took the other.
    """
    taken = learnt.by_user()
    size = np.asarray(taken.sum(1)).ravel()
    return conditional(taken, 1.0 / np.sqrt(np.maximum(size, 1.0)))


@dataclasses.dataclass(frozen=True)
class Known:
    """What is learnt for some questions.

    Example:
        >>> from aisle.model.retrieval.domains.takings import last_items
        >>> users, items = np.repeat([0, 1, 2], 2), np.tile([0, 1], 3)  # Three took item 0, then item 1 of another domain.
        >>> takings = Takings(users, items, np.tile([0, 1], 3), np.arange(6.0), np.array([0, 1, 1]))
        >>> known = Known.learn(last_items(takings, users == 2, domain=1))
        >>> [block.ranks(Mixture(14.0, 0.0, np.array([1.0, 0.0]))).tolist() for block in known.blocks((14.0,))]
        [[0]]

    Attributes:
        questions: that are asked.
        near: how much goes with an item each item of the domain: [n, m].
        sales: what was taken in the domain.
        column: the place in the domain of each item, -1 of others [n].
    """

    questions: Questions
    near: sp.csr_matrix
    sales: Takings
    column: Ints

    @staticmethod
    def learn(questions: Questions) -> Known:
        """Learns from all that isn't hidden."""
        learnt = questions.learnt
        items, weights = goes_with(learnt)
        places = np.arange(0, items.size + 1, items.shape[1])
        near = sp.csr_matrix((weights.ravel(), items.ravel(), places), (learnt.count, learnt.count))
        inside = np.flatnonzero(learnt.domains == questions.domain)
        near = near[:, inside]
        near.eliminate_zeros()
        column = np.full(learnt.count, -1, np.int64)
        column[inside] = np.arange(len(inside))
        return Known(questions, near, learnt.only(learnt.within(questions.domain)), column)

    def blocks(self, half_lives: tuple[float, ...]) -> Iterator[Parts]:
        """The parts of some questions after others."""
        step = max(1, _AT_ONCE // self.near.shape[1])
        for start in range(0, len(self.questions.targets), step):
            yield self._parts(self.questions.part(slice(start, start + step)), half_lives)

    def _parts(self, asked: Questions, half_lives: tuple[float, ...]) -> Parts:
        histories, domains = asked.histories(), asked.takings.domains
        taken = [
            histories @ sp.diags((domains == one).astype(np.float32)) for one in range(int(domains.max()) + 1)
        ]
        always = np.bincount(self.column[self.sales.items], minlength=self.near.shape[1]).astype(np.float32)
        sold = {days: share(sold_at(asked.days, self.sales, self.column, days)) for days in half_lives}
        return Parts(
            sold=sold,
            always=share(always[None])[0],
            of=[share((part @ self.near).toarray()) for part in taken],
            wanted=self.column[asked.wanted],
            had=histories[:, self.column >= 0],
        )


def sold_at(days: Floats, sales: Takings, column: Ints, half_life: float) -> Cells:
    """What was sold before each moment, the less the longer ago: [q] to [q, m].

    Args:
        days: the moments [q].
        sales: of one domain.
        column: the place of each item in the domain [n].
        half_life: days after which a sale counts half.
    """
    order = np.argsort(sales.days, kind="stable")
    when, what = sales.days[order], column[sales.items[order]]
    sold = np.zeros((len(days), int(column.max()) + 1), np.float32)
    starts = np.searchsorted(when, days - _SOLD_HALF_LIVES * half_life)
    for row, (start, end) in enumerate(zip(starts, np.searchsorted(when, days), strict=True)):
        worth = 0.5 ** ((days[row] - when[start:end]) / half_life)
        sold[row] = np.bincount(what[start:end], worth, sold.shape[1])
    return sold


def share(values: Cells) -> Cells:
    """Each row divided by its sum; rows of nothing stay so."""
    return np.asarray(values / np.maximum(values.sum(1, keepdims=True), 1e-9), np.float32)
