"""Human judgements: split by query."""

from __future__ import annotations

import zlib

import polars as pl

from aisle.components.labeler.interactions import EVAL, TEST, TRAIN


def split_judgements(judgements: pl.DataFrame) -> pl.DataFrame:
    """Puts whole queries into splits, by a hash that is the same everywhere: 8 train, 1 eval, 1 test."""
    numbers = {query: zlib.crc32(query.encode()) % 10 for query in judgements["query"].unique()}
    bucket = pl.lit(pl.Series([numbers[query] for query in judgements["query"]], dtype=pl.Int64))
    split = pl.when(bucket < 8).then(pl.lit(TRAIN)).when(bucket < 9).then(pl.lit(EVAL))
    return judgements.select("query", "item_id", "grade", split.otherwise(pl.lit(TEST)).alias("split"))
