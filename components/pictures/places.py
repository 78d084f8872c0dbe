"""Where an item's picture lies, and its bytes: below the data folder, and nowhere else.

A place is a path below the data folder, or `FILE.parquet#COLUMN#ROW` of one whose bytes are a cell (rows count from 1): the
reader writes that in place of the bytes, which would otherwise go through every table of a run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

import pyarrow.parquet as pq
import pyarrow_hotfix  # noqa: F401  refuses the malicious extension types of CVE-2023-47248

from aisle.components.storage import exists, is_folder, is_remote, open_file
from aisle.schema.pictures import MOST_BYTES, PictureError

Found = bytes | PictureError
"""A file's bytes, or why it can't be used."""

_PARQUET = ".parquet"
_BETWEEN = "#"
_ROWS = 32
"""Rows of a Parquet file that are held at a time."""


def cell_place(name: str, column: str, row: int) -> str:
    """The place of a cell's bytes.

    Args:
        name: of the Parquet file, below the data folder.
        column: as the file has it.
        row: from 1.
    """
    return _BETWEEN.join((name, column, str(row)))


def read_places(folder: str, places: Iterable[str]) -> Iterator[tuple[str, Found]]:
    """Reads the bytes at places, one file at a time.

    Args:
        folder: the data folder, local or remote.
        places: each once.

    Yields:
        Each place and what lies there: files in the order given, then the cells of each Parquet file in that of its rows.
    """
    cells: dict[tuple[str, str], dict[int, str]] = {}
    for place in places:
        name, column, row = _cell(place)
        if name:
            cells.setdefault((name, column), {})[row] = place
        else:
            yield place, _file(folder, place)
    for (name, column), rows in cells.items():
        yield from _cells(folder, name, column, rows)


def _cell(place: str) -> tuple[str, str, int]:
    """The file, column and row of a place; no file where it names a file of its own."""
    name, *rest = place.rsplit(_BETWEEN, 2)
    if len(rest) == 2 and name.casefold().endswith(_PARQUET) and rest[1].isdecimal():
        return name, rest[0], int(rest[1])
    return "", "", 0


def _file(folder: str, place: str) -> Found:
    try:
        path = _confined(folder, place)
        if not exists(path):
            raise PictureError("no such file below the data folder")
        if is_folder(path):
            raise PictureError("a folder, expected a file")
        with open_file(path) as file:
            # One more than is read: what is longer is refused, and never held whole.
            return bytes(file.read(MOST_BYTES + 1))
    except PictureError as error:
        return error
    except (OSError, ValueError) as error:
        return PictureError(f"can't be read ({getattr(error, 'strerror', None) or error})")


def _confined(folder: str, place: str) -> str:
    """The path of a place.

    Raises:
        PictureError: it leads out of the data folder, by its name or by links, or to what could be read without end.
    """
    if is_remote(place):
        raise PictureError(
            "an address; a run fetches nothing from a network: save the file below the data folder"
        )
    parts = place.replace("\\", "/").split("/")
    if not place.strip():
        raise PictureError("names no file")
    if os.path.isabs(place) or ".." in parts or "\0" in place:
        raise PictureError("leads out of the data folder")
    path = os.path.join(folder, *parts)
    if not is_remote(folder):
        root = os.path.realpath(folder)
        if os.path.commonpath([root, os.path.realpath(path)]) != root:
            raise PictureError("leads out of the data folder by a link")
        # Who opens a pipe waits for someone to write.
        if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
            raise PictureError("a pipe, a socket or a device, expected a file")
    return path


def _cells(folder: str, name: str, column: str, rows: Mapping[int, str]) -> Iterator[tuple[str, Found]]:
    """The bytes of some rows of a column."""
    left, reason = dict(rows), "no such row"
    try:
        with open_file(_confined(folder, name)) as file:
            first = 1
            for batch in pq.ParquetFile(file).iter_batches(_ROWS, columns=[column]):
                values = batch.column(column)
                for row in sorted(left.keys() & range(first, first + len(values))):
                    data = values[row - first].as_py()
                    yield left.pop(row), bytes(data) if data else PictureError("empty")
                first += len(values)
    except (LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        reason = f"can't be read ({(str(error).splitlines() or [''])[0][:80]})"
    yield from ((place, PictureError(reason)) for place in left.values())
