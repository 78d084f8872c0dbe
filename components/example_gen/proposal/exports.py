"""The exports of a folder: files that go together, their headers and first rows."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Sequence

import polars as pl
import pyarrow.parquet as pq

from aisle.components.example_gen.csv_tables.encoding import guessed_encoding
from aisle.components.example_gen.discovery import (
    IS_A_SPREADSHEET,
    SPREADSHEETS,
    SUFFIXES,
    find_entries,
    has_ending,
    table_files,
)
from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.reader import read_shards
from aisle.components.storage import open_file
from aisle.schema.errors import InputError
from aisle.schema.tables import Table

FIRST_BYTES = 1 << 18
_ANY = Table("file", ())


@dataclasses.dataclass(frozen=True)
class Export:
    """Files of one header, or a folder of them.

    Attributes:
        folder: the data folder.
        pattern: what names them in it.
        header: their columns, lists and structs among them.
        sample: their first rows, as text.
        encoding: that they seem to have, "" for UTF-8.
    """

    folder: str
    pattern: str
    header: tuple[str, ...]
    sample: pl.DataFrame
    encoding: str = ""

    def cells(self, header: str) -> list[str]:
        """The filled cells of a column, in the first rows."""
        return self.sample[header].drop_nulls().to_list() if header in self.sample.columns else []


def exports(folder: str) -> tuple[list[Export], dict[str, str]]:
    """Looks at what a folder holds.

    Returns:
        The exports, files that differ by the digits of their names put together; and by name what can't be read, with why.
    """
    found: dict[tuple[str, tuple[str, ...]], Export] = {}
    unread: dict[str, str] = {}
    for name in find_entries(folder):
        if has_ending(name, *SPREADSHEETS):
            unread[name] = f"it {IS_A_SPREADSHEET}"
        if not os.path.isdir(os.path.join(folder, name)) and not has_ending(name, *SUFFIXES):
            continue
        try:
            export = _export(folder, name)
        except InputError as error:
            unread[name] = str(error)
            continue
        pattern = _pattern(name)
        same = found.get((pattern, export.header))
        found[pattern, export.header] = export if same is None else dataclasses.replace(same, pattern=pattern)
    return list(found.values()), unread


def _pattern(name: str) -> str:
    stem = name.partition(".")[0]
    return re.sub(r"[0-9][0-9_-]*", "*", stem, count=0) + name[len(stem) :]


def _export(folder: str, name: str) -> Export:
    reading = TableReading(files=(name,), missing=(), missing_beside_text=())
    reading = reading.model_copy(update={"encoding": _encoding(table_files(folder, _ANY, reading)[0])})
    shard = next(read_shards(folder, _ANY, FIRST_BYTES, reading))
    if not shard.rows.num_rows:
        first = shard.quarantine.slice(0, 1).to_pylist()[0]
        raise InputError(f"none of its first rows; line {first['line']}: {first['reason']}")
    sample = pl.DataFrame(pl.from_arrow(shard.rows)).select(pl.all().cast(pl.String))
    header = tuple(
        dict.fromkeys([*sample.columns, *_nested(folder, name, shard.provenance["file"][0].as_py())])
    )
    return Export(folder, name, header, sample, reading.encoding)


def _encoding(path: str) -> str:
    if not has_ending(path, ".csv", ".tsv"):
        return ""
    with open_file(path) as file:
        return guessed_encoding(file.read(FIRST_BYTES))


def _nested(folder: str, name: str, first: str) -> Sequence[str]:
    if not has_ending(first, ".parquet"):
        return ()
    with open_file(os.path.join(folder, first)) as file:
        return pq.read_schema(file).names  # type: ignore[no-any-return]
