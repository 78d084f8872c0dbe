"""The files of an Interactions artifact."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import pyarrow as pa

from aisle.components.labeler.labelled import Labelled
from aisle.components.tables import read_json, read_parquet, write_json, write_pieces

TABLES = ("items", "users", "interactions", "events", "impressions", "judgements", "intents", "tags")
SPLITS_FILE = "splits.json"


def write_interactions(uri: str, labelled: Labelled) -> None:
    """Writes the tables and the splits."""
    stored = labelled.stored.tables if labelled.stored else {}
    for name, pieces in {**{name: [table] for name, table in labelled.tables.items()}, **stored}.items():
        write_pieces(os.path.join(uri, f"{name}.parquet"), pieces)
    write_json(os.path.join(uri, SPLITS_FILE), dataclasses.asdict(labelled.splits))


def read_interactions(uri: str) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Reads the tables by name, and the splits (`eval_start`, `test_start`, `end`, `goal`)."""
    tables = {name: read_parquet(os.path.join(uri, f"{name}.parquet")) for name in TABLES}
    return tables, dict(read_json(os.path.join(uri, SPLITS_FILE)))
