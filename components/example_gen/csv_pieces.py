"""CSV files as pieces of whole records, so that a long file is never held whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import IO

import numpy as np

from aisle.components.example_gen.csv_records import QUOTE, well_placed

PIECE_BYTES = 1 << 25
"""Small files are put together, and long ones cut, to about this size."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclasses.dataclass(frozen=True)
class Piece:
    """Consecutive whole records of a CSV file.

    Attributes:
        name: the file's name.
        data: its bytes, without a byte-order mark.
        line: the physical line that `data` begins at, from 1; the header is on line 1.
        whole: whether this is all of the file.
    """

    name: str
    data: bytes
    line: int
    whole: bool


def read_pieces(name: str, stream: IO[bytes], size: int, separator: str = ",") -> Iterator[Piece]:
    """Reads a CSV file piece by piece; an empty file has none.

    A file is cut only where a line end is surely a record's end. Where a quote is misplaced this can't be
    known, and the piece grows until it can: at worst it is the rest of the file.

    Args:
        name: the file's name.
        stream: its content, decompressed.
        size: of a piece, roughly, in bytes.
        separator: one ASCII character, between cells.
    """
    data, line, first = stream.read(len(BYTE_ORDER_MARK)), 1, True
    data = b"" if data == BYTE_ORDER_MARK else data
    while True:
        wanted = max(size, len(data))
        block = _read(stream, wanted)
        data, ended = data + block, len(block) < wanted
        end = len(data) if ended else _last_record_end(data, separator)
        if end:
            piece = data[:end] if end < len(data) else data
            yield Piece(name, piece, line, whole=first and ended)
            line, data, first = line + piece.count(b"\n"), data[end:], False
        if ended:
            return


def _read(stream: IO[bytes], size: int) -> bytes:
    """Reads `size` bytes, fewer only at the end; a decompressing stream gives less at a time."""
    blocks, held = [], 0
    while held < size and (block := stream.read(size - held)):
        blocks.append(block)
        held += len(block)
    return b"".join(blocks)


def _last_record_end(data: bytes, separator: str) -> int:
    """Returns the offset just past the last record that surely ends in `data`, 0 if there is none."""
    octets = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(octets == QUOTE)
    feed = data.rfind(b"\n")
    while feed >= 0 and (before := int(np.searchsorted(quotes, feed))) % 2:
        feed = data.rfind(b"\n", 0, int(quotes[before - 1]))
    end = feed + 1
    return end if well_placed(octets[:end], quotes[: np.searchsorted(quotes, end)], separator) else 0
