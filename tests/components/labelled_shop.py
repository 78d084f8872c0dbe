"""An Interactions artifact that holds judgements alone."""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from aisle.components.labeler.interactions import Splits
from aisle.components.labeler.labelled import Labelled
from aisle.components.labeler.storage import TABLES, write_interactions

JUDGEMENTS = pa.table(
    {
        "query": ["lamp", "lamps", "judged later"],
        "item_id": ["1", "1", "2"],
        "split": ["train", "eval", "test"],
    }
)
SPLITS = {"eval_start": 100, "test_start": 101, "end": 102, "goal": "purchase"}


def write_judgements(uri: str) -> None:
    """Writes it."""
    empty = pl.DataFrame({name: pl.Series([], dtype=pl.String) for name in ("query", "split")}).to_arrow()
    tables = {name: empty for name in TABLES} | {"judgements": JUDGEMENTS}
    labelled = Labelled.__new__(Labelled)
    for name, value in (("tables", tables), ("splits", Splits(**SPLITS))):  # type: ignore[arg-type]
        object.__setattr__(labelled, name, value)
    write_interactions(uri, labelled)
