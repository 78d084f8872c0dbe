"""The two-tower's examples: what a user had taken before a moment, and what they took then."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from aisle.schema import features as f
from aisle.schema.tables import MICROSECONDS_PER_DAY

_LANDS = {"user_id": pl.String, "country": pl.String}


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
        nobody = _one_each(pl.Series([""] * len(part), dtype=pl.String))
        items, numbers = (pa.array([[]] * len(part), pa.list_(kind)) for kind in (pa.string(), pa.float32()))
        tables[split] = _table(
            nobody, nobody, _one_each(part["query"]), numbers, items, numbers, numbers, part["targets"]
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
    user = part["user_id"]
    lands = pl.DataFrame({"user_id": [*country], "country": [*country.values()]}, schema=_LANDS)
    land = user.to_frame().join(lands, on="user_id", how="left", maintain_order="left")["country"]
    return _table(
        _one_each(user),
        _one_each(land.fill_null("")),
        _one_each(part["query"]),
        _one_each(pl.Series(((test_start - start) / MICROSECONDS_PER_DAY).astype(np.float32))),
        ragged(_arrow_of(rows["item_id"].gather(picked))),
        ragged(pa.array(age.astype(np.float32))),
        ragged(pa.array(rows["weight"].to_numpy()[picked].astype(np.float32))),
        part["targets"],
    )


def _one_each(values: pl.Series) -> pa.Array:
    """A list of one value for each."""
    return pa.ListArray.from_arrays(pa.array(np.arange(len(values) + 1, dtype=np.int32)), _arrow_of(values))


def _arrow_of(values: pl.Series) -> pa.Array:
    """The values, or lists of them, in one array; texts as TFX has them."""
    made = values.to_arrow(compat_level=pl.CompatLevel.oldest())
    text = values.dtype.inner == pl.String if isinstance(values.dtype, pl.List) else values.dtype == pl.String
    if not text:
        return made
    return made.cast(pa.list_(pa.string()) if isinstance(values.dtype, pl.List) else pa.string())


def _table(
    user: pa.Array,
    country: pa.Array,
    query: pa.Array,
    query_age: pa.Array,
    history: pa.Array,
    age: pa.Array,
    weight: pa.Array,
    targets: pl.Series,
) -> pa.Table:
    """The columns of a query example, in the features' names."""
    columns = {
        f.USER_ID.name: user,
        f.COUNTRY.name: country,
        f.QUERY.name: query,
        f.QUERY_AGE.name: query_age,
        f.HISTORY.name: history,
        f.HISTORY_AGE.name: age,
        f.HISTORY_WEIGHT.name: weight,
        f.TARGETS.name: _arrow_of(targets),
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
