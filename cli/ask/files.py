"""The files of a batch: questions are read, answers written."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
import pathlib
from collections.abc import Iterable, Sequence

from aisle.schema.csv_cells import read_cell
from aisle.schema.errors import InputError
from aisle.schema.whole_files import whole_file

Row = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Pair:
    """An item to score for a query, and perhaps a user."""

    query: str
    item_id: str
    user_id: str = ""


def read_values(path: str | pathlib.Path, column: str) -> list[str]:
    """The queries or users of a file.

    Args:
        path: `*.csv` with a header that has `column`; any other file is one value a line, and its empty
            lines are passed over.
        column: "query" or "user_id".

    Raises:
        InputError: the file can't be read, or holds no value.
    """
    if pathlib.Path(path).suffix.lower() == ".csv":
        values = [row[0] for row in _read_csv(path, (column,))]
    else:
        values = [line.rstrip("\r") for line in _read_text(path).split("\n") if line.strip()]
    if not values:
        raise InputError(f"{path} is empty; expected one {column} a line, or a .csv with a column {column!r}")
    return values


def read_pairs(path: str | pathlib.Path) -> list[Pair]:
    """The pairs of a CSV file with the columns `query`, `item_id` and perhaps `user_id`.

    Raises:
        InputError: the file can't be read, or holds no pair.
    """
    pairs = [Pair(*row) for row in _read_csv(path, ("query", "item_id"), ("user_id",))]
    if not pairs:
        raise InputError(f"{path} holds no pairs; expected rows below the header query,item_id")
    return pairs


def _read_text(path: str | pathlib.Path) -> str:
    try:
        # As bytes first: text mode would turn every line end into "\n".
        return pathlib.Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from None


def _read_csv(path: str | pathlib.Path, required: Row, optional: Row = ()) -> list[Row]:
    """The cells of the named columns, row by row; an optional column that is absent is ""."""
    # Not splitlines: a cell may hold characters that it would break a line at.
    rows = csv.reader(io.StringIO(_read_text(path), newline=""), strict=True)
    try:
        header = next(rows, [])
        missing = [name for name in required if name not in header]
        if missing:
            raise InputError(f"{path} has no column {missing[0]!r}; its header is {','.join(header)[:200]!r}")
        places = [header.index(name) if name in header else None for name in (*required, *optional)]
        found = []
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise InputError(f"{path}, line {rows.line_num}: {len(row)} cells; expected {len(header)}")
            found.append(tuple("" if place is None else read_cell(row[place]) for place in places))
    except csv.Error as error:
        raise InputError(f"{path}, line {rows.line_num}: {error}") from None
    return found


def write_csv(path: str | pathlib.Path, header: Row, chunks: Iterable[Sequence[Row]]) -> int:
    """Writes the rows, and the file's name only when all are there; returns their number.

    Raises:
        InputError: the file can't be written.
    """
    path = check_writable(path)
    count = 0
    try:
        with whole_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            for chunk in chunks:
                writer.writerows(chunk)
                count += len(chunk)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}") from None
    return count


def check_writable(path: str | pathlib.Path) -> pathlib.Path:
    """The path, if a file can be made there (its folder is, if need be): known before the model's slow load.

    Raises:
        InputError: it is a folder, or its folder can't be made or may not be written to.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected a file's name for --output")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}: {path.parent}") from error
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{path} can't be written: its folder is not writable")
    return path
