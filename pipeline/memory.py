"""Has what a large shop's steps held go back to the machine: told in the environment, before TensorFlow and Polars are imported."""

from __future__ import annotations

import os
from collections.abc import Mapping

from aisle.components.example_gen.discovery import find_tables, has_ending
from aisle.components.example_gen.options import TableReading
from aisle.components.storage import size_of
from aisle.schema.errors import InputError

GIVEN_BACK = {
    "TF_ONEDNN_USE_SYSTEM_ALLOCATOR": "1",
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0",
}
"""oneDNN's allocator, which TensorFlow takes on x86, and that of Polars keep what is freed for what may come; these have them not."""
_PACKED = (".parquet", ".gz", ".zst")
_TIMES = 7
"""As many bytes has CSV as Parquet, of ten million drawn events."""


def give_back_where_large(data: str, readings: Mapping[str, TableReading], large_mb: int) -> str:
    """Sets GIVEN_BACK where a shop is large, but for what the environment says already.

    Args:
        data: the folder of its tables.
        readings: how each table is read, by name.
        large_mb: of a shop whose files take so many MB, packed ones counted as `_TIMES` their size.

    Returns:
        What to say of it; "" where nothing was set. A folder that can't be used is told by who reads it.
    """
    try:
        files = [path for paths in find_tables(data, readings).values() for path in paths]
    except InputError:
        return ""
    size = sum(size_of(path) * (_TIMES if has_ending(path, *_PACKED) else 1) for path in files)
    unsaid = [name for name in GIVEN_BACK if name not in os.environ]
    if size < large_mb * 1_000_000 or not unsaid:
        return ""
    for name in unsaid:
        os.environ[name] = GIVEN_BACK[name]
    return (
        f"a large shop ({size / 1e6:,.0f} MB as CSV): steps give memory back, for some processors' time "
        f"({', '.join(unsaid)}; infra.large_mb={large_mb})"
    )
