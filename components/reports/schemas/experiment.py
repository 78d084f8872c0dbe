"""The report `experiment`, as `aisle experiment analyze` gives it."""

from __future__ import annotations

from typing import Literal

from aisle.components.reports.schemas.record import Record


class ArmUsers(Record):
    """The users of an arm."""

    arm: str
    users: int
    planned: float
    """Expected of so many users in all."""


class ArmsHeld(Record):
    """Whether the arms hold who was planned."""

    statistic: float
    """Pearson's χ²."""
    p_value: float
    alarm: bool
    arms: list[ArmUsers]


class LeftOut(Record):
    """Who or what was left out."""

    reason: str
    count: int


class MetricInArm(Record):
    """What an arm did to a metric."""

    metric: str
    arm: str
    better: Literal["up", "down"]
    guardrail: bool
    control: float
    """The metric in the control, as measured."""
    treatment: float
    difference: float
    """Of the adjusted metric."""
    interval: tuple[float, float]
    """Of the difference; at one of several looks wide enough for all."""
    relative: float | None
    """The difference over the control's value; null where that is 0."""
    relative_interval: tuple[float, float] | None
    p_value: float
    holm: float | None
    """Among all metrics and arms; null of a guardrail."""
    benjamini_hochberg: float | None
    variance_kept: float
    """By CUPED, over the variance without."""
    bound: float | None
    """What each user's measure was cut at; null where it wasn't."""


class Refused(Record):
    """A metric that can't be judged."""

    metric: str
    reason: str


class Experiment(Record):
    """What an experiment found, verdict first."""

    version: Literal[1]
    experiment: str
    outcome: Literal["untrusted", "harmed", "better", "worse", "no difference"]
    verdict: str
    distrust: list[str]
    """Why the data can't be trusted; empty where they can."""
    held: ArmsHeld
    left_out: list[LeftOut]
    late: int
    """Users who acted in the experiment before it was shown to them; they are kept."""
    noted: list[LeftOut]
    """What is kept and worth knowing: users first seen before they were known, and ids of the other column in two arms."""
    metrics: list[MetricInArm]
    refused: list[Refused]
