"""Whether off-policy intervals hold the truth, on the samples of the Open Bandit Dataset.

    python -m benchmarks.experiments.off_policy --source obp/dataset/obd --check

The samples (Saito, Aihara, Matsutani and Narita, 2020) lie in the source distribution of `obp`: 10,000 rows each of three
campaigns, by a uniform policy and by Thompson sampling, with clicks and propensities. Both real logs are judged for the
other policy, which is refused where they hardly overlap. To count how often an interval holds the truth, that must be known:
each campaign's items and positions, with their click rates and how often either policy showed them, give logs of 10,000 rows
in which it is.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from aisle.experiments.off_policy import Judged, Log, doubly_robust, ips, snips
from aisle.experiments.statistics.sample import Floats
from aisle.schema.errors import ExperimentUntrusted
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

CAMPAIGNS, POSITIONS = ("all", "men", "women"), 3
SMOOTHING = 200.0
"""Rows of the mean click rate that are added to each item's at each position, which are few."""
ESTIMATORS = ("ips", "snips", "doubly robust")

FIGURES = (
    Figure("cover", lambda found: min(_mean_cover(found, name) for name in ESTIMATORS), least=0.93),
    Figure(
        "cover_of_the_worst_log", lambda found: min(min(one["cover"].values()) for one in found["judged"])
    ),
    Figure("refused", lambda found: len(found["refused"]), least=1, most=1),
    Figure("effective_rows_refused", lambda found: max(found["refused"].values()), most=3),
    Figure("real_logs_that_agree", lambda found: sum(one["agrees"] for one in found["judged"]), least=5),
)


def _mean_cover(found: Found, estimator: str) -> float:
    return float(np.mean([one["cover"][estimator] for one in found["judged"]]))


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="the samples, obp/dataset/obd", seeds=(1,))
    command.add_argument("--replays", type=int, default=1_000)
    command.run(measure, {"off-policy": markdown})


def measure(told: argparse.Namespace, _scratch: pathlib.Path) -> Found:
    """Each campaign's log in both directions: judged, or refused with its effective rows."""
    found: Found = {"judged": [], "refused": {}, "replays": told.replays}
    for campaign in CAMPAIGNS:
        shop = Campaign.read(told.source, campaign)
        for name, log, truth in (shop.of_uniform(), shop.of_thompson()):
            try:
                judged = snips(log)
            except ExperimentUntrusted:
                found["refused"][f"{campaign}, {name}"] = log.effective
                continue
            random = np.random.default_rng(told.seeds[0])
            found["judged"].append(
                {
                    "log": f"{campaign}, {name}",
                    "effective": judged.effective,
                    "value": judged.value.value,
                    "interval": judged.interval(),
                    "truth": truth,
                    "agrees": _agrees(judged, truth, shop.rows),
                    "cover": shop.cover(name, told.replays, random),
                }
            )
    return found


def _agrees(judged: Judged, truth: float, rows: int) -> bool:
    """Whether the interval meets that of the other policy's own click rate."""
    own = 1.96 * (truth * (1 - truth) / rows) ** 0.5
    low, high = judged.interval()
    return low <= truth + own and truth - own <= high


