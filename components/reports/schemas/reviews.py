"""The report `reviews`, as `pipeline/reviews` gives it."""

from __future__ import annotations

from typing import Literal

from aisle.components.reports.schemas.record import Record


class LeftOut(Record):
    """Reviews that count nowhere."""

    duplicates: int
    """With the same words on the same item as an earlier one."""
    too_early: int
    """Dated before their writer bought the item."""
    empty: int
    """Without words and without a rating."""


class Aspect(Record):
    """What reviews speak of."""

    aspect: str
    reviews: int
    """That hold one of the phrases."""
    good: float | None
    """The mean probability that these are good; null without any."""
    phrases: list[str]


class ReviewedItem(Record):
    """What the reviews of an item come to."""

    item_id: str
    title: str
    reviews: int
    stars: float | None
    """The mean rating; null without ratings."""
    good: float | None
    """The mean probability that a review is good: by its words, or by its rating where it has none."""
    at_least: float | None
    """The lower end of Wilson's interval of that."""


class Conflict(Record):
    """A review whose stars and words say opposite things."""

    item_id: str
    rating: float
    probability: float
    """That it is good, by its words, as models of other reviews have it."""
    text: str
    """Its first 300 characters."""


class Rise(Record):
    """A complaint that at least doubled."""

    item_id: str
    aspect: str
    """`anything` counts every bad review."""
    since: str
    """The day."""
    before: float
    """Of the item's reviews, the share that complains of it."""
    after: float
    p: float
    """Of Fisher's exact test, times the days tried."""


class Reviews(Record):
    """What a shop's reviews say."""

    version: Literal[1]
    reviews: int
    left_out: LeftOut
    known: int
    """Different texts that ratings or labels say to be good or bad."""
    accuracy: float
    """Of these, judged by models of others."""
    aspects: list[Aspect]
    """The most spoken of first."""
    items: list[ReviewedItem]
    """With five reviews or more, those liked least."""
    conflicts: list[Conflict]
    """The plainest."""
    conflicting: int
    """How many there are."""
    rises: list[Rise]
    """The surest first."""
