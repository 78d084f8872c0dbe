"""How often an experiment in which nothing happens finds something, on the customers of Online Retail.

    python -m benchmarks.experiments.error_rates --source ../shared/data/online-retail --check

Those who bought before 2011-10-09 are parted in two by the assignment's own hash, once for each replay, and what they spent
from then on is compared. No arm got anything, so 5 % of all replays should find a difference, and no more than that however
often one looks. Revenue is winsorised at 99 %. The covariates of CUPED are what the customers spent before, and a forecast
that was trained on earlier months.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from aisle.experiments.assignment.experiment import Arm, Experiment
from aisle.experiments.statistics.always_valid import AlwaysValid
from aisle.experiments.statistics.effect import compare
from aisle.experiments.statistics.estimate import Estimate
from aisle.experiments.statistics.group_sequential import Looks
from aisle.experiments.statistics.metric import Mean, Metric, Ratio
from aisle.experiments.statistics.sample import Floats, Sample
from aisle.experiments.statistics.sample_ratio import sample_ratio
from aisle.experiments.statistics.spending import KimDeMets, obrien_fleming
from aisle.schema.hashing import place_of
from benchmarks.experiments.customers import Customers, read
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

REPLAYS, LOOKS, SINGLE = 30_000, 20, 1.959963985
HISTORY = Mean("all history")
METRICS = {
    "mean": Metric("orders a customer", Mean("orders")),
    "ratio": Metric("revenue an order", Ratio("revenue", "orders")),
    "winsorised": Metric("revenue a customer", Mean("revenue")),
    "cuped": Metric("revenue, CUPED", Mean("revenue"), (HISTORY, Mean("12 weeks"), Mean("forecast"))),
    "raw": Metric("revenue, not winsorised", Mean("raw revenue")),
}
COVARIATES: dict[str, tuple[str, ...]] = {
    "4 weeks before": ("4 weeks",),
    "12 weeks before": ("12 weeks",),
    "all before": ("all history",),
    "forecast": ("forecast",),
    "forecast and before": ("forecast", "all history", "12 weeks"),
}
PARTS = tuple((look + 1) / LOOKS for look in range(LOOKS))
FIFTHS = PARTS[3::4]
PLANS = {
    "5 looks, as O'Brien-Fleming, 4.75 %": Looks.spent(FIFTHS, obrien_fleming, alpha=0.0475),
    "20 looks, 8th power, 4.5 %": Looks.spent(PARTS, KimDeMets(8.0), alpha=0.045),
}
"""A little of α is kept for what the normal approximation misses; either's last interval is still hardly wider."""


def _rate(name: str) -> Figure:
    return Figure(f"{name}_false_positives", lambda found: found["rates"][name], least=0.045, most=0.055)


FIGURES = (
    *(_rate(name) for name in ("mean", "ratio", "winsorised", "cuped")),
    Figure("sample_ratio_alarms", lambda found: found["rates"]["sample ratio"], most=0.002),
    Figure("looks_false_positives", lambda found: max(found["looks"].values()), most=0.05),
    Figure("final_interval", lambda found: max(found["final"].values()), most=1.05),
    Figure("always_valid_false_positives", lambda found: found["always_valid"], most=0.05),
    Figure("uncorrected_looks_false_positives", lambda found: found["uncorrected"]),
    Figure("variance_less_by_cuped", lambda found: max(found["less"].values()), least=0.35),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="UCI Online Retail")
    command.add_argument("--replays", type=int, default=REPLAYS)
    command.run(measure, {"error-rates": rates_table, "cuped": variance_table})


def measure(told: argparse.Namespace, _scratch: pathlib.Path) -> Found:
    """The share of replays that find something, of each metric and each way to look."""
    customers = read(told.source)
    found: list[dict[str, Any]] = [
        one
        for first in range(0, told.replays, 250)
        for one in _replay(customers, first, min(first + 250, told.replays))
    ]

    def share(of: str, key: str) -> float:
        return float(np.mean([one[of][key] for one in found]))

    whole = Sample.of(customers.columns)
    plain = METRICS["winsorised"].variance(whole)
    return {
        "customers": len(customers.ids),
        "replays": told.replays,
        "rates": {name: share("found", name) for name in (*METRICS, "sample ratio")},
        "looks": {name: share("looks", name) for name in PLANS},
        "uncorrected": share("looks", "uncorrected"),
        "always_valid": share("looks", "always valid"),
        "final": {name: looks.bounds[-1] / SINGLE for name, looks in PLANS.items()},
        "less": {
            name: 1 - Metric(name, Mean("revenue"), tuple(map(Mean, columns))).variance(whole) / plain
            for name, columns in COVARIATES.items()
        },
    }


