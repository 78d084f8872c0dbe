"""The reviews of a shop's events, and which of them are known to be good or bad."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl

from aisle.components.reviews.options import ReviewOptions
from aisle.schema.errors import InputError
from aisle.schema.events import PURCHASE, REVIEW

GOOD = "good"


@dataclasses.dataclass(frozen=True)
class Written:
    """Reviews, and what was left out.

    Attributes:
        reviews: `item_id`, `user_id`, `timestamp`, `rating`, `text`, and the label's column where there is one; ascending.
        duplicates: of the same text on the same item.
        too_early: dated before their writer bought the item.
        empty: without words and without a rating.
    """

    reviews: pl.DataFrame
    duplicates: int
    too_early: int
    empty: int


def written(events: pl.DataFrame, options: ReviewOptions) -> Written:
    """Takes the reviews out of cleaned events.

    A review that is dated before its writer first bought the item can't be of it: a date is wrong. Whoever bought nothing may
    have done so elsewhere. Of the same words on an item only the first count, whoever repeats them.

    Args:
        events: `timestamp` in microseconds, `event`, `item_id`; `user_id`, `rating`, `text` where the shop has them.
        options: names the label's column.

    Raises:
        InputError: there is no review.
    """
    columns = {"user_id": pl.String, "rating": pl.Float64, "text": pl.String}
    missing = [pl.lit(None, kind).alias(name) for name, kind in columns.items() if name not in events.columns]
    events = events.with_columns(missing)
    label = [options.label] if options.label in events.columns else []
    found = events.filter(pl.col("event") == REVIEW.name).select("item_id", "timestamp", *columns, *label)
    if found.is_empty():
        raise InputError(
            "the events hold no review: give events of the kind review, with a rating and a text"
        )
    found = found.with_columns(pl.col("text").fill_null("").str.strip_chars()).sort(
        "timestamp", maintain_order=True
    )
    said = found.filter((pl.col("text") != "") | pl.col("rating").is_not_null())
    bought = (
        events.filter((pl.col("event") == PURCHASE.name) & pl.col("user_id").is_not_null())
        .group_by("item_id", "user_id")
        .agg(pl.col("timestamp").min().alias("bought"))
    )
    on_time = (
        said.join(bought, ["item_id", "user_id"], "left", maintain_order="left")
        .filter(pl.col("bought").is_null() | (pl.col("bought") <= pl.col("timestamp")))
        .drop("bought")
    )
    whose = pl.when(pl.col("text") == "").then("user_id").otherwise(pl.lit(""))
    once = on_time.with_columns(whose.alias("whose")).unique(
        ["item_id", "text", "whose"], keep="first", maintain_order=True
    )
    # Ratings without words and without a writer are no copies of one another.
    bare = on_time.filter((pl.col("text") == "") & pl.col("user_id").is_null())
    once = once.filter((pl.col("text") != "") | pl.col("whose").is_not_null()).drop("whose")
    reviews = pl.concat([once, bare]).sort("timestamp", maintain_order=True)
    return Written(reviews, len(on_time) - len(reviews), len(said) - len(on_time), len(found) - len(said))


def with_labels(reviews: pl.DataFrame, options: ReviewOptions) -> pl.DataFrame:
    """Adds `good`: 1.0, 0.0, or null where nothing says it.

    Ratings are on the scale that the shop's own span, from the lowest to the highest.

    Raises:
        InputError: too few are known to be good, or bad, or the label's column holds something else.
    """
    rating = pl.col("rating")
    span = rating.max() - rating.min()
    place = pl.when(span > 0).then((rating - rating.min()) / span)
    good: pl.Expr = pl.when(place >= options.good).then(1.0).when(place <= options.bad).then(0.0)
    if options.label in reviews.columns:
        told = reviews[options.label].cast(pl.String).str.strip_chars()
        if strange := sorted(set(told.drop_nulls()) - {"0", "1", "0.0", "1.0", ""}):
            raise InputError(
                f"the column {options.label} of the events holds {strange[0]!r}, expected 1 for a good review and 0 for a bad "
                "one; name another column by --set reviews.label=NAME"
            )
        good = pl.coalesce(pl.Series(told).cast(pl.Float64, strict=False), good)
    found = reviews.with_columns(good.alias(GOOD))
    _check(found.filter(pl.col("text") != ""), options)
    return found


def _check(known: pl.DataFrame, options: ReviewOptions) -> None:
    kinds = {"good": int((known[GOOD] == 1).sum()), "bad": int((known[GOOD] == 0).sum())}
    few = [kind for kind, count in kinds.items() if count < options.fewest]
    if not few:
        return
    stars = np.unique(known["rating"].drop_nulls().to_numpy())
    told = (
        f"{kinds['good']} good and {kinds['bad']} bad reviews with words are known by their ratings or labels"
    )
    if len(stars) == 1:
        told += f", and every rating is {stars[0]:g}: such ratings say nothing"
    raise InputError(
        f"{told}; {options.fewest} of each are needed to learn from: give more reviews, a column of labels "
        "(--set reviews.label=NAME, 1 good and 0 bad), or another scale (--set reviews.good=, reviews.bad=)"
    )
