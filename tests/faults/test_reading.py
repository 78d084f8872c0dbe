"""What the strict reader survives: rows that can't be read, files that can't be used."""

from __future__ import annotations

import os
import pathlib
import pickle

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aisle.components.example_gen.reader import ReadResult, read_table
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENTS, JUDGEMENTS

HEADER = b"timestamp,event,item_id,position,price,query\n"
FINE = b"2024-05-01 10:00:00,click,i1,1,2.5,red\n"


def _read(folder: pathlib.Path, content: bytes, name: str = "events.csv") -> ReadResult:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return read_table(str(folder), EVENTS)


def _faults(result: ReadResult) -> list[tuple[int, str | None, str | None, str]]:
    rows = result.quarantine.to_pylist()
    return [(row["line"], row["column"], row["value"], row["reason"]) for row in rows]


def test_a_ragged_row_is_quarantined_with_its_file_and_line(tmp_path: pathlib.Path) -> None:
    short, long = b"2024-05-01 10:00:00,click,i1,1,2.5\n", b"2024-05-01 10:00:00,click,i1,1,2.5,red,more\n"
    result = _read(tmp_path, HEADER + FINE + short + long + FINE, "events/day.csv")
    assert _faults(result) == [
        (3, None, "5 cells, expected 6", "wrong number of cells"),
        (4, None, "7 cells, expected 6", "wrong number of cells"),
    ]
    assert result.quarantine["file"].to_pylist() == ["events/day.csv"] * 2
    assert result.quarantine["row"][0].as_py() == short.decode().strip()
    assert result.provenance["line"].to_pylist() == [2, 5]


def test_an_unbalanced_quote_costs_its_own_line(tmp_path: pathlib.Path) -> None:
    opened = b'2024-05-01 10:00:00,click,i1,1,2.5,"red\n'
    closed_late = b'2024-05-01 10:00:00,click,i1,1,2.5,"red" shoes\n'
    fine = b'2024-05-01 10:00:00,click,i1,1,2.5,"a, b"\n'
    result = _read(tmp_path, HEADER + FINE + opened + FINE + fine + closed_late + fine)
    assert [(line, reason) for line, _, _, reason in _faults(result)] == [
        (3, "unbalanced or misplaced quote"),
        (6, "unbalanced or misplaced quote"),
    ]
    assert result.provenance["line"].to_pylist() == [2, 4, 5, 7]
    assert result.rows["query"].to_pylist() == ["red", "red", "a, b", "a, b"]


def test_different_headers_end_in_an_error_that_shows_the_difference(tmp_path: pathlib.Path) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "a.csv").write_bytes(HEADER + FINE)
    with pytest.raises(InputError, match="b.csv lacks query and adds cost, compared with events/a.csv"):
        _read(tmp_path, HEADER.replace(b"query", b"cost") + FINE, "events/b.csv")


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("price", "N/A", "not a number"),
        ("position", "N/A", "not an integer"),
        ("position", "9223372036854775808", "integer beyond 64 bits"),
        ("position", "-9223372036854775809", "integer beyond 64 bits"),
        ("position", "1_000", "not an integer"),
        ("position", "\uff11\uff12", "not an integer"),
        ("price", "1_000", "not a number"),
        ("price", "\uff11\uff12", "not a number"),
    ],
)
def test_what_is_no_number_is_quarantined_by_its_value_and_the_column_stays_a_number(
    tmp_path: pathlib.Path, column: str, value: str, reason: str
) -> None:
    names = HEADER.decode().strip().split(",")
    cells = dict(zip(names, FINE.decode().strip().split(","), strict=True)) | {column: value}
    result = _read(tmp_path, HEADER + FINE + ",".join(cells.values()).encode() + b"\n" + FINE)
    assert _faults(result) == [(3, column, value, reason)]
    assert result.rows[column].type == (pa.int64() if column == "position" else pa.float64())
    assert result.provenance["line"].to_pylist() == [2, 4]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("events.csv", b""),
        ("events.csv", b"\xef\xbb\xbf"),
        ("events.csv", HEADER),
        ("events.parquet", b""),
        ("events/b.csv", b""),
        ("events/b.parquet", b""),
    ],
)
def test_an_empty_file_or_shard_is_no_data_of_its_table(
    tmp_path: pathlib.Path, name: str, content: bytes
) -> None:
    if "/" in name:
        (tmp_path / "events").mkdir()
        (tmp_path / "events" / "a.csv").write_bytes(HEADER + FINE)
    with pytest.raises(InputError, match=f"no data: {name} of the table events"):
        _read(tmp_path, content, name)


def test_a_parquet_shard_without_rows_is_no_data_of_its_table(tmp_path: pathlib.Path) -> None:
    rows = pa.table(
        {"query": pa.array([], pa.string()), "item_id": ["i"][:0], "grade": pa.array([], pa.int64())}
    )
    pq.write_table(
        rows.cast(pa.schema([("query", pa.string()), ("item_id", pa.string()), ("grade", pa.int64())])),
        tmp_path / "judgements.parquet",
    )
    with pytest.raises(
        InputError, match="no data: judgements.parquet of the table judgements holds a header and no row"
    ):
        read_table(str(tmp_path), JUDGEMENTS)


def test_invalid_utf8_is_quarantined_and_a_byte_order_mark_accepted(tmp_path: pathlib.Path) -> None:
    bad = b"2024-05-01 10:00:00,click,i1,1,2.5,caf\xe9\n"
    result = _read(tmp_path, b"\xef\xbb\xbf" + HEADER + FINE + bad + FINE)
    assert _faults(result) == [(3, None, None, "invalid UTF-8")]
    assert "caf\\xe9" in result.quarantine["row"][0].as_py()
    assert result.rows.column_names[0] == "timestamp"


def test_parquet_metadata_that_would_run_code_is_refused(tmp_path: pathlib.Path) -> None:
    trap = tmp_path / "trap"
    payload = pickle.dumps(_Trap(str(trap)))
    metadata = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": payload}
    fields = [pa.field("query", pa.string()), pa.field("item_id", pa.string())]
    schema = pa.schema([*fields, pa.field("grade", pa.int64(), metadata=metadata)])
    pq.write_table(pa.table([["q"], ["i"], [1]], schema=schema), tmp_path / "judgements.parquet")
    with pytest.raises(InputError, match="judgements.parquet can't be read as Parquet"):
        read_table(str(tmp_path), JUDGEMENTS)
    assert not trap.exists()


class _Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.path,)


def test_each_quarantined_row_stands_beside_its_own_place_and_text(tmp_path: pathlib.Path) -> None:
    (tmp_path / "judgements").mkdir()
    head, said = b"query,item_id,grade\n", []
    for number, name in enumerate(("a.csv", "b.csv", "c.csv")):
        lines = [
            f"q{name}{line},{'' if line == 5 else 'i'},{'x' if line % 4 == number else 1}"
            for line in range(2, 20)
        ]
        said += [
            (
                f"judgements/{name}",
                line,
                "item_id" if line == 5 else "grade",
                None if line == 5 else "x",
                text,
            )
            for line, text in enumerate(lines, 2)
            if line == 5 or line % 4 == number
        ]
        (tmp_path / "judgements" / name).write_bytes(head + "\n".join(lines).encode())
    for piece_bytes in (1 << 20, 300, 40):
        records = read_table(str(tmp_path), JUDGEMENTS, piece_bytes).quarantine.to_pylist()
        assert [
            tuple(record[key] for key in ("file", "line", "column", "value", "row")) for record in records
        ] == said
