"""Human judgements: split by query, and put before or after clicks on the same results."""

from __future__ import annotations

import polars as pl

from aisle.schema.splits import EVAL, TEST, TRAIN, tenth

CLICK, JUDGEMENT = "click", "judgement"
TRAIN_SHARE, EVAL_SHARE = 0.8, 0.1
"""Of the judged queries; the others are for the test."""


def split_judgements(judgements: pl.DataFrame) -> pl.DataFrame:
    """Puts whole queries into splits: 8 tenths train, 1 eval, 1 test."""
    tenths = {query: tenth(query) for query in judgements["query"].unique()}
    bucket = pl.lit(pl.Series([tenths[query] for query in judgements["query"]], dtype=pl.Int64))
    split = pl.when(bucket < 8).then(pl.lit(TRAIN)).when(bucket < 9).then(pl.lit(EVAL))
    return judgements.select("query", "item_id", "grade", split.otherwise(pl.lit(TEST)).alias("split"))


def apply_precedence(impressions: pl.DataFrame, judgements: pl.DataFrame, precedence: str) -> pl.DataFrame:
    """Decides what labels a search result that was judged too, and says which it was.

    Under `judgements`, a result that a person judged for its query takes the grade, as a share of the
    range of all grades, in the place of its click, and weighs 1: who judges looks at every position.
    Only judgements of the training split do so, and only before the test window: a grade that a model is
    tested on never trains it, and a test by clicks stays one. Under `clicks` every click stays as it is.

    Args:
        impressions: of `weigh`.
        judgements: of `split_judgements`.
        precedence: `judgements` or `clicks`.

    Returns:
        The impressions with `click` and `weight` as decided, `clicked` (0 or 1: what was seen), `grade`
        (0 to 1, null where it was not judged) and `source` (`click` or `judgement`: what `click` is from).
    """
    return ruled(decided(impressions, judgements, precedence))


def decided(impressions: pl.DataFrame, judgements: pl.DataFrame, precedence: str) -> pl.DataFrame:
    """Returns results as `apply_precedence` does, but for their weights, which aren't needed for it: see `ruled`."""
    lowest, highest = judgements["grade"].min(), judgements["grade"].max()
    span = pl.lit(highest) - pl.lit(lowest)
    # Where all grades are the same, none says anything.
    share = pl.when(span > 0).then((pl.col("grade") - pl.lit(lowest)) / span)
    # People type as they like: the same words in other cases are the same query.
    folded = pl.col("query").str.to_lowercase().alias("folded")
    grades = (
        judgements.lazy()
        .filter(pl.col("split") == TRAIN)
        .select(folded, "item_id", share.cast(pl.Float64).alias("grade"))
        .group_by("folded", "item_id")
        .agg(pl.col("grade").mean())
    )
    judged = pl.col("grade").is_not_null() & (precedence == "judgements")
    return (
        impressions.lazy()
        .with_columns(folded, pl.col("click").alias("clicked"))
        .join(grades, on=["folded", "item_id"], how="left", maintain_order="left")
        .drop("folded")
        .with_columns(pl.when(pl.col("split") != TEST).then("grade").alias("grade"))
        .with_columns(
            pl.when(judged).then("grade").otherwise("click").alias("click"),
            pl.when(judged).then(pl.lit(JUDGEMENT)).otherwise(pl.lit(CLICK)).alias("source"),
        )
        .collect()
    )


def ruled(impressions: pl.DataFrame) -> pl.DataFrame:
    """Returns results that are `decided`, and have weights, with the weight 1 where a person judged them."""
    told = ("clicked", "grade", "source")
    weight = pl.when(pl.col("source") == JUDGEMENT).then(1.0).otherwise("weight").alias("weight")
    return impressions.with_columns(weight).select(pl.exclude(told), *told)
