"""The Parquet files of the table `events`, and how a user is taken out of those that are there.

A file's metadata keep which sessions became whose (`MERGES`): without that, a session's rows couldn't be told for a user's
once the spool is gone.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aisle.schema.tables import EVENTS, Kind
from aisle.schema.whole_files import whole_file

_TYPES = {
    Kind.STRING: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.TIMESTAMP: pa.timestamp("us", "UTC"),
    Kind.BOOLEAN: pa.bool_(),
}
SCHEMA = pa.schema([(column.name, _TYPES[column.kind]) for column in EVENTS.columns])
MERGES = b"aisle.merges"
"""A key of a file's metadata: JSON, a user by session."""
_ROWS = 20_000
"""Of a row group."""


def write_hour(path: pathlib.Path, rows: Iterator[dict[str, Any]], merges: dict[str, str]) -> None:
    """Writes rows as a whole file; none where there are none. Raises OSError.

    Args:
        path: of the file.
        rows: values by column.
        merges: a user by session.
    """
    first = next(rows, None)
    if first is None:
        return
    schema = _told(SCHEMA, merges)
    with whole_file(path, through=True) as partial, pq.ParquetWriter(partial, schema) as writer:
        for table in _tables(first, rows):
            writer.write_table(table)


def sessions_of(folder: pathlib.Path, user: str) -> set[str]:
    """The sessions that a folder's files know for a user's."""
    found: set[str] = set()
    for path in _files(folder):
        found |= {session for session, whose in _merges(pq.read_schema(path)).items() if whose == user}
        ids = pq.read_table(path, columns=["user_id", "session_id"], filters=[("user_id", "==", user)])
        found |= set(ids["session_id"].drop_null().to_pylist())
    return found


def take_out(
    folder: pathlib.Path, user: str, sessions: Iterable[str], leave: Iterable[pathlib.Path] = ()
) -> None:
    """Rewrites those of a folder's files that hold a user, each at once: a crash leaves the old one or the new one.

    Args:
        folder: of the files.
        user: of whom no row stays.
        sessions: of which no row without a user stays.
        leave: files that are as they should be.

    Raises:
        OSError: the disk doesn't take a file; the others may be rewritten.
    """
    theirs = pa.array(sorted(sessions), pa.string())
    for path in sorted(set(_files(folder)) - set(leave)):
        schema = pq.read_schema(path)
        kept = {session: whose for session, whose in _merges(schema).items() if whose != user}
        ids = pq.read_table(path, columns=["user_id", "session_id"])
        if kept != _merges(schema) or not pc.all(_stays(ids, user, theirs)).as_py():
            _rewrite(path, _told(schema, kept), user, theirs)


def remove_halves(folder: pathlib.Path) -> None:
    """Removes what a crash left of files that were being written."""
    for path in folder.glob(".*.part"):
        path.unlink()


def _rewrite(path: pathlib.Path, schema: pa.Schema, user: str, sessions: pa.Array) -> None:
    left = 0
    with (
        whole_file(path, through=True) as partial,
        pq.ParquetFile(path) as file,
        pq.ParquetWriter(partial, schema) as writer,
    ):
        for batch in file.iter_batches(_ROWS):
            table = pa.Table.from_batches([batch]).replace_schema_metadata(schema.metadata)
            table = table.filter(_stays(table, user, sessions))
            left += table.num_rows
            if table.num_rows:
                writer.write_table(table)
    if not left:
        path.unlink()


def _stays(rows: pa.Table, user: str, sessions: pa.Array) -> pa.ChunkedArray:
    """Which rows are not a user's; a session's row that names another user is that one's."""
    theirs = pc.fill_null(pc.equal(rows["user_id"], user), False)
    anonymous = pc.and_(pc.is_null(rows["user_id"]), pc.is_in(rows["session_id"], value_set=sessions))
    return pc.invert(pc.or_(theirs, anonymous))


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
    return [path for path in folder.glob("*.parquet") if not path.name.startswith(".")]


def _merges(schema: pa.Schema) -> dict[str, str]:
    found: dict[str, str] = json.loads((schema.metadata or {}).get(MERGES, b"{}"))
    return found


def _told(schema: pa.Schema, merges: dict[str, str]) -> pa.Schema:
    metadata = {key: value for key, value in (schema.metadata or {}).items() if key != MERGES}
    return schema.with_metadata({**metadata, MERGES: json.dumps(merges).encode()} if merges else metadata)


def _tables(first: dict[str, Any], others: Iterator[dict[str, Any]]) -> Iterator[pa.Table]:
    rows = [first]
    for row in others:
        rows.append(row)
        if len(rows) == _ROWS:
            yield pa.Table.from_pylist(rows, SCHEMA)
            rows = []
    if rows:
        yield pa.Table.from_pylist(rows, SCHEMA)
