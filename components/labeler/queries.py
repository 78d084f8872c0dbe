"""The two-tower's examples: what a user had taken before a moment, and what they took then."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from aisle.schema import features as f
from aisle.schema.tables import MICROSECONDS_PER_DAY


def item_examples(items: pl.DataFrame) -> pa.Table:
    """Returns the catalogue as tower examples: every column a list (null or of length 0: absent).

    Args:
        items: cleaned items.
    """
    category = items["category"] if "category" in items.columns else pl.Series([None] * len(items))
    levels = [_levels(value) for value in category.to_list()]

    def one(name: str, dtype: pl.DataType) -> pa.Array:
        if name not in items.columns:
            return pa.nulls(len(items)).cast(pa.list_(_arrow(dtype)))
        values = items[name].cast(dtype).to_list()
        return pa.array([None if v is None else [v] for v in values], pa.list_(_arrow(dtype)))

    return pa.table(
        {
            f.ITEM_ID.name: one("item_id", pl.String()),
            f.TITLE.name: one("title", pl.String()),
            f.DESCRIPTION.name: one("description", pl.String()),
            f.CATEGORY.name: pa.array(levels, pa.list_(pa.string())),
            f.BRAND.name: one("brand", pl.String()),
            f.PRICE.name: one("price", pl.Float32()),
        }
    )


def query_examples(
    interactions: pl.DataFrame, country: dict[str, str], history: int, test_start: int
) -> dict[str, pa.Table]:
    """Returns, per split, an example for each basket or search of a known user or with a query.

    An example's history holds the user's interactions strictly before the example's first one,
    so that nothing bought together, and nothing later, is in it. What an ad led to is history, but nobody's target.

    Args:
        interactions: as `make_interactions` returns them.
        country: of each user.
        history: the longest history.
        test_start: microseconds UTC, from which the queries are aged.
    """
    rows = (
        interactions.filter((pl.col("user_id") != "") | (pl.col("query") != ""))
        .with_columns(pl.col("timestamp").min().over("user_id", "session_id", "query").alias("start"))
        .sort("user_id", "timestamp", "session_id", "query", "item_id")
    )
    baskets = rows.group_by("user_id", "session_id", "query", "start", maintain_order=True).agg(
        pl.col("item_id").filter(~pl.col("sponsored")).alias("targets"), pl.col("split").first()
    )
    begin, end = _history_bounds(rows, baskets, history)
    meant = baskets["targets"].list.len() > 0
    return {
        split: _examples(
            rows,
            baskets,
            begin,
            end,
            country,
            test_start,
            np.flatnonzero((baskets["split"] == split) & meant),
        )
        for split in baskets["split"].unique(maintain_order=True)
    }


def count_examples(interactions: pl.DataFrame) -> dict[str, int]:
    """Returns how many examples of each split `query_examples` makes, where it makes any.

    Args:
        interactions: as `make_interactions` returns them, all of some visitors.
    """
    rows = interactions.filter((pl.col("user_id") != "") | (pl.col("query") != ""))
    baskets = rows.group_by("user_id", "session_id", "query", maintain_order=True).agg(
        pl.col("split").first(), (~pl.col("sponsored")).any().alias("meant")
    )
    counts = baskets.filter("meant").group_by("split").len()
    return dict(counts.iter_rows())


def judged_examples(judgements: pl.DataFrame) -> dict[str, pa.Table]:
    """Returns, per split, an example for each judged query: its best-graded items are its targets."""
    best = judgements.filter((pl.col("grade") == pl.col("grade").max().over("query")) & (pl.col("grade") > 0))
    queries = best.group_by("query", maintain_order=True).agg(
        pl.col("item_id").alias("targets"), pl.col("split").first()
    )
    tables = {}
    for split in queries["split"].unique(maintain_order=True):
        part = queries.filter(pl.col("split") == split)
        empty = [[""]] * len(part)
        nothing: list[list[Any]] = [[]] * len(part)
        tables[split] = _table(
            empty, empty, [[q] for q in part["query"]], nothing, nothing, nothing, nothing, part["targets"]
        )
    return tables


def _history_bounds(rows: pl.DataFrame, baskets: pl.DataFrame, history: int) -> tuple[np.ndarray, np.ndarray]:
    """Where in `rows` (by user, then time) each basket's history begins and ends, as row numbers."""
    times = rows["timestamp"].to_numpy()
    # Both are by user, and every user of the rows has a basket: a user's run has the same number in both.
    users, owner = (part["user_id"].rle_id().to_numpy().astype(np.int64) for part in (rows, baskets))
    if not len(rows):
        return owner, owner
    # One sortable key a row, so that a single binary search finds "this user, before this moment".
    span = int(times.max() - times.min()) + 1
    keys = users * span + (times - times.min())
    end = np.searchsorted(keys, owner * span + (baskets["start"].to_numpy() - times.min()), side="left")
    first = np.searchsorted(users, owner, side="left")
    anonymous = (baskets["user_id"] == "").to_numpy()
    end = np.where(anonymous, first, end)
    return np.maximum(first, end - history), end


