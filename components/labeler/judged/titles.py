"""What stands for queries in a shop of which nothing is told but what it has: its items' titles."""

from __future__ import annotations

import polars as pl

from aisle.schema.splits import EVAL, TRAIN, tenth


def titles_asked(items: pl.DataFrame) -> pl.DataFrame:
    """Each title as a query for its items, in the form of `split_judgements`: one of ten validates, none tests.

    Args:
        items: cleaned items.

    Example:
        >>> titles_asked(pl.DataFrame({"item_id": ["a", "b"], "title": ["Mug", None]})).rows()
        [('Mug', 'a', 1.0, 'eval')]
    """
    named = items.select(pl.col("title").cast(pl.String).alias("query"), "item_id").filter(
        pl.col("query") != ""
    )
    order = {title: (tenth(title), title) for title in named["query"].unique()}
    # Of few titles one validates in any case.
    validating = {title for title, (part, _) in order.items() if part == 0} or set(
        sorted(order, key=order.__getitem__)[:1]
    )
    split = pl.when(pl.col("query").is_in(list(validating))).then(pl.lit(EVAL)).otherwise(pl.lit(TRAIN))
    return named.with_columns(pl.lit(1.0).alias("grade"), split.alias("split"))
