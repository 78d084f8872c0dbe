"""What the reviews of an item come to, now and as of any moment."""

from __future__ import annotations

import polars as pl

WILSON_Z = 1.96
"""Of a bound that 97.5 % of the true shares lie above."""


def by_item(scored: pl.DataFrame) -> pl.DataFrame:
    """The numbers of each item.

    Args:
        scored: `item_id`, `rating`, `probability` of being good (null of a review without words), as `told` reads them.

    Returns:
        `item_id`, `reviews`, `stars` (the mean, null without ratings), `good` (the mean), `at_least` (its lower bound); the
        most reviewed first.
    """
    numbers = scored.group_by("item_id").agg(
        pl.len().alias("reviews"),
        pl.col("rating").mean().alias("stars"),
        told().mean().alias("good"),
        told().count().alias("told"),
    )
    bounded = numbers.with_columns(lower_bound(pl.col("good"), pl.col("told")).alias("at_least"))
    return bounded.drop("told").sort(["reviews", "item_id"], descending=[True, False])


def as_of(scored: pl.DataFrame, moments: pl.DataFrame) -> pl.DataFrame:
    """The numbers of items as they were: only reviews written before a moment, not in it, count.

    Args:
        scored: as in `by_item`, and `timestamp`.
        moments: `item_id` and `timestamp`, in any order.

    Returns:
        The moments with `reviews`, `good` and `at_least`, in the order that they came in; null where nothing was known.
    """
    past = (
        scored.filter(told().is_not_null())
        .sort("timestamp")
        .select(
            "item_id",
            pl.col("timestamp").alias("written"),
            pl.int_range(1, pl.len() + 1).over("item_id").alias("reviews"),
            told().cum_sum().over("item_id").alias("sum"),
        )
    )
    asked = (
        moments.with_row_index("row").with_columns((pl.col("timestamp") - 1).alias("before")).sort("before")
    )
    found = asked.join_asof(
        past.sort("written"), left_on="before", right_on="written", by="item_id", check_sortedness=False
    )
    good = pl.col("sum") / pl.col("reviews")
    numbers = found.with_columns(good.alias("good")).with_columns(
        lower_bound(pl.col("good"), pl.col("reviews")).alias("at_least")
    )
    return numbers.sort("row").select(*moments.columns, "reviews", "good", "at_least")


def told() -> pl.Expr:
    """How good a review is: by its words, and where it has none by its rating."""
    return pl.coalesce("probability", "good")


def lower_bound(share: pl.Expr, count: pl.Expr) -> pl.Expr:
    """The lower end of Wilson's interval (JASA 1927) of a share of so many."""
    z = WILSON_Z
    spread = z * (share * (1 - share) / count + z**2 / (4 * count**2)).sqrt()
    return ((share + z**2 / (2 * count) - spread) / (1 + z**2 / count)).clip(0, 1)
