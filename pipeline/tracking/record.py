"""What is kept of a run, read from what it left in its output folder."""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aisle.components.reports import anomalies, cleaning, evaluation, labels
from aisle.pipeline.config import Config
from aisle.pipeline.paths import Layout
from aisle.schema.training import HISTORY_FILE

_REPORTS = (anomalies.NAME, cleaning.NAME, labels.NAME, evaluation.NAME)
_FIGURES = ("recall", "ndcg", "ndcg_full", "mrr", "hit_rate", "coverage", "novelty", "popularity")
_SPREAD = ("diversity", "gini", "miscalibration")


@dataclasses.dataclass(frozen=True)
class Record:
    """A run.

    Attributes:
        settings: all of them but the tracking's own, `SECTION.KEY` to text; what isn't text or a number is JSON.
        curves: of each training, `TRAINING/NAME` to the numbers that there are by epoch, from 1.
        figures: of the evaluation, `SYSTEM/PART/METRIC` to a number.
        reports: their files.
    """

    settings: dict[str, str]
    curves: dict[str, dict[int, float]]
    figures: dict[str, float]
    reports: list[pathlib.Path]


def record_of(config: Config, layout: Layout, trainings: Iterable[str]) -> Record:
    """Gathers a run.

    Args:
        config: all options.
        layout: where its reports lie.
        trainings: the folders of its trainings' runs, each `…/Trainer.NAME/model_run/NUMBER`.
    """
    folder = pathlib.Path(layout.reports)
    found = folder / f"{evaluation.NAME}.json"
    report = json.loads(found.read_text(encoding="utf-8")) if found.exists() else {}
    return Record(
        dict(_settings(config)),
        dict(_curves(trainings)),
        dict(figures_of(report)),
        [path for name in _REPORTS for path in sorted(folder.glob(f"{name}.*"))],
    )


def _settings(config: Config) -> Iterator[tuple[str, str]]:
    for section, values in config.model_dump(mode="json").items():
        # The address may hold a password.
        for key, value in values.items() if section != "tracking" else ():
            yield f"{section}.{key}", value if isinstance(value, str) else json.dumps(value)


def _curves(trainings: Iterable[str]) -> Iterator[tuple[str, dict[int, float]]]:
    for uri in trainings:
        path = pathlib.Path(uri) / HISTORY_FILE
        training = path.parent.parent.parent.name.rpartition(".")[2]
        if path.exists():
            for name, values in json.loads(path.read_text(encoding="utf-8")).items():
                known = {epoch: value for epoch, value in enumerate(values, 1) if value is not None}
                yield f"{training}/{name}", {e: v for e, v in known.items() if math.isfinite(v)}


def figures_of(report: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers of an evaluation (docs/reports.md) by a name of letters, digits and slashes; what is null is left out."""
    for system in report.get("systems", ()):
        for part in ("all", "new"):
            yield from _numbers(f"{system['name']}/{part}", system.get(part), (*_FIGURES, *_SPREAD))
    for system in (report.get("search") or {}).get("systems", ()):
        yield from _numbers(f"search, {system['name']}", system, _FIGURES)
    yield from _numbers("ranking", report.get("ranking"), ("auc", "log_loss"))
    yield from _numbers("blessing", report.get("blessing"), ("blessed",))


def _numbers(of: str, found: Mapping[str, Any] | None, names: Iterable[str]) -> Iterator[tuple[str, float]]:
    where = "/".join(re.sub(r"\W+", "_", part).strip("_") for part in of.split("/"))
    for name in names:
        value = (found or {}).get(name)
        if value is not None and math.isfinite(value):
            yield f"{where}/{name}", float(value)
