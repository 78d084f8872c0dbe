"""Each metric in each treatment beside the control, and which of the differences stand."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from aisle.experiments.analysis.events import Events
from aisle.experiments.analysis.exposures import Exposures
from aisle.experiments.analysis.measures import Declared, Measured, measure
from aisle.experiments.assignment.experiment import Experiment
from aisle.experiments.statistics.effect import Effect, compare
from aisle.experiments.statistics.estimate import Interval
from aisle.experiments.statistics.group_sequential import Looks
from aisle.experiments.statistics.multiple import benjamini_hochberg, holm
from aisle.experiments.statistics.sample import Sample
from aisle.schema.errors import InputError

Found = Literal["better", "worse", "nothing"]


@dataclasses.dataclass(frozen=True)
class Row:
    """A metric in an arm, beside the control.

    Attributes:
        declared: the metric.
        arm: the treatment's name.
        effect: what it did.
        interval: of the difference, wide enough for all looks where there are several.
        relative: the same over the control's value, apart from 0 just where `interval` is; None where that value isn't itself.
        bound: what each user's measure was cut at; None where it wasn't.
        holm: the p-value among all metrics that aren't guardrails, and arms; None of a guardrail.
        benjamini_hochberg: the same.
        found: what is held to be sure, of a guardrail only harm.
    """

    declared: Declared
    arm: str
    effect: Effect
    interval: Interval
    relative: Interval | None
    bound: float | None
    holm: float | None = None
    benjamini_hochberg: float | None = None
    found: Found = "nothing"

    @property
    def apart(self) -> Found:
        """To which side the interval, taken alone, is apart from 0."""
        low, high = self.interval
        if low <= 0 <= high:
            return "nothing"
        return "better" if (low > 0) == (self.declared.better == "up") else "worse"


@dataclasses.dataclass(frozen=True)
class Judge:
    """How sure a difference must be.

    Attributes:
        alpha: of all that is judged together, and of each interval.
        looks: where this is one of several looks; the last of its bounds is of this one.
    """

    alpha: float = 0.05
    looks: Looks | None = None

    @property
    def level(self) -> float:
        """Of an interval that holds at this look among all."""
        return 1 - (math.erfc(self.looks.bounds[-1] / math.sqrt(2)) if self.looks else self.alpha)

    def together(self, rows: Sequence[Row], by: Literal["holm", "benjamini_hochberg"]) -> list[Row]:
        """The rows with their p-values among all that aren't guardrails, and with what is found by one of these."""
        asked = [place for place, row in enumerate(rows) if not row.declared.guardrail]
        done = [
            dataclasses.replace(row, found="worse")
            if row.declared.guardrail and row.apart == "worse"
            else row
            for row in rows
        ]
        if not asked:
            return done
        p_values = [rows[place].effect.difference.p_value for place in asked]
        for place, one, other in zip(asked, holm(p_values), benjamini_hochberg(p_values), strict=True):
            sure = (one if by == "holm" else other) < self.alpha and self._ended(rows[place])
            found = rows[place].apart if sure else "nothing"
            done[place] = dataclasses.replace(rows[place], holm=one, benjamini_hochberg=other, found=found)
        return done

    def _ended(self, row: Row) -> bool:
        """Whether a difference is, at one of several looks, beyond its bound."""
        return self.looks is None or self.looks.ended(row.effect.difference)


def measured(
    metrics: Sequence[Declared], events: Events, found: Exposures
) -> tuple[list[Measured], dict[str, str]]:
    """The columns of each metric, and why one has none, by its name."""
    columns, refused, places = [], {}, found.places(events.unit)
    for declared in metrics:
        try:
            columns.append(measure(declared, events, found, places=places))
        except InputError as error:
            refused[declared.name] = _reason(declared, error)
    return columns, refused


def compared(
    experiment: Experiment, columns: Sequence[Measured], arm: npt.NDArray[np.int64], level: float
) -> tuple[list[Row], dict[str, str]]:
    """Each metric in each treatment, not judged yet; and why one can't be, by its name.

    Args:
        experiment: whose arms they are.
        columns: of each metric, of all users.
        arm: of each user its place, -1 of those who are left aside, [n].
        level: of the intervals.
    """
    rows: list[Row] = []
    refused = {}
    for one in columns:
        try:
            control, *treatments = (
                Sample.of({name: column[arm == place] for name, column in one.columns.items()})
                for place in range(len(experiment.arms))
            )
            for treated, sample in zip(experiment.arms[1:], treatments, strict=True):
                effect = compare(one.metric, control, sample)
                interval, relative = effect.difference.interval(level), effect.relative_interval(level)
                rows.append(Row(one.declared, treated.name, effect, interval, relative, one.bound))
        except InputError as error:
            refused[one.declared.name] = _reason(one.declared, error)
    return rows, refused


def _reason(declared: Declared, error: InputError) -> str:
    """The message, which may begin with the metric's name."""
    return str(error).removeprefix(f"{declared.name}: ")
