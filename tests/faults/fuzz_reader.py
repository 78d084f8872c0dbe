"""Fuzzes the strict CSV reader, guided by coverage (libFuzzer through atheris).

    python tests/faults/fuzz_reader.py -max_total_time=20 [-seed=1]

Any bytes as a file either end in one InputError of one line, or are read: the same whole and in small pieces where every
quote is well placed, each row read or quarantined once, and what was read, written as CSV and read again, is equal.
"""

from __future__ import annotations

import gc
import pathlib
import sys
import tempfile

import atheris
import numpy as np

with atheris.instrument_imports(include=["aisle.components.example_gen"]):
    from aisle.components.example_gen.csv_tables.records import QUOTE, well_placed
    from aisle.components.example_gen.reader import ReadResult, read_table

from aisle.schema.errors import InputError
from aisle.schema.tables import JUDGEMENTS

HEADER = b"query,item_id,grade,text\n"
FOLDER = pathlib.Path(tempfile.mkdtemp())


def read(content: bytes, piece_bytes: int = 1 << 25) -> ReadResult | None:
    """Reads bytes as a table, None where they are refused in one line."""
    (FOLDER / "judgements.csv").write_bytes(content)
    try:
        return read_table(str(FOLDER), JUDGEMENTS, piece_bytes)
    except InputError as error:
        assert "\n" not in str(error), str(error)
        return None


def written(result: ReadResult) -> bytes:
    """The rows read, as CSV; the csv module of Python 3.10 can't write NUL."""

    def cell(value: object) -> str:
        text = "" if value is None else repr(value) if isinstance(value, float) else str(value)
        return '"' + text.replace('"', '""') + '"'

    rows = [result.rows.column_names, *(row.values() for row in result.rows.to_pylist())]
    return "".join(",".join(map(cell, row)) + "\n" for row in rows).encode()


def check(content: bytes) -> None:
    """Raises AssertionError where the reader breaks a promise."""
    for file in (content, HEADER + content):
        whole, pieces = read(file), read(file, 16)
        if whole is None or pieces is None:
            assert whole is None and pieces is None, file
            continue
        assert whole.read == whole.rows.num_rows + whole.quarantine.num_rows
        octets = np.frombuffer(file, np.uint8)
        # Beside a misplaced quote it is a guess where a record ends, and more of the file makes a better one.
        same = well_placed(octets, np.flatnonzero(octets == QUOTE))
        for part in ("rows", "provenance", "quarantine") if same else ():
            assert getattr(whole, part).to_pylist() == getattr(pieces, part).to_pylist(), part
        if whole.rows.num_rows:
            again = read(written(whole))
            assert again is not None and again.quarantine.num_rows == 0
            assert repr(again.rows.to_pylist()) == repr(whole.rows.to_pylist())


if __name__ == "__main__":
    gc.freeze()  # On Python 3.10 pyarrow walks all objects that are not frozen before it reads a CSV file.
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
