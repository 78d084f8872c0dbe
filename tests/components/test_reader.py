from __future__ import annotations

import csv
import gzip
import io
import os
import pathlib
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.example_gen.cells.timestamps import NOT_TIMESTAMP
from aisle.components.example_gen.reader import ReadResult, read_table
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENTS, ITEMS, JUDGEMENTS, USERS

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


def test_cells_become_values_of_their_declared_types(tmp_path: pathlib.Path) -> None:
    result = _read(tmp_path, HEADER + FINE + b"2024-05-01T12:00:00.25+02:00,purchase,007,-3,1e2,\n")
    assert result.rows.to_pylist() == [
        {
            "timestamp": 1714557600_000000, "event": "click", "item_id": "i1", "position": 1, "price": 2.5,
            "query": "red",
        },
        {
            "timestamp": 1714557600_250000, "event": "purchase", "item_id": "007", "position": -3,
            "price": 100.0, "query": None,
        },
    ]  # fmt: skip
    assert result.rows.schema.field("position").type == pa.int64()
    assert result.provenance.to_pylist() == [
        {"file": "events.csv", "line": 2},
        {"file": "events.csv", "line": 3},
    ]
    assert result.read == 2


def test_lines_are_physical_even_after_line_ends_in_quotes_blank_lines_and_ragged_rows(
    tmp_path: pathlib.Path,
) -> None:
    quoted = b'2024-05-01 10:00:00,click,i1,1,2.5,"two\r\nlines, ""quoted"""\r\n'
    result = _read(tmp_path, HEADER + quoted + b"\r\n\n" + b"ragged\n" + b"x" + FINE + FINE)
    assert result.rows["query"].to_pylist() == ['two\r\nlines, "quoted"', "red"]
    assert result.provenance["line"].to_pylist() == [2, 8]
    assert [fault[0] for fault in _faults(result)] == [6, 7]


def test_the_end_of_a_line_is_not_of_the_row_that_is_shown(tmp_path: pathlib.Path) -> None:
    lines = [HEADER, FINE.replace(b"2.5", b"x"), b"ragged\n"]
    result = _read(tmp_path, b"".join(lines).replace(b"\n", b"\r\n"))
    assert [row["row"] for row in result.quarantine.to_pylist()] == [
        "2024-05-01 10:00:00,click,i1,1,x,red",
        "ragged",
    ]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("position", "N/A", "not an integer"),
        ("position", "1_000", "not an integer"),
        ("position", "\uff11\uff12", "not an integer"),
        ("position", "12.5", "not an integer"),
        ("position", "1 2", "not an integer"),
        ("position", "9223372036854775808", "integer beyond 64 bits"),
        ("price", "twelve", "not a number"),
        ("price", "1_0", "not a number"),
        ("price", "0x10", "not a number"),
        ("price", "\u0661", "not a number"),
        ("timestamp", "2024-02-30 00:00:00", NOT_TIMESTAMP),
        ("timestamp", "2024-05-01", NOT_TIMESTAMP),
        ("timestamp", "01/05/2024 10:00", NOT_TIMESTAMP),
        ("timestamp", "2024-05-01 10:00:60", NOT_TIMESTAMP),
        ("timestamp", "2024-05-01T10:00:00+99:00", NOT_TIMESTAMP),
        ("timestamp", "", "missing required value"),
        ("item_id", "", "missing required value"),
    ],
)
def test_a_cell_that_is_no_value_of_its_kind_is_named(
    tmp_path: pathlib.Path, column: str, value: str, reason: str
) -> None:
    names = HEADER.decode().strip().split(",")
    cells = dict(zip(names, FINE.decode().strip().split(","), strict=True)) | {column: value}
    result = _read(tmp_path, HEADER + FINE + ",".join(cells.values()).encode() + b"\n")
    assert _faults(result) == [(3, column, value or None, reason)]
    assert (result.rows.num_rows, result.read) == (1, 2)


