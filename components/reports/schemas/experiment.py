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
    """Apart from 0 just where `interval` is; null where the control's value itself isn't."""
    p_value: float
    holm: float | None
    """Among all metrics and arms, or in a slice all slices; null of a guardrail."""
    benjamini_hochberg: float | None
    found: Literal["better", "worse", "nothing"]
    """What is sure: among all metrics and arms; of a guardrail, harm; in a slice, among all slices."""
    variance_kept: float
    """By CUPED, over the variance without."""
    bound: float | None
    """What each user's measure was cut at; null where it wasn't."""


class Refused(Record):
    """A metric that can't be judged."""

    metric: str
    reason: str


class Bots(Record):
    """Who does more, or faster, than people can."""

    users: int
    rule: str
    """By which they were found, in words."""
    kept: bool
    """Whether they are only counted."""


class UsersInArm(Record):
    """The users of an arm in a slice."""

    arm: str
    users: int


class Part(Record):
    """The users of one value of a slice."""

    by: str
    """`known`, `users.COLUMN` or `events.COLUMN`."""
    value: str
    arms: list[UsersInArm]
    metrics: list[MetricInArm]
    refused: list[Refused]
    """Why a metric can't be judged in it; its `metric` is empty where none can."""


class Differing(Record):
    """Whether an arm's effect differs among the parts of a slice."""

    by: str
    metric: str
    arm: str
    p_value: float
    """Of Cochran's Q."""
    benjamini_hochberg: float
    """Among all slices, metrics and arms."""


class Preference(Record):
    """Which of two interleaved rankings users took more from, by one kind of event."""

    event: str
    prefer_control: int
    prefer_treatment: int
    as_many_of_both: int
    credited_by_item: int
    """Events that name no answer, and were credited by visitor and item."""
    share: float
    """Of those who prefer either, who prefer the treatment."""
    interval: tuple[float, float]
    """Of the share; apart from one half just where the sign test's p-value is small."""
    p_value: float
    holm: float
    """Among all kinds of event."""
    found: Literal["better", "worse", "nothing"]
    """Of the treatment."""


class InterleavedAnswers(Record):
    """What interleaved answers say."""

    control: str
    treatment: str
    users: int
    """Who were shown such answers and are known."""
    answers_with_more_of_control: int
    """A toss decides for whom there are more."""
    answers_with_more_of_treatment: int
    preferences: list[Preference]


class Experiment(Record):
    """What an experiment found, verdict first."""

    version: Literal[1]
    experiment: str
    outcome: Literal["untrusted", "harmed", "better", "worse", "no difference"]
    verdict: str
    distrust: list[str]
    """Why the data can't be trusted; empty where they can."""
    left_out: list[LeftOut]
    late: int
    """Users who acted in the experiment before it was shown to them; they are kept."""
    noted: list[LeftOut]
    """What is kept and worth knowing: users first seen before they were known, and ids of the other column in two arms."""
    bots: Bots
    held: ArmsHeld | None
    """Null of interleaved answers, which have no arms of users."""
    metrics: list[MetricInArm]
    refused: list[Refused]
    slices: list[Part]
    """Exploratory."""
    differing: list[Differing]
    interleaved: InterleavedAnswers | None
    """Null of an A/B test."""
