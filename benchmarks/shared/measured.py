"""Recall and nDCG of a recommender on the test users, and the rows of a table of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from aisle.components.evaluator.measures.metrics import (
    Floats,
    Ints,
    bootstrap_interval,
    coverage,
    paired_interval,
    recall_and_ndcg,
)
from aisle.components.evaluator.measures.protocol import Protocol

K = 20


@dataclasses.dataclass(frozen=True)
class Measured:
    """Recall and nDCG by user of one system, for all and for new items: {part: {metric: [users]}}."""

    values: dict[str, dict[str, Floats]]
    covered: float

    @staticmethod
    def of(protocol: Protocol, answer: Callable[[bool], Ints | None]) -> Measured:
        """Measures `answer(exclude_seen)`: item indices [users, K], None where a system gives none."""
        values: dict[str, dict[str, Floats]] = {}
        covered = 0.0
        for part, new in (("all", False), ("new", True)):
            answers = answer(new)
            if answers is None:
                continue
            truth = protocol.new if new else protocol.truth
            values[part] = dict(zip(("recall", "ndcg"), recall_and_ndcg(answers, truth), strict=True))
            covered = covered or coverage(answers, len(protocol.item_ids))
        return Measured(values, covered)

    def mean(self, part: str, metric: str) -> float:
        """The mean over users, -1 where the system gives no answer."""
        return float(np.nanmean(self.values[part][metric])) if part in self.values else -1.0

    def users(self, part: str) -> int:
        """How many users there are."""
        return int((~np.isnan(self.values[part]["ndcg"])).sum())

    def record(self) -> dict[str, Any]:
        """The means and the interval of nDCG, by part."""
        return {
            part: {
                **{metric: float(np.nanmean(values)) for metric, values in metrics.items()},
                "ndcg_ci": bootstrap_interval(metrics["ndcg"]),
            }
            for part, metrics in self.values.items()
        } | {"coverage": self.covered}

    def __str__(self) -> str:
        return ", ".join(
            f"{part} R@{K} {self.mean(part, 'recall'):.4f} nDCG@{K} {self.mean(part, 'ndcg'):.4f}"
            for part in self.values
        )


def average(measured: list[Measured]) -> dict[str, Any]:
    """The record of the mean over seeds, user by user, with the seeds' own nDCG."""
    joined = Measured(
        {
            part: {
                metric: np.mean([one.values[part][metric] for one in measured], 0)
                for metric in ("recall", "ndcg")
            }
            for part in ("all", "new")
        },
        float(np.mean([one.covered for one in measured])),
    )
    seeds = {part: [one.mean(part, "ndcg") for one in measured] for part in ("all", "new")}
    return joined.record() | {"seeds": seeds}


def gain(ours: list[Measured], best: Measured, part: str) -> dict[str, Any]:
    """NDCG of the mean over seeds less the best baseline's, with its paired bootstrap interval."""
    one = np.mean([measured.values[part]["ndcg"] for measured in ours], 0)
    other = best.values[part]["ndcg"]
    share = float(np.nanmean(one) / np.nanmean(other) - 1)
    return {"ndcg": float(np.nanmean(one - other)), "share": share, "ci": paired_interval(one, other)}


HEADER = (
    f"| | all R@{K} | all nDCG@{K} | new R@{K} | new nDCG@{K} | coverage |",
    "|---|---|---|---|---|---|",
)


def row(name: str, record: dict[str, Any]) -> str:
    """A row of the table under HEADER, of a `Measured.record()`."""
    cells = [
        f"{record[part][metric]:.4f}" if part in record else "–"
        for part in ("all", "new")
        for metric in ("recall", "ndcg")
    ]
    return f"| {name} | {' | '.join(cells)} | {record['coverage']:.3f} |"
