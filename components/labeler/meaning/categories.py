"""The levels of a category path: `Home/Kitchen` is in `Home` and in `Home/Kitchen`."""

from __future__ import annotations

import polars as pl


def category_levels(items: pl.DataFrame) -> pl.DataFrame:
    """Returns every category that each item is in.

    Args:
        items: `item_id`, and `category` where the shop has one.

    Returns:
        Columns item_id, category (a path), level (1 at the top); no row for an item without a category.
    """
    schema = {"item_id": pl.String, "category": pl.String, "level": pl.Int64}
    if "category" not in items.columns or items["category"].dtype != pl.String:
        return pl.DataFrame(schema=schema)
    parts = items.select(
        "item_id", pl.col("category").str.split("/").list.eval(pl.element().str.strip_chars()).alias("parts")
    ).with_columns(pl.col("parts").list.eval(pl.element().filter(pl.element() != "")))
    deepest = parts["parts"].list.len().max() or 0
    levels = [
        parts.filter(pl.col("parts").list.len() >= level).select(
            "item_id",
            pl.col("parts").list.head(level).list.join("/").alias("category"),
            pl.lit(level, pl.Int64).alias("level"),
        )
        for level in range(1, int(deepest) + 1)  # type: ignore[arg-type]
    ]
    return pl.concat(levels) if levels else pl.DataFrame(schema=schema)
