"""Learns how much each domain may say of another: by what users took, which was hidden; what doesn't win says nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from aisle.model.retrieval.domains.mixture import Known, Mixture
from aisle.model.retrieval.domains.takings import (
    Bools,
    Floats,
    Takings,
    first_items,
    last_items,
)

FOLDS = 3
"""The users that are asked are parted in so many; what is hidden of one of them is all that the others lose."""
ASKED = 6000
"""So many users are asked at most."""
LEAST = 50
"""Fewer questions teach nothing: each domain stays alone."""
_HALF_LIVES = (7.0, 3.5, 14.0, 28.0, 90.0)
_ALWAYS = (0.3, 0.1, 1.0)
_OWN = (0.3, 0.0, 0.1, 1.0)
_OTHER = (0.03, 0.1, 0.3, 1.0)
"""What is tried: of equally good ones the first is taken."""
_DEEP = 100
"""An item at a later place counts as not found."""
_SURE = 1.645
"""Standard errors that a gain must be above 0: 95 %, one-sided."""


@dataclasses.dataclass(frozen=True)
class Direction:
    """What one domain says of another.

    Example:
        >>> Direction(source=0, target=1, weight=0.1, gain=0.002, low=0.0005, questions=900).on
        True

    Attributes:
        source: whose items a user took.
        target: whose items are foretold.
        weight: of what goes with the user's items of `source`; 0 where that doesn't surely win.
        gain: in nDCG, of the weight or, where it is 0, of the best that was tried.
        low: the lower end of the gain's 90 % interval: what had to be above 0.
        questions: on so many, asked of users whose answers were hidden.
    """

    source: int
    target: int
    weight: float
    gain: float
    low: float
    questions: int

    @property
    def on(self) -> bool:
        """Whether anything is said."""
        return self.weight > 0


@dataclasses.dataclass(frozen=True)
class Learnt:
    """A domain's mixture, and what the other domains say of it.

    Example:
        >>> silent = Direction(source=1, target=0, weight=0.0, gain=-0.001, low=-0.003, questions=900)
        >>> learnt = Learnt(Mixture(14.0, 0.3, np.array([0.3, 0.0])), [silent])
        >>> [direction.on for direction in learnt.directions]
        [False]

    Attributes:
        mixture: the weights, those of the directions among them.
        directions: from each other domain.
    """

    mixture: Mixture
    directions: list[Direction]


def learn(takings: Takings, domain: int, seed: int = 0) -> Learnt:
    """Learns the mixture of a domain.

    Users are asked for the last item that they took in it and, where they came from another domain, for the first. Each
    question is answered by a model that hasn't seen its answer.

    Args:
        takings: all that may be learnt from.
        domain: the number of the domain.
        seed: of the draw of users.
    """
    known = [
        Known.learn(questions)
        for asked in _folds(takings, seed)
        for questions in (last_items(takings, asked, domain), first_items(takings, asked, domain))
        if len(questions.targets)
    ]
    others = [other for other in range(int(takings.domains.max()) + 1) if other != domain]
    count = sum(len(one.questions.targets) for one in known)
    mixture = Mixture(_HALF_LIVES[0], _ALWAYS[0], _OWN[0] * np.eye(len(others) + 1)[domain])
    if count < LEAST:
        return Learnt(mixture, [Direction(other, domain, 0.0, 0.0, 0.0, count) for other in others])
    mixture = _best(known, [dataclasses.replace(mixture, half_life=days) for days in _HALF_LIVES])
    mixture = _best(
        known,
        [
            dataclasses.replace(mixture, always=always).with_weight(domain, own)
            for always in _ALWAYS
            for own in _OWN
        ],
    )
    directions = [_direction(known, mixture, other, domain) for other in others]
    for direction in directions:
        mixture = mixture.with_weight(direction.source, direction.weight)
    return Learnt(mixture, directions)


def _folds(takings: Takings, seed: int) -> list[Bools]:
    """The rows of the users that are asked, fold by fold: bool [e] each."""
    users = np.random.default_rng(seed).permutation(np.unique(takings.users))[:ASKED]
    return [np.isin(takings.users, users[fold::FOLDS]) for fold in range(FOLDS)]


def values(known: Sequence[Known], mixtures: Sequence[Mixture]) -> Floats:
    """NDCG of every question by each mixture, with one item that is right: [mixtures, q]."""
    half_lives = tuple({mixture.half_life for mixture in mixtures})
    found = [
        [one.ranks(mixture) for mixture in mixtures] for part in known for one in part.blocks(half_lives)
    ]
    ranks = np.concatenate(found, axis=1)
    return np.asarray(np.where(ranks < _DEEP, 1.0 / np.log2(ranks + 2.0), 0.0), np.float64)


def _best(known: Sequence[Known], mixtures: list[Mixture]) -> Mixture:
    return mixtures[int(values(known, mixtures).mean(1).argmax())]


def _direction(known: Sequence[Known], alone: Mixture, source: int, target: int) -> Direction:
    """How much a domain says: the least weight whose gain is within a standard error of the best one's, if that is sure.

    Source: the one-standard-error rule of Breiman et al., Classification and Regression Trees, 1984: what is as good and
    nearer to nothing is taken.
    """
    found = values(known, [alone, *(alone.with_weight(source, weight) for weight in _OTHER)])
    gains = found[1:] - found[0]
    mean, error = gains.mean(1), gains.std(1) / np.sqrt(gains.shape[1])
    best = int(mean.argmax())
    chosen = int(np.flatnonzero(mean >= mean[best] - error[best])[0])
    low = mean - _SURE * error
    if low[chosen] <= 0:
        chosen = best
    weight = _OTHER[chosen] if low[chosen] > 0 else 0.0
    return Direction(source, target, weight, float(mean[chosen]), float(low[chosen]), gains.shape[1])