def _replay(customers: Customers, first: int, last: int) -> Iterator[dict[str, Any]]:
    """What each of some replays found."""
    names = tuple(customers.columns)
    values = np.stack([customers.columns[name] for name in names], axis=1)
    treated = np.stack([_arm(customers.ids, replay) for replay in range(first, last)])
    for replay, mask in enumerate(treated, first):
        arms = [_sample(names, values[chosen]) for chosen in (~mask, mask)]
        effects = {name: compare(metric, *arms).difference for name, metric in METRICS.items()}
        ratio = sample_ratio({"a": arms[0].n, "b": arms[1].n}, {"a": 0.5, "b": 0.5})
        yield {
            "found": {name: effect.p_value < 0.05 for name, effect in effects.items()}
            | {"sample ratio": ratio.alarm},
            "looks": _look(_estimates(customers.columns["revenue"], mask, replay), len(mask)),
        }


def _arm(ids: list[str], replay: int) -> npt.NDArray[np.bool_]:
    """Who gets the second arm, as `Experiment.assign` says, without its records."""
    experiment = Experiment(f"replay {replay}", (Arm("a", 0.5), Arm("b", 0.5)))
    places = [place_of(experiment.seed, one.encode()) for one in ids]
    return np.array(places) >= experiment.ranges[1][0]


def _sample(names: tuple[str, ...], values: Floats) -> Sample:
    return Sample.from_sums(names, len(values), values.sum(axis=0), values.T @ values)


def _estimates(revenue: Floats, treated: npt.NDArray[np.bool_], replay: int) -> list[Estimate]:
    """The effect on revenue at each look; users come in an order of the replay's own."""
    order = np.random.default_rng(replay).permutation(len(revenue))
    arms = np.stack([~treated, treated])[:, order]
    sums = np.cumsum(arms[:, None] * np.stack([np.ones_like(revenue), revenue, revenue**2])[:, order], axis=2)
    return [_estimate(sums[:, :, round(part * len(revenue)) - 1]) for part in PARTS]


def _estimate(sums: Floats) -> Estimate:
    """The effect by users, sum and sum of squares of both arms, [2, 3]."""
    arms = [Sample.from_sums(("revenue",), int(n), [total], [[squares]]) for n, total, squares in sums]
    return compare(METRICS["winsorised"], *arms).difference


def _look(estimates: list[Estimate], users: int) -> dict[str, bool]:
    """Whether something is found at any look."""
    scores = np.abs([estimate.score for estimate in estimates])
    sequence = AlwaysValid(planned=users)
    seen = [round(users * part) for part in PARTS]
    places = {name: [PARTS.index(part) for part in looks.fractions] for name, looks in PLANS.items()}
    return {
        "uncorrected": bool((scores > SINGLE).any()),
        "always valid": min(map(sequence.p_value, estimates, seen)) < 0.05,
        **{name: bool((scores[places[name]] >= looks.bounds).any()) for name, looks in PLANS.items()},
    }


def rates_table(found: Found) -> str:
    """False positives, a row each."""
    rows = [(METRICS[name].name, found["rates"][name], "") for name in METRICS]
    rows.append(("sample ratio, alarm at 0.1 %", found["rates"]["sample ratio"], ""))
    rows.append(("20 looks, uncorrected", found["uncorrected"], "1"))
    rows += [(name, found["looks"][name], f"{found['final'][name]:.3f}") for name in PLANS]
    rows.append(("20 looks, always valid", found["always_valid"], ""))
    about = f"{found['replays']:,} replays, {found['customers']:,} customers."
    cells = [[name, f"{rate:.2%}", final] for name, rate, final in rows]
    return f"{about}\n\n{table(['', 'false positives', 'final interval over a single look’s'], cells)}"


def variance_table(found: Found) -> str:
    """What each covariate takes away, a row each."""
    return table(
        ["covariates", "less variance"], [[name, f"{less:.1%}"] for name, less in found["less"].items()]
    )


if __name__ == "__main__":
    main()
