"""The files of a Pictures artifact."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aisle.components.tables import read_parquet, write_json, write_parquet

PICTURES_FILE = "pictures.parquet"
FINDINGS_FILE = "pictures.json"


def write_pictures(
    uri: str, items: list[str], features: NDArray[np.float16], findings: list[dict[str, Any]]
) -> None:
    """Writes what is seen in items' pictures, float16 [n, d], and what was found of the others."""
    rows = [row.tobytes() for row in features]
    table = pa.table({"item_id": pa.array(items, pa.string()), "features": pa.array(rows, pa.binary())})
    write_parquet(os.path.join(uri, PICTURES_FILE), table)
    write_json(os.path.join(uri, FINDINGS_FILE), {"version": 1, "pictures": len(items), "findings": findings})


def read_pictures(uri: str) -> pa.Table:
    """Reads `item_id` and `features`, float16 numbers in bytes."""
    return read_parquet(os.path.join(uri, PICTURES_FILE))