def test_integers_up_to_the_last_of_64_bits_are_read(tmp_path: pathlib.Path) -> None:
    bounds = (-(2**63), 2**63 - 1, -0)
    lines = b"".join(b"2024-05-01 10:00:00,click,i1,%d,1,\n" % bound for bound in bounds)
    assert _read(tmp_path, HEADER + lines).rows["position"].to_pylist() == list(bounds)


def test_spellings_of_nan_and_infinity_are_numbers(tmp_path: pathlib.Path) -> None:
    spelt = ("NaN", "-inf", "Infinity", "+INF", "1e999", ".5", "-2.", "+3")
    lines = "".join(f"2024-05-01 10:00:00,click,i1,1,{text},\n" for text in spelt)
    values = _read(tmp_path, HEADER + lines.encode()).rows["price"].to_pylist()
    infinity = float("inf")
    assert values[0] != values[0]
    assert values[1:] == [-infinity, infinity, infinity, infinity, 0.5, -2.0, 3.0]


def test_a_row_with_two_faults_is_quarantined_once_for_the_first(tmp_path: pathlib.Path) -> None:
    result = _read(tmp_path, HEADER + FINE + b"never,click,,x,y,\n")
    assert [fault[1] for fault in _faults(result)] == ["timestamp"]


def test_a_quote_inside_an_unquoted_cell_is_a_character(tmp_path: pathlib.Path) -> None:
    result = _read(tmp_path, HEADER + b'2024-05-01 10:00:00,click,i1,1,2.5,12" VASE\n' + FINE)
    assert result.rows["query"].to_pylist() == ['12" VASE', "red"]


def test_a_lone_carriage_return_is_quarantined_outside_quotes_only(tmp_path: pathlib.Path) -> None:
    inside = b'2024-05-01 10:00:00,click,i1,1,2.5,"a\rb"\n'
    result = _read(tmp_path, HEADER + inside + b"2024-05-01 10:00:00,click,i1,1,2.5,a\rb\n")
    assert result.rows["query"].to_pylist() == ["a\rb"]
    assert _faults(result) == [(3, None, None, "carriage return inside the row")]


def test_a_cell_of_a_megabyte_is_read_and_its_row_cut_in_the_quarantine(tmp_path: pathlib.Path) -> None:
    huge = b"2024-05-01 10:00:00,click,i1,1,2.5," + b"x" * 3_000_000 + b"\n"
    result = _read(tmp_path, HEADER + huge + FINE + huge.replace(b",1,2.5", b",one,2.5"))
    assert len(result.rows["query"][0].as_py()) == 3_000_000
    assert len(result.quarantine["row"][0].as_py()) == 500