@dataclasses.dataclass(frozen=True)
class Campaign:
    """Both logs of a campaign, whose cells are items at positions, [POSITIONS x items].

    Attributes:
        uniform: the log of the uniform policy: `cell`, `click`, `propensity_score`.
        thompson: that of Thompson sampling.
        items: how many there are.
    """

    uniform: pl.DataFrame
    thompson: pl.DataFrame
    items: int

    @staticmethod
    def read(source: pathlib.Path, campaign: str) -> Campaign:
        """Reads `random/CAMPAIGN/CAMPAIGN.csv` and `bts/CAMPAIGN/CAMPAIGN.csv`."""
        logs = [pl.read_csv(source / policy / campaign / f"{campaign}.csv") for policy in ("random", "bts")]
        items = int(max(log["item_id"].max() for log in logs)) + 1  # type: ignore[type-var, arg-type]
        cell = pl.col("item_id") + items * (pl.col("position") - 1)
        uniform, thompson = (log.select("click", "propensity_score", cell=cell) for log in logs)
        return Campaign(uniform, thompson, items)

    @property
    def rows(self) -> int:
        """Of either log."""
        return len(self.uniform)

    def of_uniform(self) -> tuple[str, Log, float]:
        """The uniform log judged for Thompson sampling, by how often that showed each cell; and its own click rate."""
        target = self.shares(self.thompson, 0.0).ravel()[self.uniform["cell"].to_numpy()]
        return "uniform to Thompson", _log(self.uniform, target), float(self.thompson["click"].mean())  # type: ignore[arg-type]

    def of_thompson(self) -> tuple[str, Log, float]:
        """Thompson sampling's log judged for the uniform policy; and that one's own click rate."""
        target = np.full(self.rows, 1 / self.items)
        return "Thompson to uniform", _log(self.thompson, target), float(self.uniform["click"].mean())  # type: ignore[arg-type]

    def shares(self, log: pl.DataFrame, added: float) -> Floats:
        """How often a log shows each item at a position, [POSITIONS, items], with so many rows added to each."""
        counts = self._counts(log, np.ones(len(log))) + added
        shares: Floats = counts / counts.sum(axis=1, keepdims=True)
        return shares

    def click_rates(self) -> Floats:
        """Of each cell by both logs, [POSITIONS, items]."""
        both = pl.concat([self.uniform, self.thompson])
        return _smoothed(self._counts(both, both["click"].to_numpy()), self._counts(both, np.ones(len(both))))

    def cover(self, name: str, replays: int, random: np.random.Generator) -> dict[str, float]:
        """How often each estimator's interval holds the truth, in logs whose truth is known."""
        uniform, thompson = np.full((POSITIONS, self.items), 1 / self.items), self.shares(self.thompson, 1.0)
        logged, target = (uniform, thompson) if name.startswith("uniform") else (thompson, uniform)
        rates = self.click_rates()
        truth = float((target * rates).sum() / POSITIONS)
        held = [_held(logged, target, rates, truth, self.rows, random) for _ in range(replays)]
        return {estimator: float(np.mean([one[estimator] for one in held])) for estimator in ESTIMATORS}

    def _counts(self, log: pl.DataFrame, weights: npt.NDArray[np.generic]) -> Floats:
        counts = np.bincount(log["cell"].to_numpy(), weights, POSITIONS * self.items)
        return counts.astype(float).reshape(POSITIONS, self.items)


def _log(log: pl.DataFrame, target: Floats) -> Log:
    return Log(log["click"].to_numpy().astype(float), log["propensity_score"].to_numpy(), target)


def _smoothed(clicks: Floats, shown: Floats) -> Floats:
    """Click rates, with some rows of the mean one."""
    rates: Floats = (clicks + SMOOTHING * clicks.sum() / shown.sum()) / (shown + SMOOTHING)
    return rates


def _held(
    logged: Floats, target: Floats, rates: Floats, truth: float, rows: int, random: np.random.Generator
) -> dict[str, bool]:
    """Whether each estimator's interval holds the truth in one log."""
    cells = random.choice(logged.size, rows, p=(logged / POSITIONS).ravel())
    rewards = (random.random(rows) < rates.ravel()[cells]).astype(float)
    log = Log(rewards, logged.ravel()[cells], target.ravel()[cells])
    foreseen, expected = _model(cells, rewards, target, random)
    judged: dict[str, Callable[[], Judged]] = {
        "ips": lambda: ips(log),
        "snips": lambda: snips(log),
        "doubly robust": lambda: doubly_robust(log, foreseen, expected),
    }
    intervals = {name: judge().interval() for name, judge in judged.items()}
    return {name: low <= truth <= high for name, (low, high) in intervals.items()}


def _model(
    cells: npt.NDArray[np.int64], rewards: Floats, target: Floats, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Smoothed click rates of what was shown, and of what the target shows at its position, learnt of the other half."""
    half = random.random(len(cells)) < 0.5
    foreseen, expected = np.empty(len(cells)), np.empty(len(cells))
    for mine in (half, ~half):
        clicks = np.bincount(cells[~mine], rewards[~mine], target.size).astype(float)
        rates = _smoothed(clicks, np.bincount(cells[~mine], minlength=target.size).astype(float))
        foreseen[mine] = rates[cells[mine]]
        expected[mine] = (target * rates.reshape(target.shape)).sum(axis=1)[cells[mine] // target.shape[1]]
    return foreseen, expected


def markdown(found: Found) -> str:
    """A row a log."""
    rows = [
        [
            one["log"],
            f"{one['effective']:,.0f}",
            f"{one['value']:.4f} [{one['interval'][0]:.4f}, {one['interval'][1]:.4f}]",
            f"{one['truth']:.4f}",
            *(f"{one['cover'][name]:.1%}" for name in ESTIMATORS),
        ]
        for one in found["judged"]
    ]
    rows += [
        [name, f"{rows_left:.1f}", "refused", "", "", "", ""] for name, rows_left in found["refused"].items()
    ]
    return table(
        ["log, and whom for", "effective rows", "SNIPS", "own clicks", *(f"cover, {n}" for n in ESTIMATORS)],
        rows,
    )


if __name__ == "__main__":
    main()
