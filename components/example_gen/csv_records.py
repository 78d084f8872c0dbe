"""Where the records of a CSV file begin and end, and which of them can't be read.

RFC 4180: a quoted field may hold commas, quotes (doubled) and line ends. Where every quote of a file is
well placed, a line end is inside a field just where an odd number of quotes stands before it, and all
records are found with a few array operations. Elsewhere the file is walked line by line, so that a
record with a bad quote costs its own line and not the rest of the file.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]

BAD_QUOTE = "unbalanced or misplaced quote"
RAGGED = "wrong number of cells"
STRAY_RETURN = "carriage return inside the row"
NOT_UTF8 = "invalid UTF-8"

_LINE_FEED, _RETURN, QUOTE = 10, 13, 34


@dataclasses.dataclass(frozen=True)
class Records:
    """The records of a file, blank lines left out.

    Attributes:
        starts: [n] the offset of each record's first byte.
        ends: [n] the offset just past its last byte, the line end not counted.
        lines: [n] its first physical line, from 1.
        cells: [n] how many cells it has.
        bad_quotes: [n] whether its quotes make no sense.
    """

    starts: Positions
    ends: Positions
    lines: Positions
    cells: Positions
    bad_quotes: NDArray[np.bool_]

    def select(self, chosen: NDArray[np.bool_] | slice) -> Records:
        """Returns some of the records."""
        fields = (getattr(self, field.name)[chosen] for field in dataclasses.fields(self))
        return Records(*fields)


def find_records(data: bytes, expected_cells: int = 0, separator: str = ",") -> Records:
    """Finds the records of a CSV file.

    Args:
        data: the file's bytes, without a byte-order mark.
        expected_cells: of every record, 0 if unknown. Where a quote is misplaced and a record of several
            lines has another number of cells, its first line alone is taken to be the broken one.
        separator: one ASCII character, between cells.
    """
    octets = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(octets == QUOTE)
    if well_placed(octets, quotes, separator):
        records = _by_parity(octets, quotes, separator)
    else:
        records = _by_walking(data, expected_cells, separator.encode())
    # A blank line is no record: every table has at least two columns, so even an empty row has a separator.
    width = records.ends - records.starts
    only_return = (width == 1) & (octets[np.minimum(records.starts, len(data) - 1)] == _RETURN)
    return records.select((width > 0) & ~only_return)


def well_placed(octets: NDArray[np.uint8], quotes: Positions, separator: str = ",") -> bool:
    """Says whether every quote opens, closes or doubles as RFC 4180 has it."""
    if len(quotes) == 0:
        return True
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    before = octets[np.maximum(opening - 1, 0)]
    opens = (opening == 0) | np.isin(before, (ord(separator), _LINE_FEED, QUOTE))
    after = octets[np.minimum(closing + 1, len(octets) - 1)]
    closes = (closing == len(octets) - 1) | np.isin(after, (ord(separator), _LINE_FEED, _RETURN, QUOTE))
    return bool(opens.all() and closes.all())


def _by_parity(octets: NDArray[np.uint8], quotes: Positions, separator: str) -> Records:
    """Finds records where the quotes are well placed."""
    feeds = np.flatnonzero(octets == _LINE_FEED)
    commas = np.flatnonzero(octets == ord(separator))
    ends = feeds
    if len(quotes):
        ends = feeds[np.searchsorted(quotes, feeds) % 2 == 0]
        commas = commas[np.searchsorted(quotes, commas) % 2 == 0]
    if len(octets) and octets[-1] != _LINE_FEED:
        ends = np.append(ends, len(octets))
    starts = np.concatenate([np.zeros(min(1, len(ends)), np.int64), ends[:-1] + 1])
    cells = np.searchsorted(commas, ends) - np.searchsorted(commas, starts) + 1
    lines = np.searchsorted(feeds, starts) + 1
    return Records(starts, ends, lines, cells, np.zeros(len(ends), bool))


def _by_walking(data: bytes, expected_cells: int, separator: bytes) -> Records:
    """Finds records one line after the other; a line whose quotes make no sense is a bad record."""
    starts, ends, lines, cells, bad = [], [], [], [], []
    start, line = 0, 1
    while start < len(data):
        line_end = data.find(b"\n", start)
        line_end = len(data) if line_end < 0 else line_end
        end, count = _walk_record(data, start, line_end, separator)
        spans_lines = end > line_end
        if end < 0 or (spans_lines and expected_cells and count != expected_cells):
            end, count = line_end, -1
        starts.append(start)
        ends.append(end)
        lines.append(line)
        cells.append(count)
        bad.append(count < 0)
        line += data.count(b"\n", start, end) + 1
        start = end + 1
    first, last, line_numbers, counts = (
        np.array(values, np.int64) for values in (starts, ends, lines, cells)
    )
    return Records(first, last, line_numbers, counts, np.array(bad, bool))


def _walk_record(data: bytes, start: int, line_end: int, separator: bytes) -> tuple[int, int]:
    """Returns where the record that starts here ends, and its cells' number; (-1, -1) if it is none."""
    if data.find(b'"', start, line_end) < 0:
        return line_end, data.count(separator, start, line_end) + 1
    position, count = start, 1
    while True:
        if data[position : position + 1] == b'"':
            position = _after_quoted(data, position)
            if position < 0:
                return -1, -1
            if data[position : position + 2] == b"\r\n":
                position += 1
        else:
            comma, feed = data.find(separator, position), data.find(b"\n", position)
            position = min(found if found >= 0 else len(data) for found in (comma, feed))
        if position >= len(data) or data[position] == _LINE_FEED:
            return position, count
        if data[position : position + 1] != separator:
            return -1, -1
        position, count = position + 1, count + 1