def _examples(
    rows: pl.DataFrame,
    baskets: pl.DataFrame,
    begin: np.ndarray,
    end: np.ndarray,
    country: dict[str, str],
    test_start: int,
    chosen: np.ndarray,
) -> pa.Table:
    """The tower examples of the chosen baskets."""
    lengths = (end - begin)[chosen]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    picked = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths) + np.repeat(begin[chosen], lengths)
    start = baskets["start"].to_numpy()[chosen]
    age = (np.repeat(start, lengths) - rows["timestamp"].to_numpy()[picked]) / MICROSECONDS_PER_DAY

    def ragged(values: pa.Array) -> pa.Array:
        return pa.ListArray.from_arrays(pa.array(offsets), values)

    part = baskets[chosen]
    return _table(
        [[user] for user in part["user_id"]],
        [[country.get(user, "")] for user in part["user_id"]],
        [[query] for query in part["query"]],
        ((test_start - start) / MICROSECONDS_PER_DAY)[:, None].astype(np.float32).tolist(),
        ragged(pa.array(rows["item_id"].to_numpy()[picked], pa.string())),
        ragged(pa.array(age.astype(np.float32))),
        ragged(pa.array(rows["weight"].to_numpy()[picked].astype(np.float32))),
        part["targets"],
    )


def _table(
    user: list[list[str]],
    country: list[list[str]],
    query: list[list[str]],
    query_age: list[list[float]],
    history: pa.Array | list[list[str]],
    age: pa.Array | list[list[float]],
    weight: pa.Array | list[list[float]],
    targets: pl.Series,
) -> pa.Table:
    """The columns of a query example, in the features' names and types."""
    strings, floats = pa.list_(pa.string()), pa.list_(pa.float32())
    columns = {
        f.USER_ID.name: pa.array(user, strings),
        f.COUNTRY.name: pa.array(country, strings),
        f.QUERY.name: pa.array(query, strings),
        f.QUERY_AGE.name: pa.array(query_age, floats),
        f.HISTORY.name: history if isinstance(history, pa.Array) else pa.array(history, strings),
        f.HISTORY_AGE.name: age if isinstance(age, pa.Array) else pa.array(age, floats),
        f.HISTORY_WEIGHT.name: weight if isinstance(weight, pa.Array) else pa.array(weight, floats),
        f.TARGETS.name: pa.array(targets.to_list(), strings),
    }
    return pa.table(columns)


def _levels(category: str | None) -> list[str] | None:
    """`Home/Kitchen` as `Home` and `Home/Kitchen`."""
    if not category:
        return None
    parts = [part.strip() for part in category.split("/") if part.strip()]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _arrow(dtype: pl.DataType) -> pa.DataType:
    return pa.float32() if dtype == pl.Float32() else pa.string()
