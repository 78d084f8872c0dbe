"""The files of an Interactions artifact."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aisle.components.labeler.labelled import Labelled
from aisle.components.tables import read_json, read_parquet, read_pieces, write_json, write_pieces

TABLES = ("items", "users", "interactions", "events", "impressions", "judgements", "intents", "tags")
SPLITS_FILE = "splits.json"


def write_interactions(uri: str, labelled: Labelled) -> None:
    """Writes the tables and the splits."""
    stored = labelled.stored.tables if labelled.stored else {}
    for name, pieces in {**{name: [table] for name, table in labelled.tables.items()}, **stored}.items():
        write_pieces(os.path.join(uri, f"{name}.parquet"), pieces)
    write_json(os.path.join(uri, SPLITS_FILE), dataclasses.asdict(labelled.splits))


def read_interactions(
    uri: str, shown: Sequence[str] | None = None
) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Reads the tables by name, and the splits (`eval_start`, `test_start`, `end`, `goal`).

    Args:
        uri: of the artifact.
        shown: the splits whose impressions are read, which are by far the largest table; None: all.
    """
    paths = {name: os.path.join(uri, f"{name}.parquet") for name in TABLES}
    parts = {"impressions": shown} if shown is not None else {}
    tables = {
        name: _read_splits(path, parts[name]) if name in parts else read_parquet(path)
        for name, path in paths.items()
    }
    return tables, dict(read_json(os.path.join(uri, SPLITS_FILE)))


def _read_splits(path: str, splits: Sequence[str]) -> pa.Table:
    """Reads the rows of some splits, a piece at a time."""
    wanted = pa.array(splits, pa.large_string())
    return pa.concat_tables(
        piece.filter(pc.is_in(piece.column("split").cast(wanted.type), value_set=wanted))
        for piece in read_pieces(path)
    )
