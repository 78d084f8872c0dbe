"""What a budget buys, paced in several ways, beside the best that could be bought by knowing the day.

    python -m benchmarks.ads.pacing --check

One bidder with a budget of 35 % of what it would spend without any meets a second price in each auction, the highest bid of the
others. Values and prices are lognormal (σ 0.7 and 0.6, medians alike); with the daily wave, prices rise by a sine to e^0.5 times
and fall to e^-0.5 times. The optimum in hindsight takes what costs least for its value until the budget is spent. Nobody knows
when prices rise: all plans are even. The settings of `aisle.ads.pacing` were tuned on other seeds.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from aisle.ads.campaign import MILLION
from aisle.ads.pacing import DualPacing, SlotPacing
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

SIZES, SLOTS, BUDGET = (1_000, 10_000, 100_000), 96, 0.35
VALUES, PRICES, WAVE = 0.7, 0.6, 0.5
SEEDS = tuple(range(100, 110))
DAYS = ("independent", "daily wave")
DUAL, SLOT = "aisle, after each auction", "aisle, 96 slots"
GOALS = {(10_000, DAYS[0]): 0.98, (10_000, DAYS[1]): 0.96, (1_000, DAYS[0]): 0.93, (1_000, DAYS[1]): 0.85}


class Policy(Protocol):
    """How much of its value a bidder bids."""

    @property
    def multiplier(self) -> float:
        """From 0 to 1."""

    def saw(self, spent: int) -> None:
        """An auction is over, in which so much was spent."""


def _figure(size: int, day: str, least: float | None) -> Figure:
    def of(found: Found) -> float | None:
        value = found["shares"].get(f"{size}, {day}", {}).get(DUAL)
        return None if value is None else float(value)

    return Figure(f"{day.replace(' ', '_')}_{size}", of, least=least)


FIGURES = (
    *(_figure(size, day, least) for (size, day), least in GOALS.items()),
    Figure("overspent", lambda found: found["overspent"], most=0),
)


@dataclasses.dataclass
class Unpaced:
    """Bids its value until the budget is gone."""

    budget: int
    auctions: int
    multiplier: float = 1.0

    def saw(self, spent: int) -> None:
        """Changes nothing."""


@dataclasses.dataclass
class Throttled(Unpaced):
    """Bids its value, or nothing while it is ahead of its plan."""

    spent: int = 0
    seen: int = 0

    def saw(self, spent: int) -> None:
        """Stays out of the next auction where too much was spent."""
        self.spent, self.seen = self.spent + spent, self.seen + 1
        self.multiplier = float(self.spent <= self.budget * (self.seen + 1) / self.auctions)


@dataclasses.dataclass
class PlainDual(Unpaced):
    """Adaptive pacing as Balseiro and Gur have it: a constant step of 1.5/√T, a constant target, money in median values."""

    dual: float = 0.0
    step: float = 1.5

    def saw(self, spent: int) -> None:
        """Moves the dual variable by what was spent beside the target."""
        target = self.budget / self.auctions
        self.dual = max(self.dual - self.step * (target - spent) / MILLION / self.auctions**0.5, 0.0)
        self.multiplier = 1.0 / (1.0 + self.dual)


def _in_targets(budget: int, auctions: int) -> PlainDual:
    """The same with a step of 1/√T where money is in targets: a quicker start."""
    return PlainDual(budget, auctions, step=MILLION * auctions / max(budget, 1))


class AfterEach:
    """`DualPacing` with an even plan."""

    def __init__(self, budget: int, auctions: int) -> None:
        self.pace, self.share = DualPacing(budget), 1 / auctions

    @property
    def multiplier(self) -> float:
        """Of the pace."""
        return self.pace.multiplier

    def saw(self, spent: int) -> None:
        """Moves it."""
        self.pace = self.pace.after(spent, self.share)


class AfterSlots:
    """`SlotPacing` with an even plan."""

    def __init__(self, budget: int, auctions: int) -> None:
        self.pace, self.auctions = SlotPacing(budget), auctions
        self.multiplier, self.seen, self.spent = 1.0, 0, 0

    def saw(self, spent: int) -> None:
        """Moves it at the end of a slot."""
        self.seen, self.spent = self.seen + 1, self.spent + spent
        if self.seen * SLOTS // self.auctions > self.pace.slot:
            self.pace, self.spent = self.pace.after(self.spent), 0
            self.multiplier = self.pace.multiplier


POLICIES: dict[str, Callable[[int, int], Policy]] = {
    "no pacing": Unpaced,
    "throttling": Throttled,
    "Balseiro and Gur, plain": PlainDual,
    "the same, money in targets": _in_targets,
    SLOT: AfterSlots,
    DUAL: AfterEach,
}


def main() -> None:
    """Measures and prints, as the command line says."""
    command = Command(__doc__, FIGURES, seeds=SEEDS)
    command.add_argument("--auctions", type=int, nargs="+", default=list(SIZES))
    command.run(measure, {"pacing": markdown})


def measure(told: argparse.Namespace, _scratch: pathlib.Path) -> Found:
    """The share of the optimum that each policy reaches, as the mean of all seeds, by number of auctions and day."""
    shares: dict[str, dict[str, float]] = {}
    overspent = 0
    for size in told.auctions:
        for day in DAYS:
            reached: dict[str, list[float]] = {name: [] for name in POLICIES}
            for seed in told.seeds:
                values, prices = auctions(size, seed, WAVE if day == DAYS[1] else 0.0)
                budget = int(BUDGET * prices[values >= prices].sum())
                best = optimum(values, prices, budget)
                for name, policy in POLICIES.items():
                    worth, spent = bought(values, prices, budget, policy(budget, size))
                    overspent += max(spent - budget, 0)
                    reached[name].append(worth / best)
            shares[f"{size}, {day}"] = {name: float(np.mean(each)) for name, each in reached.items()}
    return {"shares": shares, "overspent": overspent}


def auctions(size: int, seed: int, wave: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """[size], what each auction is worth and what it costs, in micros."""
    draws = np.random.default_rng(seed).standard_normal((2, size))
    day = wave * np.sin(2 * np.pi * np.arange(size) / size)
    worth, cost = VALUES * draws[0], PRICES * draws[1] + day
    return (MILLION * np.exp(worth)).astype(np.int64), (MILLION * np.exp(cost)).astype(np.int64)


def optimum(values: npt.NDArray[np.int64], prices: npt.NDArray[np.int64], budget: int) -> float:
    """What the budget buys at most, with a part of the last auction: no less than any choice of whole ones."""
    worth_it = np.flatnonzero(values >= prices)
    order = worth_it[np.argsort(prices[worth_it] / values[worth_it])]
    costs = np.cumsum(prices[order])
    whole = int(np.searchsorted(costs, budget, side="right"))
    value = float(values[order[:whole]].sum())
    if whole < len(order):
        left = budget - (int(costs[whole - 1]) if whole else 0)
        value += float(values[order[whole]] * (left / prices[order[whole]]))
    return value


def bought(
    values: npt.NDArray[np.int64], prices: npt.NDArray[np.int64], budget: int, policy: Policy
) -> tuple[int, int]:
    """What a policy buys, and what it spends: a bid never exceeds what is left."""
    worth, spent = 0, 0
    for value, price in zip(values.tolist(), prices.tolist(), strict=True):
        won = min(int(value * policy.multiplier), budget - spent) >= price
        paid = price if won else 0
        worth, spent = worth + value * won, spent + paid
        policy.saw(paid)
    return worth, spent


def markdown(found: Found) -> str:
    """A row a policy, a column a number of auctions."""
    sizes = list(dict.fromkeys(key.split(", ")[0] for key in found["shares"]))

    def rows() -> Iterator[list[str]]:
        for name in POLICIES:
            cells = [[found["shares"][f"{size}, {day}"][name] for day in DAYS] for size in sizes]
            yield [name, *(" / ".join(f"{share:.3f}" for share in both) for both in cells)]

    return table(
        ["share of the optimum, independent / wave", *(f"{size} auctions" for size in sizes)], rows()
    )


if __name__ == "__main__":
    main()
