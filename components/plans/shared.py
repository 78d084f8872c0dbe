"""A folder that all workers of an engine see, and what they leave there for each other: whole files, never changed.

An engine may do a piece of work twice, where a worker died or was thought to have. A file is written whole, under the name of
what is in it, and the same work writes the same again: so whoever reads it can't tell.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import cloudpickle
import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import pyarrow as pa

from aisle.components.plans.spool import in_order
from aisle.components.storage import make_folder, open_file, remove_folder, write_whole

Buckets = npt.NDArray[np.uint64]
"""Of each row, the number of the bucket that it goes to."""


class SharedFolder:
    """A folder of states and rows, local or remote, by name. Who writes there runs code here: its states are pickled."""

    def __init__(self, path: str) -> None:
        """Args: `path`: the folder, made where there is none."""
        self.path = path
        make_folder(path)

    def store(self, name: str, value: Any) -> None:
        """Keeps a value, which may be or hold a function."""
        write_whole(self._file(name), cloudpickle.dumps(value))

    def load(self, name: str) -> Any:
        """Returns a value that was kept."""
        with open_file(self._file(name)) as file:
            return cloudpickle.load(file)

    def write(self, name: str, rows: pl.DataFrame, buckets: Buckets, count: int) -> None:
        """Keeps rows as an Arrow file of one record batch for each bucket, so that one can be read without the others."""
        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        written = io.BytesIO()
        order = np.argsort(buckets, kind="stable")
        ends = np.searchsorted(buckets[order], np.arange(count + 1, dtype=np.uint64))
        sorted_rows = table.take(pa.array(order)).combine_chunks()
        with pa.ipc.new_file(written, table.schema) as file:
            for first, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
                batch = sorted_rows.slice(first, end - first)
                columns = [_one_array(column) for column in batch.columns]
                file.write_batch(pa.RecordBatch.from_arrays(columns, schema=table.schema))
        write_whole(self._file(name), written.getvalue())

    def read(self, names: Iterable[str], bucket: int = 0) -> pl.DataFrame:
        """Returns the rows that files hold for a bucket, one file after the other, and in order where they carry it."""
        batches: list[pa.RecordBatch] = []
        for name in names:
            with open_file(self._file(name)) as file, pa.ipc.open_file(file) as stored:
                batches.append(stored.get_batch(bucket))
        return in_order(pl.DataFrame(pl.from_arrow(pa.Table.from_batches(batches))))

    def remove(self) -> None:
        """Removes the folder."""
        remove_folder(self.path)

    def _file(self, name: str) -> str:
        return os.path.join(self.path, name)


def by_key(rows: pl.DataFrame, key: str, count: int) -> tuple[pl.DataFrame, Buckets]:
    """Returns the rows that have something in a column, and a bucket for each, the same for rows that agree in it.

    By pandas' hash, which is the same on every machine; that of Polars is the same within one version alone.
    """
    rows = rows.drop_nulls(key)
    return rows, hashed(rows[key], count)


def hashed(
    values: pl.Series, count: int, alike: Callable[[pl.Series], pl.Series] = lambda one: one
) -> Buckets:
    """Returns a bucket for each value, a missing one too; those of equal ones are equal, on every machine.

    Args:
        values: of a column.
        count: of buckets.
        alike: makes one value of those that belong together; it is called on the different ones.
    """
    different = values.unique()
    words = np.asarray(alike(different).to_list(), object)
    numbers = pd.util.hash_array(words) % np.uint64(count)
    known = pl.DataFrame({"value": different, "bucket": numbers})
    given = values.alias("value").to_frame()
    found = given.join(known, on="value", how="left", nulls_equal=True, maintain_order="left")
    return np.asarray(found["bucket"].to_numpy(), np.uint64)


def together(rows: pl.DataFrame) -> Buckets:
    """Returns the one bucket of rows that aren't parted."""
    return np.zeros(len(rows), np.uint64)


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    """One array of a column's chunks, of the column's type even when there is none."""
    chunks: Sequence[pa.Array] = column.chunks
    return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks or [pa.array([], column.type)])
