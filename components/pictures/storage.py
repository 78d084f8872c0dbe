"""The files of a Pictures artifact."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aisle.components.tables import read_parquet, write_parquet

FEATURES_FILE = "features.parquet"


def write_features(uri: str, items: list[str], features: NDArray[np.float16]) -> None:
    """Writes what is seen in items' pictures, float16 [n, d]."""
    rows = [row.tobytes() for row in features]
    table = pa.table({"item_id": pa.array(items, pa.string()), "features": pa.array(rows, pa.binary())})
    write_parquet(os.path.join(uri, FEATURES_FILE), table)


def read_pictures(uri: str) -> pa.Table:
    """Reads `item_id` and `features`, float16 numbers in bytes."""
    return read_parquet(os.path.join(uri, FEATURES_FILE))
