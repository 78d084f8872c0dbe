"""XML feeds of products (RSS 2.0 and Atom, as Google Merchant takes them) to typed rows, as a stream."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import IO
from xml.parsers import expat

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aisle.components.example_gen.cells.column import typed_text
from aisle.components.example_gen.cells.nested import flattened
from aisle.components.example_gen.cells.rows import RowRules
from aisle.components.example_gen.layout import Layout, arranged
from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.shard import Shard, provenance_of, sift, skipped_notes
from aisle.schema.errors import InputError
from aisle.schema.tables import Table

Record = tuple[int, dict[str, str]]
"""The line that a record begins on, and its fields."""

_RECORDS = ("item", "entry")
"""What a record's element is called in RSS and in Atom."""
_BLOCK = 1 << 16
_BATCH_ROWS = 1 << 14
_LOOKED_AT = 10_000
"""Records whose fields make the header."""


def read_fields(name: str, file: IO[bytes]) -> tuple[str, ...]:
    """The fields that the first records of a feed have, in the order they come.

    Raises:
        InputError: the file is no XML, or declares entities.
    """
    records = itertools.islice(_records(name, file), _LOOKED_AT)
    return tuple(dict.fromkeys(field for _, fields in records for field in fields))


def read_xml_file(
    layout: Layout,
    file: IO[bytes],
    table: Table,
    columns: Sequence[str],
    reading: TableReading,
    rules: RowRules,
) -> Iterator[Shard]:
    """Reads a feed batch by batch; a row's line is that of its element.

    Args:
        layout: of the file.
        file: the open file.
        table: whose file it is.
        columns: of the table, by our names.
        reading: how the table is read.
        rules: for whole rows.

    Raises:
        InputError: the file is no XML, or declares entities.
    """
    records = _records(layout.name, file)
    while batch := list(itertools.islice(records, _BATCH_ROWS)):
        said = [fields for _, fields in batch]
        cells = {
            header: pa.array([one.get(header) or None for one in said], pa.string())
            for header in layout.header
        }
        flat, of = flattened(pa.table(cells), layout.paths)
        raw, skipped = rules.apply(flat)
        places = provenance_of([layout.name], [np.array([line for line, _ in batch], np.int64)[of]])
        notes = skipped_notes(raw, skipped, places)
        kept = np.flatnonzero(~np.logical_or.reduce([np.zeros(len(of), bool), *skipped.values()]))
        ours = arranged(raw.take(pa.array(kept)), layout, columns)
        typed = {name: typed_text(ours.column(name), table, name, reading) for name in columns}

        texts = functools.partial(_texts, [said[row] for row in of[kept].tolist()])
        shard = sift(table, typed, places.take(pa.array(kept)), texts)
        yield Shard(shard.rows, shard.provenance, shard.quarantine, (*shard.notes, *notes))


def _texts(records: Sequence[dict[str, str]], rows: NDArray[np.int64]) -> list[str]:
    return [str(records[row]) for row in rows.tolist()]


def _records(name: str, file: IO[bytes]) -> Iterator[Record]:
    """Parses as far as is asked for; only a few blocks are ever held."""
    feed = _Feed()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = lambda tag, _: feed.start(tag, parser.CurrentLineNumber)
    parser.EndElementHandler = feed.end
    parser.CharacterDataHandler = feed.text
    # Entities of entities can make gigabytes of a few lines, and no feed needs them.
    parser.EntityDeclHandler = feed.refuse
    try:
        while block := file.read(_BLOCK):
            parser.Parse(block, False)
            yield from feed.taken()
        parser.Parse(b"", True)
        yield from feed.taken()
    except expat.ExpatError as error:
        raise InputError(f"{name} is not XML: {error}; export the feed again") from error
    except _EntityDeclaredError as error:
        raise InputError(
            f"{name} declares the XML entity {error}, which is not read; write its text where it is used"
        ) from error


class _EntityDeclaredError(Exception):
    """The document declares an entity of this name."""


class _Feed:
    """Gathers records from a parser's events: the text of each element right below a record's, the first of a name."""

    def __init__(self) -> None:
        self._depth = 0
        self._record_at = 0
        self._line = 0
        self._fields: dict[str, str] = {}
        self._text: list[str] = []
        self._done: list[Record] = []

    def start(self, tag: str, line: int) -> None:
        self._depth += 1
        if not self._record_at and _local(tag) in _RECORDS:
            self._record_at, self._line, self._fields = self._depth, line, {}
        elif self._depth == self._record_at + 1:
            self._text = []

    def end(self, tag: str) -> None:
        if self._record_at and self._depth == self._record_at + 1:
            text = "".join(self._text).strip()
            self._fields[_local(tag)] = self._fields.get(_local(tag)) or text
        elif self._depth == self._record_at:
            self._done.append((self._line, self._fields))
            self._record_at = 0
        self._depth -= 1

    def text(self, text: str) -> None:
        if self._record_at and self._depth == self._record_at + 1:
            self._text.append(text)

    def refuse(self, name: str, *_: object) -> None:
        raise _EntityDeclaredError(name)

    def taken(self) -> list[Record]:
        """What was gathered since the last call."""
        done, self._done = self._done, []
        return done


def _local(tag: str) -> str:
    """A tag's name without its namespace."""
    return tag.rpartition(" ")[2]
