"""Makes a campaign's budget last: a multiplier of its bid, controlled for each campaign alone.

`DualPacing` moves it after every auction: adaptive pacing by Balseiro and Gur (2019), whose multiplier is the dual variable
of the budget. Two changes make it quicker. The target is what is left of the budget over what is left of the plan, so that an
early error is made good later; and the step is long at first, and shrinks to that of the method. `SlotPacing` moves it once
a slot of the day, where nobody can write after every auction. Both are values: a store keeps them, `after` returns the next.
"""

from __future__ import annotations

import dataclasses
import math

from aisle.ads.campaign import whole
from aisle.schema.errors import InputError

MOST_MONEY = 2**63 - 1
LEAST_LOGARITHM = -14.0
"""A bid of a millionth: less is none, and what sinks further takes longer to come back."""
STEP = 0.3
"""Of the method, for the whole plan; the step of an auction is this by the root of its share."""
WARM_UP = 10
"""Auctions before which the long first steps don't shrink."""
LEAST_TARGET, MOST_TARGET, MOST_SPENT = 0.2, 5.0, 15.0
"""In shares of the plan: no single auction, and no end of a day, moves the multiplier by more."""
GAIN, MOST_MOVED = 0.25, 1.0
"""Of the controller: of the logarithm of planned over spent, and the most that it moves in one slot."""
IDLE = 0.05
"""Of a slot's plan, added to both sides, so that a slot that sold nothing says little."""


@dataclasses.dataclass(frozen=True)
class SpendPlan:
    """How the spend of a day is to be spread over its slots.

    Attributes:
        weights: of each slot, such as the auctions of that hour on earlier days; at least one above 0.

    Raises:
        InputError: one is negative or no number, or none is above 0.
    """

    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuses what can't be shares."""
        if not all(math.isfinite(one) and one >= 0 for one in self.weights) or not sum(self.weights) > 0:
            raise InputError(
                f"a spend plan of {self.weights[:8]}, expected numbers from 0 up, and one above it"
            )

    @classmethod
    def even(cls, slots: int) -> SpendPlan:
        """The same in all slots.

        Raises:
            InputError: there is no slot.
        """
        return cls((1.0,) * slots)

    def share(self, slot: int) -> float:
        """Of the day, from 0 to 1; 0 after the last slot."""
        return self.weights[slot] / math.fsum(self.weights) if slot < len(self.weights) else 0.0

    def ahead(self, slot: int) -> float:
        """Of the day, after a slot."""
        return math.fsum(self.weights[slot + 1 :]) / math.fsum(self.weights)


@dataclasses.dataclass(frozen=True)
class Pacing:
    """The pace of one campaign's budget.

    Attributes:
        budget: for the day, in micros.
        spent: of it, as far as it was told.
        logarithm: of the multiplier, 0 at most.

    Raises:
        InputError: an amount is no whole number from 0 up.
    """

    budget: int
    spent: int = 0
    logarithm: float = 0.0

    def __post_init__(self) -> None:
        """Refuses what is no amount."""
        whole(self.budget, "budget", MOST_MONEY)
        whole(self.spent, "spent", MOST_MONEY)

    @property
    def multiplier(self) -> float:
        """What the bid is multiplied with: from above 0 to 1, and 0 where nothing is left."""
        return math.exp(self.logarithm) if self.spent < self.budget else 0.0


@dataclasses.dataclass(frozen=True)
class DualPacing(Pacing):
    """A pace that moves after each auction in which the campaign could bid.

    Attributes:
        passed: how much of the plan is behind, from 0 to 1.
        auctions: how many were seen.
    """

    passed: float = 0.0
    auctions: int = 0

    def after(self, spent: int, share: float) -> DualPacing:
        """The pace after an auction.

        Args:
            spent: what was charged since the last call, in micros.
            share: of the day's plan that this auction is: the share of its slot over the auctions expected in it.

        Raises:
            InputError: an amount is negative, or the share not above 0 and at most 1.
        """
        if not 0 < share <= 1:
            raise InputError(f"a share of {share}, expected a number above 0, up to 1")
        total = self.spent + whole(spent, "spent", MOST_MONEY)
        passed, logarithm = min(self.passed + share, 1.0), self.logarithm
        if self.budget:
            target = (1.0 - total / self.budget) / max(1.0 - passed, share)
            error = min(max(target, LEAST_TARGET), MOST_TARGET) - min(spent / self.budget / share, MOST_SPENT)
            step = max(STEP * math.sqrt(share), 1.0 / (self.auctions + 1 + WARM_UP))
            logarithm = min(max(logarithm + step * error, LEAST_LOGARITHM), 0.0)
        return DualPacing(self.budget, total, logarithm, passed, self.auctions + 1)


@dataclasses.dataclass(frozen=True)
class SlotPacing(Pacing):
    """A pace that moves at the end of each slot of its plan.

    Attributes:
        plan: of the day.
        slot: the one that runs.
    """

    plan: SpendPlan = SpendPlan.even(96)
    slot: int = 0

    def after(self, spent: int) -> SlotPacing:
        """The pace after a slot.

        Args:
            spent: what was charged in it, in micros.

        Raises:
            InputError: the amount is negative.
        """
        total = self.spent + whole(spent, "spent", MOST_MONEY)
        share, ahead, logarithm = self.plan.share(self.slot), self.plan.ahead(self.slot), self.logarithm
        if ahead and share and self.budget:
            # What this slot should have spent, were it one of those ahead.
            wanted = max(self.budget - total, 0) * share / ahead
            idle = IDLE * self.budget * share
            moved = GAIN * math.log((wanted + idle) / (spent + idle))
            logarithm = min(max(logarithm + min(max(moved, -MOST_MOVED), MOST_MOVED), LEAST_LOGARITHM), 0.0)
        return SlotPacing(self.budget, total, logarithm, self.plan, self.slot + 1)
