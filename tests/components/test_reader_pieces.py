"""Long files are read piece by piece, compressed ones as they are; corruption stays where it is."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aisle.components.example_gen.csv_tables.pieces import read_pieces
from aisle.components.example_gen.discovery import USUAL
from aisle.components.example_gen.reader import ReadResult, read_shards, read_table
from aisle.components.tables import PROVENANCE_SCHEMA, RowsWriter, read_provenance, read_rows
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENTS, JUDGEMENTS

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(
    ['"', '""', ",", "\n", "\r", "\r\n", 'a"b', '"a",', "=1+1", "\ufeff", ""]
)
CELLS = CELLS.filter(lambda text: text not in USUAL.missing)  # Which Hypothesis finds in the code, and tries.
# Not "\n" with QUOTE_MINIMAL: Python 3.10 then leaves a cell's "\r" bare, and before "\n" it reads as a line end.
WRITERS = [("\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_MINIMAL)]
TABLES = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=30)


def _csv(rows: list[tuple[str, str]], line_end: str = "\n", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)
    writer.writerow(["query", "item_id", "grade", "text"])
    writer.writerows((f"q{query}", "i", number, extra) for number, (query, extra) in enumerate(rows))
    return text.getvalue().encode()


def _read(folder: pathlib.Path, content: bytes, piece_bytes: int = 1 << 25) -> ReadResult:
    (folder / "judgements.csv").write_bytes(content)
    return read_table(str(folder), JUDGEMENTS, piece_bytes)


def _same(one: ReadResult, other: ReadResult) -> bool:
    return one.read == other.read and all(
        getattr(one, part).to_pylist() == getattr(other, part).to_pylist()
        for part in ("rows", "provenance", "quarantine")
    )


@settings(max_examples=50)
@given(TABLES, st.sampled_from(WRITERS))
@example([("", "\r"), ("\r\n", '"')], ("\r\n", csv.QUOTE_MINIMAL))
def test_what_the_csv_module_writes_is_read_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], writer: tuple[str, int]
) -> None:
    result = _read(tmp_path_factory.mktemp("csv"), _csv(rows, *writer))
    assert result.quarantine.num_rows == 0
    assert result.rows["query"].to_pylist() == [f"q{query}" for query, _ in rows]
    assert result.rows["text"].to_pylist() == [extra or None for _, extra in rows]
    assert result.rows["grade"].to_pylist() == list(range(len(rows)))


@settings(max_examples=50)
@given(TABLES, st.integers(1, 200))
@example([("", "")], 34)  # A first piece that is the header alone.
@example([("", ""), ("", "")], 34)
def test_a_file_read_in_pieces_is_the_file_read_whole(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], piece_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("pieces")
    content = _csv(rows, quoting=csv.QUOTE_ALL)
    assert _same(_read(folder, content, piece_bytes), _read(folder, content))


@settings(max_examples=100)
@given(st.data(), TABLES, st.integers(0, 255))
def test_a_corrupt_byte_costs_at_most_the_rows_it_touches(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, rows: list[tuple[str, str]], byte: int
) -> None:
    # One line a row, so that what a byte touches is known: its line, and the next if it was the line end.
    plain = [tuple(cell.replace("\n", "_").replace("\r", "_") for cell in row) for row in rows]
    content = _csv(plain)  # type: ignore[arg-type]
    folder = tmp_path_factory.mktemp("corrupt")
    whole = _read(folder, content)
    at = data.draw(st.integers(0, len(content) - 1))
    broken = content[:at] + bytes([byte]) + content[at + 1 :]
    line = content.count(b"\n", 0, at) + 1
    try:
        result = _read(folder, broken)
    except InputError as error:
        assert "\n" not in str(error)
        assert line == 1 or len(plain) == 1 or broken.count(b"\n") < 2, "only a broken header may end it"
        return
    more = broken.count(b"\n") - content.count(b"\n")
    untouched = [
        (row, place["line"])
        for row, place in zip(whole.rows.to_pylist(), whole.provenance.to_pylist(), strict=True)
        if place["line"] not in (line, line + 1)
    ]
    moved = {
        place["line"]: row
        for row, place in zip(result.rows.to_pylist(), result.provenance.to_pylist(), strict=True)
    }
    if line > 1:
        for row, was in untouched:
            assert moved.get(was if was < line else was + more) == row


def test_a_cut_falls_on_record_ends_only_and_lines_go_on_counting() -> None:
    content = b'a,b\n1,"x\ny"\n2,"z ""q"" \n\n"\n3,w'
    pieces = list(read_pieces("f.csv", io.BytesIO(content), 5))
    assert b"".join(piece.data for piece in pieces) == content
    assert [(piece.line, piece.data) for piece in pieces][0] == (1, b"a,b\n")
    assert all(piece.data.count(b'"') % 2 == 0 for piece in pieces)
    assert [piece.line for piece in pieces] == [
        1 + content[: content.index(piece.data)].count(b"\n") for piece in pieces
    ]


def test_a_file_with_a_misplaced_quote_is_not_cut_behind_it() -> None:
    content = b"a,b\n" + b"1,2\n" * 10 + b'3,"x" y\n' + b"4,5\n" * 100
    pieces = list(read_pieces("f.csv", io.BytesIO(content), 16))
    assert b"".join(piece.data for piece in pieces) == content
    assert len(pieces) > 1
    assert all(piece.data.endswith(b"\n") for piece in pieces)
    assert pieces[-1].data.startswith(b"1,2\n") or b'"x" y' in pieces[-1].data


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [
        (".gz", gzip.compress),
        (".gz", lambda data: gzip.compress(data[:300]) + gzip.compress(data[300:])),
        (".zst", lambda data: pa.compress(data, "zstd", asbytes=True)),
    ],
)
def test_compressed_files_are_read_as_they_are(tmp_path: pathlib.Path, suffix: str, compress: object) -> None:
    content = _csv([(str(n), "text") for n in range(5_000)])
    plain = _read(tmp_path, content)
    (tmp_path / "judgements.csv").unlink()
    (tmp_path / f"judgements.csv{suffix}").write_bytes(compress(content))  # type: ignore[operator]
    result = read_table(str(tmp_path), JUDGEMENTS, 1_000)
    assert result.rows.equals(plain.rows)
    assert result.provenance["line"].equals(plain.provenance["line"])


@pytest.mark.parametrize("lost", [1, 9, 40])
def test_a_truncated_compressed_file_is_an_error_and_no_shorter_table(
    tmp_path: pathlib.Path, lost: int
) -> None:
    content = gzip.compress(_csv([(str(n), "text") for n in range(5_000)]))
    (tmp_path / "judgements.csv.gz").write_bytes(content[:-lost])
    with pytest.raises(InputError, match="judgements.csv.gz can't be read"):
        read_table(str(tmp_path), JUDGEMENTS)


def test_another_compression_under_the_name_is_an_error(tmp_path: pathlib.Path) -> None:
    (tmp_path / "judgements.csv.gz").write_bytes(bz2.compress(_csv([("a", "b")])))
    with pytest.raises(InputError, match="judgements.csv.gz can't be read"):
        read_table(str(tmp_path), JUDGEMENTS)


def test_a_long_table_comes_in_shards_of_one_schema(tmp_path: pathlib.Path) -> None:
    (tmp_path / "judgements").mkdir()
    rows = pa.table(
        {
            "query": ["q"] * 300_000,
            "item_id": ["i"] * 300_000,
            "grade": range(300_000),
            "text": range(300_000),
        }
    )
    pq.write_table(rows, tmp_path / "judgements" / "a.parquet")
    (tmp_path / "judgements" / "b.csv").write_bytes(_csv([(str(n), "t") for n in range(1_000)]))
    shards = list(read_shards(str(tmp_path), JUDGEMENTS, 4_096))
    assert len(shards) == 5
    assert len({shard.rows.schema for shard in shards}) == 1
    assert sum(shard.rows.num_rows for shard in shards) == 301_000
    assert shards[1].provenance["line"][0].as_py() == shards[0].rows.num_rows + 1
    assert shards[0].rows["text"][1].as_py() == "1"


def test_a_misfit_among_the_shards_still_ends_the_read(tmp_path: pathlib.Path) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "a.csv").write_bytes(
        b"timestamp,event,item_id\n" + b"2024-05-01 10:00:00,click,i\n" * 99
    )
    (tmp_path / "events" / "b.csv").write_bytes(b"timestamp,event,id\n2024-05-01 10:00:00,click,i\n")
    with pytest.raises(InputError, match="b.csv lacks item_id and adds id"):
        read_table(str(tmp_path), EVENTS, 64)


def test_rows_written_shard_by_shard_are_read_back_the_same(tmp_path: pathlib.Path) -> None:
    (tmp_path / "judgements").mkdir()
    head = b"query,item_id,grade,text\n"
    (tmp_path / "judgements" / "a.csv").write_bytes(head + b"q,i,none,\n")  # A shard that is all quarantined.
    (tmp_path / "judgements" / "b.csv").write_bytes(head + b"q,i,1,\n" * 9)
    (tmp_path / "judgements" / "c.csv").write_bytes(head + "q,i,2,é\n".encode() * 9)
    whole = read_table(str(tmp_path), JUDGEMENTS)
    with RowsWriter(str(tmp_path / "out")) as writer:
        for shard in read_shards(str(tmp_path), JUDGEMENTS, 32):
            writer.write(shard.rows, shard.provenance)
    assert read_rows(str(tmp_path / "out")).equals(whole.rows)
    assert read_provenance(str(tmp_path / "out")).equals(whole.provenance)
    assert whole.read == 19


def test_a_table_without_a_readable_row_is_written_and_read_as_an_empty_one(tmp_path: pathlib.Path) -> None:
    (tmp_path / "judgements.csv").write_bytes(b"query,item_id,grade\nq,i,none\n")
    result = read_table(str(tmp_path), JUDGEMENTS)
    with RowsWriter(str(tmp_path / "out")) as writer:
        writer.write(result.rows, result.provenance)
    back = read_rows(str(tmp_path / "out"))
    assert back.num_rows == 0
    assert back.schema == result.rows.schema


def test_keys_of_more_rows_than_a_row_group_are_counted(tmp_path: pathlib.Path) -> None:
    count = 160_000  # pyarrow 10 crashes where the columns it groups have unequal chunks.
    ids = pa.table({"user_id": [f"u{n % 150_000}" for n in range(count)]})
    places = pa.table({"file": ["f"] * count, "line": range(count)}, PROVENANCE_SCHEMA)
    with RowsWriter(str(tmp_path)) as writer:
        writer.write(ids, places)
    rows = read_rows(str(tmp_path)).append_column("row", pa.array(range(count)))
    groups = rows.group_by("user_id").aggregate([("row", "count")])
    assert groups["row_count"].to_pylist().count(2) == 10_000
