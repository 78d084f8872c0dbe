"""What a query is after: a category, by the votes of what people took for it."""

from __future__ import annotations

import dataclasses

import polars as pl

from aisle.components.labeler.meaning.categories import category_levels
from aisle.components.labeler.options import LabelerOptions
from aisle.schema.splits import TRAIN

WORDS = r"[\p{L}\p{N}]+"
QUERY_AND_ITEM = ("query", "item_id")
"""What votes are counted by."""
_SCHEMA = {
    "query": pl.String,
    "category": pl.String,
    "level": pl.Int64,
    "confidence": pl.Float64,
    "support": pl.Int64,
}


@dataclasses.dataclass(frozen=True)
class Intents:
    """The intents, and of how many queries they were sought.

    Attributes:
        table: query, category (a path), level (1 at the top), confidence (0 to 1), support (the votes the
            query had), by support; queries that no category is sure of are left out.
        queries: with at least a vote.
    """

    table: pl.DataFrame
    queries: int


def query_votes(interactions: pl.DataFrame) -> pl.DataFrame:
    """Counts what the training split took for each query: query, item_id, votes, in the order in which each first came.

    Args:
        interactions: of `make_interactions`.
    """
    took = interactions.filter((pl.col("split") == TRAIN) & (pl.col("query") != ""))
    return took.group_by(QUERY_AND_ITEM, maintain_order=True).agg(pl.len().cast(pl.Int64).alias("votes"))


def query_intents(took: pl.DataFrame, items: pl.DataFrame, options: LabelerOptions) -> Intents:
    """Labels queries with categories by weak supervision.

    What was taken for a query in the training split votes for its category and all above it, a vote a
    session and item. The share of the votes is smoothed towards what the query's words say in other
    queries (the mean over the words, itself smoothed towards the shop as a whole), which weighs as much as
    `intent_prior` votes: a query that was seen once is decided by its words as much as by its click. The
    intent is the best category at the deepest level whose smoothed share reaches `intent_confidence`.

    Args:
        took: of `query_votes`.
        items: the catalogue.
        options: confidence and smoothing.
    """
    votes = (
        took.join(category_levels(items), on="item_id", maintain_order="left_right")
        .group_by("query", "category", "level", maintain_order=True)
        .agg(pl.col("votes").sum())
    )
    if votes.is_empty():
        return Intents(pl.DataFrame(schema=_SCHEMA), 0)
    supports = (
        votes.filter(pl.col("level") == 1)
        .group_by("query", maintain_order=True)
        .agg(pl.col("votes").sum().alias("support"))
    )
    shares = _prior(votes, supports, options.intent_prior).join(supports, on="query", maintain_order="left")
    prior = options.intent_prior
    confidence = (pl.col("votes") + prior * pl.col("prior")) / (pl.col("support") + prior)
    table = (
        shares.with_columns(confidence.alias("confidence"))
        .filter(pl.col("confidence") >= options.intent_confidence)
        .sort("level", "confidence", "category", descending=[True, True, False])
        .unique("query", keep="first", maintain_order=True)
        .sort("support", "query", descending=[True, False])
        .select(*_SCHEMA)
    )
    return Intents(table, supports.height)


def _prior(votes: pl.DataFrame, supports: pl.DataFrame, weight: float) -> pl.DataFrame:
    """Adds `prior` to `votes`: the share that a query's words give the category in other queries."""
    total = int(supports["support"].sum())
    shop = votes.group_by("category").agg((pl.col("votes").sum() / total).alias("shop"))
    words = supports.with_columns(
        pl.col("query")
        .str.to_lowercase()
        .str.extract_all(WORDS)
        .list.unique(maintain_order=True)
        .alias("word")
    ).explode("word")
    words = words.filter(pl.col("word").is_not_null())
    of_word = words.group_by("word").agg(pl.col("support").sum().alias("word_support"))
    spread = votes.join(words, on="query", maintain_order="left_right")
    of_word_category = spread.group_by("word", "category").agg(pl.col("votes").sum().alias("word_votes"))
    # The query's own votes are taken out of its words': they are counted once already.
    others = (pl.col("word_votes") - pl.col("votes") + weight * pl.col("shop")) / (
        pl.col("word_support") - pl.col("support") + weight
    )
    said = (
        spread.join(of_word, on="word", maintain_order="left")
        .join(of_word_category, on=["word", "category"], maintain_order="left")
        .join(shop, on="category", maintain_order="left")
        .group_by("query", "category", maintain_order=True)
        .agg(others.mean().alias("said"))
    )
    return (
        votes.join(said, on=["query", "category"], how="left", maintain_order="left")
        .join(shop, on="category", maintain_order="left")
        .with_columns(pl.coalesce("said", "shop").alias("prior"))
    )
