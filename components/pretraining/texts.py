"""The shop's own texts, as they were known when training ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import pyarrow as pa

from aisle.schema.splits import TRAIN


def training_texts(
    tables: Mapping[str, pa.Table], judgements: pa.Table, splits: Mapping[str, Any]
) -> list[str]:
    """Returns every distinct text once, in order: titles, descriptions, reviews and queries.

    The catalogue is read whole; of events only what was written before validation begins; of judged queries only
    those to train on, and no query that is judged to validate or to test.

    Args:
        tables: cleaned canonical tables by name.
        judgements: of the Labeler: `query`, `split`.
        splits: of the Labeler; `eval_start` in microseconds UTC.
    """
    judged = pl.DataFrame(pl.from_arrow(judgements))
    events = pl.DataFrame(pl.from_arrow(tables["events"])) if "events" in tables else pl.DataFrame()
    if "timestamp" in events.columns:
        events = events.filter(pl.col("timestamp") < splits["eval_start"])
    items = pl.DataFrame(pl.from_arrow(tables["items"]))
    withheld = set(judged.filter(pl.col("split") != TRAIN)["query"])
    queries = {*_column(events, "query"), *judged.filter(pl.col("split") == TRAIN)["query"]} - withheld
    written = {*_column(items, "title"), *_column(items, "description"), *_column(events, "text")}
    return sorted(text for text in written | queries if text and text.strip())


def _column(frame: pl.DataFrame, name: str) -> set[str]:
    """The distinct texts of a column, none where the shop has no such column."""
    if name not in frame.columns:
        return set()
    return set(frame[name].cast(pl.String).drop_nulls().unique())
