"""Stages and questions in any number of parts, and rows that find their order again."""

from __future__ import annotations

import pathlib
import tempfile
import unittest.mock
from collections.abc import Callable, Collection
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.plans import spool as spools
from aisle.components.plans.plan import Question, Stage, carry_out, gathered, nothing
from aisle.components.plans.spool import ROW, Spool, together

NUMBERS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 9)), min_size=1, max_size=30
)


class Cut:
    """Rows cut into parts, each in memory."""

    def __init__(self, rows: pl.DataFrame, count: int, folder: pathlib.Path) -> None:
        self.count, self.folder, self.visits = count, folder, 0
        self.told: list[tuple[Collection[str] | None, bool]] = []
        self.parts = [{"rows": rows.filter(pl.col(ROW) % count == part)} for part in range(count)]

    def visit(
        self,
        work: Callable[[dict[str, Any]], None],
        reads: Collection[str] | None = None,
        ends: bool = False,
    ) -> None:
        self.visits += 1
        self.told.append((reads, ends))
        for part in self.parts:
            work(part)


def _numbered(rows: list[tuple[str | None, int]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"key": pl.String, "value": pl.Int64}, orient="row").with_row_index(ROW)


@settings(max_examples=30, deadline=None)
@given(NUMBERS, st.integers(1, 7))
def test_an_answer_is_the_same_in_any_number_of_parts(rows: list[tuple[str | None, int]], count: int) -> None:
    table = _numbered(rows)
    firsts = Question[dict[str, Any]](
        "firsts",
        lambda part, _: part["rows"],
        lambda shown: shown.filter(pl.col("key").is_first_distinct() & pl.col("key").is_not_null())[ROW],
        by="key",
    )
    total = Question[dict[str, Any]](
        "total",
        lambda part, told: part["rows"].filter(pl.col(ROW).is_in(told["firsts"].implode())),
        lambda shown: shown["value"].to_list(),
    )

    def tell(part: dict[str, Any], told: dict[str, Any]) -> None:
        part["rows"] = part["rows"].with_columns(said=pl.lit(told["total"]))

    with tempfile.TemporaryDirectory() as folder:
        parts = Cut(table, count, pathlib.Path(folder))
        carry_out([Stage(nothing, (firsts,)), Stage(nothing, (total,)), Stage(nothing), Stage(tell)], parts)
        assert parts.visits == 3
        said = gathered(parts, lambda part: part["rows"]).sort(ROW)
    first = {key: value for key, value in reversed(rows)}
    expected = [first[key] for key in dict.fromkeys(key for key, _ in rows) if key]
    assert said["said"].to_list() == [expected] * len(rows)
    assert said.drop("said").equals(table)


def test_parts_are_told_what_is_looked_at_where_nothing_changes_and_which_visit_is_the_last(
    tmp_path: pathlib.Path,
) -> None:
    def asks(name: str) -> tuple[Question[dict[str, Any]], ...]:
        return (Question(name, lambda part, _: part["rows"], len),)

    parts = Cut(_numbered([("a", 1), ("b", 2)]), 2, tmp_path)
    stages = [
        Stage(nothing, asks("one"), ("key",)),
        Stage(nothing, (), ("key",)),
        Stage(nothing, asks("two"), ("value", "key")),
        Stage(nothing, (), ("key",)),
        Stage(nothing, asks("three")),
    ]
    carry_out(stages, parts, ends=True)
    assert parts.told == [(["key"], False), (["key", "value"], False), (None, True)]
    carry_out(stages[:1], parts)
    assert parts.told[-1] == (["key"], False)


@settings(max_examples=30, deadline=None)
@given(NUMBERS, st.randoms(use_true_random=False), st.integers(1, 5), st.integers(1, 9))
def test_rows_come_back_in_their_order_however_they_came(
    rows: list[tuple[str | None, int]], chance: Any, count: int, held: int
) -> None:
    table = _numbered(rows)
    shuffled = list(range(len(rows)))
    chance.shuffle(shuffled)
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(pathlib.Path(folder, "spool"), count)
        # Some wait for others, and some go at once.
        with unittest.mock.patch.object(spools, "_HELD", held):
            for row in shuffled:
                spool.add(table[[row]], table[[row]][ROW] * count // len(rows))
            assert pl.concat(spool).equals(table)
        assert not [*pathlib.Path(folder, "spool").iterdir()]


@settings(max_examples=30, deadline=None)
@given(NUMBERS, st.data(), st.integers(1, 300))
def test_rows_of_a_number_are_put_together_as_they_came(
    rows: list[tuple[str | None, int]], drawn: Any, count: int
) -> None:
    table = _numbered(rows)
    chosen = st.lists(st.integers(0, count - 1), min_size=len(rows), max_size=len(rows))
    numbers = pl.Series(drawn.draw(chosen), dtype=pl.Int64)
    # In several chunks, as a join may leave them.
    chunks = pl.concat([table[:1], table[1:]], rechunk=False)
    ordered, ends = together(chunks, numbers.to_numpy(), count)
    for number in range(count):
        assert ordered[ends[number] : ends[number + 1]].equals(table.filter(numbers == number))


def test_rows_that_agree_in_the_key_lie_in_one_file(tmp_path: pathlib.Path) -> None:
    table = _numbered([("abcdefgh"[n % 8], n) for n in range(100)])
    spool = Spool(tmp_path / "spool", 3)
    for piece in table.iter_slices(7):
        spool.add_by(piece, "key")
    held = [set(spool.read(number)["key"]) for number in range(3)]
    assert sum(map(len, held)) == 8
    assert len(held) - held.count(set()) > 1


def test_a_file_is_read_piece_by_piece_as_it_was_written(tmp_path: pathlib.Path) -> None:
    table = _numbered([("ab"[n % 2], n) for n in range(20)])
    spool = Spool(tmp_path / "spool", 2)
    pieces = [table[10:], table[:10]]
    for piece in pieces:
        spool.add_to(1, piece)
    assert [piece.to_dict(as_series=False) for piece in spool.pieces(1)] == [
        piece.to_dict(as_series=False) for piece in pieces
    ]
    assert [*spool.pieces(0)] == []
    assert spool.read(1).equals(table)
    assert spool.read(1, ["value"])["value"].to_list() == [*range(20)], "in the order of all columns"
    assert spool.read(0, ["value", "key"]).equals(table.select("value", "key").clear())


def test_what_no_row_was_sent_to_is_read_as_a_table_without_a_row(tmp_path: pathlib.Path) -> None:
    spool = Spool(tmp_path / "spool", 2)
    spool.add(_numbered([("a", 1)]), pl.Series([1]))
    assert spool.read(0).schema == spool.read(1).schema
    assert spool.read(0).is_empty()
    with pytest.raises(FileExistsError):
        Spool(tmp_path / "spool", 2)
