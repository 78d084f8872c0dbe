"""The files of an Interactions artifact."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Container, Mapping, Sequence
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
    uri: str,
    shown: Sequence[str] | None = None,
    columns: Mapping[str, Container[str]] | None = None,
    but: Container[str] = (),
) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Reads the tables by name, and the splits (`eval_start`, `test_start`, `end`, `goal`).

    Args:
        uri: of the artifact.
        shown: the splits whose impressions are read, which are by far the largest table; None: all.
        columns: of some tables, by name, the columns that are read; None: all.
        but: tables that are left out.
    """
    paths = {name: os.path.join(uri, f"{name}.parquet") for name in TABLES if name not in but}
    parts, some = {"impressions": shown} if shown is not None else {}, columns or {}
    tables = {name: _read(path, some.get(name), parts.get(name)) for name, path in paths.items()}
    return tables, dict(read_json(os.path.join(uri, SPLITS_FILE)))


def _read(path: str, columns: Container[str] | None, splits: Sequence[str] | None) -> pa.Table:
    """Reads a table, or some columns of the rows of some splits, a piece at a time."""
    if splits is None:
        return read_parquet(path) if columns is None else pa.concat_tables(read_pieces(path, columns))
    wanted = pa.array(splits, pa.large_string())
    return pa.concat_tables(
        piece.filter(pc.is_in(piece.column("split").cast(wanted.type), value_set=wanted))
        for piece in read_pieces(path, columns)
    )
