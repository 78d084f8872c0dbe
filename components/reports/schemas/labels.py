"""The report `labels`, as `aisle.components.labeler.summary` gives it."""

from __future__ import annotations

from typing import Literal

from aisle.components.reports.schemas.record import Record


class EventCount(Record):
    """How many interactions are of a kind."""

    event: str
    count: int


class Split(Record):
    """The labels of a part of the data, by time."""

    split: Literal["train", "eval", "test"]
    start: str | None
    """YYYY-MM-DD HH:MM:SS, UTC; null for the first split, and where nothing has a time."""
    end: str | None
    """The same; what happens at it is no longer in the split."""
    examples: int
    """For the two-tower."""
    interactions: int
    events: list[EventCount]
    """Interactions by the kind of their strongest event."""
    purchases: int
    """Of the interactions."""
    results: int
    """Search results."""
    clicked: int
    converted: int
    unknown: int
    """Clicked, and may still convert."""
    judgements: int


class Windows(Record):
    """How long after a look a click counts, and after a click a purchase."""

    click_minutes: float
    conversion_days: float


class Outcomes(Record):
    """What became of the search results shown."""

    shown: int
    unnamed: int
    """Left out: they name neither session nor user."""
    unsettled: int
    """Left out: too close to the end of their split to have had their time to be clicked."""
    unknown: int
    """Clicked, and may still convert."""
    late_purchases: int
    """Of the unknown: bought after the end of their split."""
    sponsored: int
    """Beside those shown: somebody paid for them. Left out."""
    labelled: int


class Joins(Record):
    """Clicks joined to what was shown, and purchases to clicks."""

    clicks: int
    """And carts and purchases that no click led to."""
    answering: int
    """Of the clicks: to something shown."""
    purchases: int
    led: int
    """Of the purchases: by a click."""
    delays: dict[str, float]
    """The share of these within so long of their click."""


class Place(Record):
    """Positions that were estimated as one."""

    first: int
    last: int
    shown: int
    clicks: int
    ctr: float
    naive: float | None
    """The click-through rate as a share of the first place's; null where that has no click."""
    propensity: float
    """How likely a look is, as a share of the first place's."""
    low: float | None
    """Of the 95 % interval; null where the method gives none."""
    high: float | None


class PositionBias(Record):
    """How a result's position was told from its worth."""

    asked: Literal["harvest", "em", "none"]
    method: Literal["harvest", "em", "none"]
    why: str
    """Why the method differs from the one asked for."""
    max_weight: float
    places: list[Place]


class LevelCount(Record):
    """How many intents are categories of a level."""

    level: int
    count: int


class Intent(Record):
    """The category that a query is after."""

    query: str
    category: str
    level: int
    confidence: float
    support: int
    """The votes the query had."""


class Intents(Record):
    """What queries are after."""

    queries: int
    """With a vote."""
    decided: int
    confidence: float
    """The share of the votes that is asked for."""
    levels: list[LevelCount]
    examples: list[Intent]


class TaggedItem(Record):
    """An item's tags."""

    item_id: str
    tags: list[str]
    title: str | None


class Tags(Record):
    """Tags of items."""

    items: int
    tags: int
    examples: list[TaggedItem]


class GradeCount(Record):
    """How many judgements have a grade."""

    grade: float
    count: int


class GradeClicks(Record):
    """How often results of a grade were clicked, before the test window."""

    grade: float
    """As a share of the range of all grades."""
    results: int
    ctr: float


class Agreement(Record):
    """How far the judges agree."""

    measure: Literal["krippendorff_alpha", "variance_ratio"]
    value: float | None
    """Null where nothing was judged twice, or all grades are the same."""
    pairs: int
    """Results judged more than once."""
    judgements: int | None
    """Of those; null where only their variance is known."""
    contradicted: int


class Judgements(Record):
    """What people judged."""

    queries: int
    judgements: int
    grades: list[GradeCount]
    precedence: Literal["clicks", "judgements"]
    clicks_by_grade: list[GradeClicks]
    judged_results: int
    """Search results labelled by a grade."""
    agreement: Agreement | None
    """Null where nothing tells the judges apart."""


class Labels(Record):
    """What the models learn from."""

    version: Literal[1]
    goal: Literal["purchase", "click", "judgement"]
    splits: list[Split]
    windows: Windows
    outcomes: Outcomes
    joins: Joins
    position_bias: PositionBias
    intents: Intents
    tags: Tags
    judgements: Judgements
