"""The header of a CSV file, and what separates its cells."""

from __future__ import annotations

import csv
import io
from typing import IO

from aisle.components.example_gen.csv_tables.encoding import marked_encoding, recoded
from aisle.components.example_gen.csv_tables.pieces import BYTE_ORDER_MARK
from aisle.components.example_gen.csv_tables.records import find_records
from aisle.schema.errors import InputError

_HEADER_BYTES = 1 << 12
_SEPARATORS = ",;\t|"


def read_header(
    name: str, stream: IO[bytes], encoding: str = ""
) -> tuple[tuple[str, ...], str, bool, str] | None:
    """Reads a CSV file's header; None where there is no byte.

    Args:
        name: the file's.
        stream: its content, decompressed.
        encoding: as the settings say it; "" for UTF-8, or what the file's byte-order mark tells.

    Returns:
        The columns, what separates cells, whether no row follows, and the encoding, "" for UTF-8.

    Commas separate cells, or a tab where the name ends in `.tsv`; where these give a single cell, a semicolon, a tab or a bar may.

    Raises:
        InputError: the first line is no header.
    """
    stream = recoded(name, stream, encoding) if encoding else stream
    block = _peeked(stream)
    if not encoding and (encoding := marked_encoding(block)):
        stream = recoded(name, stream, encoding, first=block)
        block = _peeked(stream)
    block = block.removeprefix(BYTE_ORDER_MARK)
    if not block:
        return None
    line, _, rest = with_line_feeds(block).partition(b"\n")
    separator = _separator(line, "\t" if ".tsv" in name.casefold() else ",")
    return _header(name, line, separator), separator, not rest.strip(b"\r\n") and not stream.read(1), encoding


def _peeked(stream: IO[bytes]) -> bytes:
    """The file's first bytes: its first line, and something of what follows."""
    block = b""
    while more := stream.read(_HEADER_BYTES):
        block += more
        if b"\n" in block[: -len(more)] or block.partition(b"\n")[2].strip(b"\r\n"):
            break
    return block


def _separator(line: bytes, usual: str) -> str:
    def cells(separator: str) -> int:
        if b'"' not in line:
            return line.count(separator.encode()) + 1
        found = find_records(line, separator=separator)
        return 0 if len(found.starts) == 0 or found.bad_quotes[0] else int(found.cells[0])

    return usual if cells(usual) > 1 else max(usual + _SEPARATORS, key=cells)


def with_line_feeds(data: bytes) -> bytes:
    """A whole file's bytes with the line ends of old Macs made those of today."""
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def _header(name: str, line: bytes, separator: str) -> tuple[str, ...]:
    """Reads the first record."""
    first = find_records(line, separator=separator)
    if len(first.starts) == 0:
        raise InputError(f"{name}: the first line is blank; expected a header that names the columns")
    try:
        text = line[first.starts[0] : first.ends[0]].decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: the header is not UTF-8 ({error.reason}); save the file as UTF-8, or say by reading.encodings how the "
            "table is encoded"
        ) from error
    if first.bad_quotes[0] or "\0" in text:
        raise InputError(
            f"{name}, line 1: the header can't be read as CSV in UTF-8: {text[:100]!r}; say by reading.encodings how the "
            "table is encoded, if it is otherwise"
        )
    return tuple(next(csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)))
