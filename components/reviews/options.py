"""What the reading of reviews may be told."""

from __future__ import annotations

from aisle.schema.options import AtLeastOne, AtLeastZero, Options, Rate, Seed, Share

ASPECTS: dict[str, tuple[str, ...]] = {
    "delivery": ("delivery", "shipping", "courier", "arrived late"),
    "packaging": ("packaging", "box", "wrapped"),
    "size": ("size", "too small", "too large", "fit"),
    "quality": ("quality", "material", "broken", "well made"),
    "price": ("price", "expensive", "cheap", "value"),
    "service": ("customer service", "seller", "refund", "staff"),
    "looks": ("colour", "design", "looks", "style"),
}
"""Words that say what an aspect is; the encoder finds what a shop's customers call it."""


class ReviewOptions(Options):
    """Options of `aisle reviews`.

    Attributes:
        good: from where on the scale of the shop's ratings a review is a good one: 0 is its lowest rating, 1 its highest.
        bad: up to where it is a bad one; what lies between teaches nothing.
        label: a column of the events with 1 for good and 0 for bad reviews, which counts before the rating where it is filled.
        fewest: good and bad reviews, of each at least so many, to learn from.
        encoded: reviews that the encoder reads at most; of the others characters alone are judged. 0 reads none.
        served: texts of reviews, the latest, that the served model's `sentiment` learns from at most; 0 serves none.
        aspects: words for each aspect, in any language that the encoder reads.
        phrases: of the shop, the commonest, that are looked at.
        conflict: how sure the words must be of the opposite of the stars.
        days: how far back a change is looked for.
        false_findings: the share of the changes found that may be chance.
        seed: of the folds and draws.
    """

    good: Share = 0.7
    bad: Share = 0.45
    label: str = "sentiment"
    fewest: AtLeastOne = 30
    encoded: AtLeastZero = 5_000
    served: AtLeastZero = 50_000
    aspects: dict[str, tuple[str, ...]] = ASPECTS
    phrases: AtLeastOne = 300
    conflict: Rate = 0.95
    days: AtLeastOne = 28
    false_findings: Rate = 0.05
    seed: Seed = 1
