"""Chances of what was sold: predicted over observed, after the auction has picked what it overestimates.

    python -m benchmarks.ads.calibration [--check] [--results docs/ads.md]

A simulated shop's model is asked what was searched after it was made, and the first places of each search are sold. On the
first day by the head as it is, from then on by each method's own chances, learnt each night of all days before: so what is
measured is what won by the very chances that are measured. The second half of the days is measured; what becomes of each
place is drawn many times, as of a busier shop. Methods without selection learn of the items that the shop ranked at these
places. "Purchases" are those after a click, learnt while many of them are still to come.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from aisle.ads.fitting import fit_rate
from aisle.components.evaluator.measures.calibration import calibration_error, reliability
from aisle.datasets.simulator import SimulatorOptions
from benchmarks.ads.nights import WINDOW, Method, days, platt, without_advertisers
from benchmarks.ads.searches import Floats, Searches, make_searches
from benchmarks.ads.selling import within
from benchmarks.clicks.measures import BINS
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

DECILES = 10
AISLE, PURCHASES, AT_ONCE = "aisle", "purchases after a click", "the same, late ones taken for none"
METHODS = {
    "the head as it is": Method(None),
    "Platt, of what was ranked": Method(platt, sold=False),
    "isotonic, of what was ranked": Method(without_advertisers, sold=False),
    "isotonic, of what was sold": Method(without_advertisers),
    AISLE: Method(fit_rate),
}


def _figure(
    name: str, key: str, most: float | None = None, least: float | None = None, of: str = AISLE
) -> Figure:
    return Figure(name, lambda found: found["methods"].get(of, {}).get(key), least=least, most=most)


FIGURES = (
    _figure("ece", "ece", most=0.006),
    _figure("normalised_entropy", "entropy", most=0.885),
    _figure("advertisers_least", "advertisers least", least=0.95),
    _figure("advertisers_most", "advertisers most", most=1.05),
    _figure("deciles_least", "deciles least", least=0.95),
    _figure("deciles_most", "deciles most", most=1.05),
    _figure("purchases_least", "advertisers least", of=PURCHASES),
    _figure("purchases_most", "advertisers most", of=PURCHASES),
)


def main() -> None:
    """Measures and prints, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument("--users", type=int, default=2_000)
    command.add_argument("--items", type=int, default=800)
    command.add_argument("--days", type=int, default=60)
    command.add_argument("--events", type=int, default=1_500_000, help="as if so many came in the last weeks")
    command.add_argument(
        "--searches", type=int, default=16_000, help="whose places are sold, each made by some visitors"
    )
    command.add_argument("--nights", type=int, default=8, help="on which chances are learnt again")
    command.add_argument("--times", type=int, default=20, help="the outcome of what is measured is drawn")
    command.add_argument("--seed", type=int, default=1)
    command.run(measured, {"calibration": markdown})


def measured(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """What is found in the shop that the command line describes."""
    options = SimulatorOptions(users=told.users, items=told.items, days=told.days, seed=told.seed)
    searches = make_searches(options, told.events, told.searches, scratch)
    return measure(searches, told.nights, told.times, told.seed)


def measure(searches: Searches, nights: int, times: int, seed: int) -> Found:
    """Sells by each method, and holds what it foretold against what happened."""
    rng = np.random.default_rng([seed, 3])
    found: dict[str, Any] = {}
    for name, method in METHODS.items():
        outcome = days(searches, nights, seed, method)
        sold = outcome.sold
        found[name] = judged(outcome.predicted, sold.click, sold.advertisers, times, rng)
        print(f"sold by {name}", flush=True)
    clicks = np.repeat(np.arange(len(outcome.clicked)), outcome.clicked)
    truth, names = sold.conversion[clicks] * within(WINDOW), sold.advertisers[clicks]
    for name, predicted in ((PURCHASES, outcome.bought), (AT_ONCE, outcome.at_once)):
        found[name] = judged(predicted[clicks], truth, names, times, rng)
    return {"methods": found, "searches": len(searches.time)}


def judged(
    predicted: Floats, truth: Floats, names: npt.NDArray[np.str_], times: int, rng: np.random.Generator
) -> dict[str, float]:
    """What was foretold of places beside what happens there.

    Args:
        predicted: [n] chances.
        truth: [n] the chances behind them.
        names: [n] of the advertisers.
        times: each place's outcome is drawn.
        rng: draws it.
    """
    happened = rng.binomial(times, truth) / times
    order = np.argsort(predicted, kind="stable")
    bins = reliability(predicted[order], happened[order], np.ones(len(order)), BINS)
    deciles = np.empty(len(order), np.int64)
    deciles[order] = np.arange(len(order)) * DECILES // len(order)
    rate, chance = happened.mean(), np.clip(predicted, 1e-9, 1 - 1e-9)
    loss = -(happened * np.log(chance) + (1 - happened) * np.log1p(-chance)).mean()
    found = {
        "rows": float(len(order)),
        "rate": float(rate),
        "ece": calibration_error(bins) or 0.0,
        "entropy": float(loss / -(rate * np.log(rate) + (1 - rate) * np.log1p(-rate))),
        "overall": float(predicted.sum() / happened.sum()),
    }
    for what, which in (("advertisers", names), ("deciles", deciles)):
        ratios, errors = zip(
            *(_ratio(predicted, happened, which == one) for one in np.unique(which)), strict=True
        )
        found |= {f"{what} least": min(ratios), f"{what} most": max(ratios), f"{what} error": max(errors)}
    return found


def _ratio(predicted: Floats, happened: Floats, rows: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Predicted over observed of some rows, and its standard error, each row being one draw of what may be shown."""
    observed = happened[rows].sum()
    if not observed:
        return float("inf"), float("inf")
    ratio = predicted[rows].sum() / observed
    error = np.sqrt(((predicted[rows] - ratio * happened[rows]) ** 2).sum()) / observed
    return float(ratio), float(error)


def markdown(found: Found) -> str:
    """A row a method."""

    def cells() -> Iterator[list[str]]:
        for name, one in found["methods"].items():
            ranges = [
                f"{one[f'{what} least']:.3f} – {one[f'{what} most']:.3f} (± {one[f'{what} error']:.3f})"
                for what in ("advertisers", "deciles")
            ]
            yield [name, f"{one['overall']:.3f}", *ranges, f"{one['ece']:.4f}", f"{one['entropy']:.3f}"]

    head = ["", "predicted / observed", "of each advertiser", "of each decile", "ECE", "normalised entropy"]
    sold = found["methods"][AISLE]
    told = f"{found['searches']:,} searches; {sold['rows']:,.0f} places measured, of which {sold['rate']:.3f} are clicked."
    return f"{told}\n\n{table(head, cells())}"


if __name__ == "__main__":
    main()