def _after_quoted(data: bytes, opening: int) -> int:
    """Returns the offset just past a quoted cell's closing quote, -1 if there is none."""
    position = opening + 1
    while True:
        position = data.find(b'"', position)
        if position < 0 or data[position + 1 : position + 2] != b'"':
            return position + 1 if position >= 0 else -1
        position += 2


def find_faults(
    data: bytes, records: Records, expected_cells: int, separator: str = ","
) -> dict[str, NDArray[np.bool_]]:
    """Says which records can't be read, by reason; a record may have several.

    Args:
        data: the file's bytes.
        records: of the file, without its header.
        expected_cells: as the header has.
        separator: one ASCII character, between cells.
    """
    return {
        BAD_QUOTE: records.bad_quotes,
        NOT_UTF8: _not_utf8(data, records),
        STRAY_RETURN: _stray_returns(data, records, separator.encode()),
        RAGGED: records.cells != expected_cells,
    }


def _not_utf8(data: bytes, records: Records) -> NDArray[np.bool_]:
    bad = np.zeros(len(records.starts), bool)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        high = np.flatnonzero(np.frombuffer(data, np.uint8) >= 0x80)
        suspects = np.searchsorted(high, records.starts) < np.searchsorted(high, records.ends)
        for index in np.flatnonzero(suspects).tolist():
            try:
                data[records.starts[index] : records.ends[index]].decode("utf-8")
            except UnicodeDecodeError:
                bad[index] = True
    return bad


def _stray_returns(data: bytes, records: Records, separator: bytes) -> NDArray[np.bool_]:
    """A carriage return outside quotes that no line feed follows: CSV readers disagree on what it ends."""
    bad = np.zeros(len(records.starts), bool)
    octets = np.frombuffer(data, np.uint8)
    returns = np.flatnonzero(octets == _RETURN)
    if len(returns) == 0:
        return bad
    after = octets[np.minimum(returns + 1, len(octets) - 1)]
    stray = returns[(after != _LINE_FEED) & (returns != len(octets) - 1)]
    which = np.searchsorted(records.starts, stray, side="right") - 1
    for offset, index in zip(stray.tolist(), which.tolist(), strict=True):
        if index >= 0 and offset < records.ends[index]:
            bad[index] |= not _in_quoted_cell(data, int(records.starts[index]), offset, separator)
    return bad


def _in_quoted_cell(data: bytes, start: int, offset: int, separator: bytes) -> bool:
    """Whether `offset` lies in a quoted cell of the record from `start`; quotes inside a bare cell are text."""
    position = start
    while position <= offset:
        if data[position : position + 1] == b'"':
            position = _after_quoted(data, position)
            if offset < position or position < 0:
                return True
        comma = data.find(separator, position, offset)
        if comma < 0:
            return False
        position = comma + 1
    return False