def test_rows_of_several_files_keep_their_order_and_places(tmp_path: pathlib.Path) -> None:
    reordered = (
        b"event,timestamp,item_id,position,price,query\nclick,2024-05-01 10:00:00,i2,1,,\nclick,x,,,,\n"
    )
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "a.csv").write_bytes(HEADER + FINE)
    (tmp_path / "events" / "b.csv.gz").write_bytes(gzip.compress(reordered))
    (tmp_path / "events" / "_SUCCESS").write_bytes(b"")
    result = _read(tmp_path, HEADER + FINE.replace(b"i1", b"i3").rstrip(), "events/c.csv")
    assert result.rows["item_id"].to_pylist() == ["i1", "i2", "i3"]
    places = zip(result.provenance["file"].to_pylist(), result.provenance["line"].to_pylist(), strict=True)
    assert list(places) == [("events/a.csv", 2), ("events/b.csv.gz", 2), ("events/c.csv", 2)]
    assert result.quarantine["file"].to_pylist() == ["events/b.csv.gz"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"no data: events.csv of the table events is empty \(0 bytes\)"),
        (HEADER, "no data: events.csv of the table events"),
        (HEADER.strip(), "no data: events.csv of the table events"),
        (b"\n\n", "the first line is blank"),
        (b"timestamp,event\n1,2\n", "lacks the required column item_id; its header is: timestamp, event"),
        (b"timestamp:event:item_id\n1:2:3\n", "lacks the required column .*; name its columns in"),
        (b"timestamp,event,item_id,event\n1,2,3,4\n", "the column 'event' twice"),
        ((HEADER + FINE).decode().encode("utf-16-le"), "can't be read as CSV in UTF-8.*reading.encodings"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_ends_in_one_line(
    tmp_path: pathlib.Path, content: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        _read(tmp_path, content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["events.csv.gz", "events.csv.zst", "events.parquet"])
def test_a_corrupt_compressed_or_parquet_file_ends_in_one_line(tmp_path: pathlib.Path, name: str) -> None:
    with pytest.raises(InputError, match=rf"{name} can't be read") as caught:
        _read(tmp_path, b"PAR1 this is not what it says it is", name)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_ends_in_one_line(tmp_path: pathlib.Path) -> None:
    (tmp_path / "events.csv").write_bytes(HEADER + FINE)
    (tmp_path / "events.csv").chmod(0)
    with pytest.raises(InputError, match="events.csv can't be read: Permission denied"):
        read_table(str(tmp_path), EVENTS)


def test_extra_columns_pass_through_as_text(tmp_path: pathlib.Path) -> None:
    (tmp_path / "items.csv").write_bytes(b"item_id,title,lines\n1,Vase,12\n")
    rows = read_table(str(tmp_path), ITEMS).rows
    assert rows.to_pylist() == [{"item_id": "1", "title": "Vase", "lines": "12"}]


def test_a_column_of_nothing_keeps_its_declared_type(tmp_path: pathlib.Path) -> None:
    (tmp_path / "users.csv").write_bytes(b"user_id,age,joined_at\nu1,,\n")
    rows = read_table(str(tmp_path), USERS).rows
    assert [str(field.type) for field in rows.schema] == ["string", "int64", "int64"]
    assert rows["age"].null_count == 1


def test_parquet_is_cast_to_the_declared_types_as_strictly(tmp_path: pathlib.Path) -> None:
    table = pa.table(
        {
            "timestamp": pa.array([0, 1_000, None, 2_000], pa.timestamp("ms", "Europe/Berlin")),
            "event": pa.array(["click"] * 4).dictionary_encode(),
            "item_id": pa.array([1, 2, 3, 4]),
            "position": [1.0, 2.5, 3.0, None],
            "price": ["1.5", "2", "3", "x"],
            "score": pa.array([0.5, 1.0, 1.5, 2.0], pa.float32()),
            "flag": [True, False, None, True],
        }
    )
    pq.write_table(table, tmp_path / "events.parquet")
    result = read_table(str(tmp_path), EVENTS)
    assert result.rows.to_pylist() == [
        {
            "timestamp": 0, "event": "click", "item_id": "1", "position": 1, "price": 1.5, "score": 0.5,
            "flag": 1,
        }
    ]  # fmt: skip
    assert _faults(result) == [
        (2, "position", "2.5", "not an integer"),
        (3, "timestamp", None, "missing required value"),
        (4, "price", "x", "not a number"),
    ]


def test_a_parquet_column_of_the_wrong_type_is_an_error_that_names_it(tmp_path: pathlib.Path) -> None:
    table = pa.table({"query": ["a"], "item_id": ["i"], "grade": [[1.0]]})
    pq.write_table(table, tmp_path / "judgements.parquet")
    with pytest.raises(InputError, match=r"grade is of type list<.*>, which can't hold number"):
        read_table(str(tmp_path), JUDGEMENTS)


_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8) | st.sampled_from(
    ['"', '""', ",", "\n", "\r\n", 'a"b', '"a"']
)


@settings(max_examples=60)
@given(st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_every_row_that_the_csv_module_writes_is_read_back_where_it_stands(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]], line_end: str
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerow(["query", "item_id", "grade", "text"])
    lines = []
    for query, extra in cells:
        lines.append(text.getvalue().count("\n") + 1)
        writer.writerow([f"q{query}", "i", "1", extra])
    (folder / "judgements.csv").write_bytes(text.getvalue().encode())
    result = read_table(str(folder), JUDGEMENTS)
    assert result.rows["query"].to_pylist() == [f"q{query}" for query, _ in cells]
    assert result.rows["text"].to_pylist() == [extra or None for _, extra in cells]
    assert result.provenance["line"].to_pylist() == lines


@settings(max_examples=60)
@given(
    st.lists(st.binary(max_size=20) | st.sampled_from([b"q,i,1", b'"q,i', b'q",i,1', b"q\r,i,2"]), min_size=1)
)
def test_whatever_bytes_come_every_line_is_read_or_quarantined(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "judgements.csv").write_bytes(b"query,item_id,grade\nq,i,1\n" + b"\n".join(lines))
    result = read_table(str(folder), JUDGEMENTS)
    assert result.rows.num_rows >= 1
    assert result.read == result.rows.num_rows + result.quarantine.num_rows
    places = result.provenance["line"].to_pylist() + result.quarantine["line"].to_pylist()
    assert len(set(places)) == len(places)
    assert max(places) <= 2 + sum(line.count(b"\n") + 1 for line in lines)


def test_reading_does_not_import_tfx() -> None:
    code = "import sys, aisle.components.example_gen.reader; sys.exit('tfx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_online_retail_is_read_whole(shared_data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    from aisle.datasets.online_retail import convert

    convert(shared_data / "online-retail", tmp_path / "tables")
    result = read_table(str(tmp_path / "tables"), EVENTS)
    assert (result.read, result.quarantine.num_rows) == (451_127, 0)
    assert result.rows["user_id"].null_count > 100_000


def test_csv_and_parquet_files_of_one_table_go_together(tmp_path: pathlib.Path) -> None:
    (tmp_path / "judgements").mkdir()
    header = b"query,item_id,grade,lines\n"
    (tmp_path / "judgements" / "a.csv").write_bytes(header + b"q,a,1,1\n")
    table = pa.table({"grade": [2, 3], "item_id": ["b", "c"], "query": ["q", "q"], "lines": [7, 8]})
    pq.write_table(table, tmp_path / "judgements" / "b.parquet")
    (tmp_path / "judgements" / "c.csv").write_bytes(header + b"q,d,4,9\n")
    result = read_table(str(tmp_path), JUDGEMENTS)
    assert result.rows["grade"].to_pylist() == [1.0, 2.0, 3.0, 4.0]
    assert result.rows["lines"].to_pylist() == ["1", "7", "8", "9"]
    assert result.provenance["line"].to_pylist() == [2, 1, 2, 2]


def test_parquet_text_that_is_not_utf8_is_refused(tmp_path: pathlib.Path) -> None:
    offsets, bad = pa.py_buffer(b"\x00\x00\x00\x00\x02\x00\x00\x00"), pa.py_buffer(b"\xff\xfe")
    text = pa.Array.from_buffers(pa.string(), 1, [None, offsets, bad])
    pq.write_table(pa.table({"query": text, "item_id": ["i"], "grade": [1]}), tmp_path / "judgements.parquet")
    with pytest.raises(InputError, match="UTF8|UTF-8"):
        read_table(str(tmp_path), JUDGEMENTS)


def test_a_carriage_return_behind_a_quote_inside_a_bare_cell_is_stray(tmp_path: pathlib.Path) -> None:
    content = 'query,item_id,grade,text\nmug,i1,2,x\nc",\r2,3," ""x"""\nmug,i2,3,"a\rb"\n'
    (tmp_path / "judgements.csv").write_bytes(content.encode())
    result = read_table(str(tmp_path), JUDGEMENTS)
    assert result.rows["item_id"].to_pylist() == ["i1", "i2"]
    assert result.quarantine["reason"].to_pylist() == ["carriage return inside the row"]
