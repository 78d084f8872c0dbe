"""Stages and questions carried out by Beam: the same answers as here, and work done twice leaves what it left once."""

from __future__ import annotations

import pathlib
import tempfile
import uuid
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.plans import shared
from aisle.components.plans.on_beam import OnBeam
from aisle.components.plans.plan import Question, Stage, Told, carry_out, gathered, nothing
from aisle.components.plans.shared import SharedFolder, by_key, hashed
from aisle.components.plans.spool import ROW, in_order

KEYS = st.sampled_from(["a", "b", "c", "dé", None])
ROWS = st.lists(st.tuples(KEYS, st.integers(0, 9)), min_size=1, max_size=20)
State = dict[str, Any]


def _table(rows: list[tuple[str | None, int]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"key": pl.String, "value": pl.Int64}, orient="row").with_row_index(ROW)


class _Keeping:
    """A part whole in a file, and as it begins every so manyeth row (`on_beam.Keeping`)."""

    def __init__(self, table: pl.DataFrame, count: int) -> None:
        self.table, self.count = table, count

    def load(self, folder: SharedFolder | None, number: int, reads: object) -> State:
        if folder is None:
            return {"rows": self.table.filter(pl.col(ROW) % self.count == number), "visits": 0}
        return {**folder.load(f"part-{number}"), "reads": reads}

    def store(self, folder: SharedFolder, number: int, state: State) -> None:
        folder.store(f"part-{number}", state)

    def end(self, folder: SharedFolder, number: int, state: State) -> None:
        folder.store(f"ended-{number}", state["visits"])


def _tell(state: State, told: Told) -> None:
    state["visits"] += 1
    state["rows"] = state["rows"].with_columns(said=pl.lit(told["total"]))


STAGES = [
    Stage[State](
        nothing,
        (
            Question(
                "firsts",
                lambda state, _: state["rows"],
                lambda shown: shown.filter(pl.col("key").is_first_distinct())[ROW],
                by="key",
            ),
        ),
    ),
    Stage[State](
        nothing,
        (
            Question(
                "total",
                lambda state, told: state["rows"].filter(pl.col(ROW).is_in(told["firsts"].implode())),
                lambda shown: shown["value"].to_list(),
            ),
        ),
    ),
    Stage[State](_tell),
]


def _pipeline() -> Any:
    import apache_beam as beam

    return beam.Pipeline(runner="apache_beam.runners.portability.fn_api_runner.FnApiRunner")


def _visits(parts: OnBeam[State]) -> list[int]:
    return [parts.kept.load(f"part-{number}")["visits"] for number in range(parts.count)]


def _left(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("count", [1, 3])
def test_what_beams_workers_answer_is_what_is_so(count: int, tmp_path: pathlib.Path) -> None:
    table = _table([("b", 5), (None, 1), ("a", 2), ("b", 7), ("dé", 3)])
    parts = OnBeam[State](str(tmp_path), count, _pipeline, _Keeping(table, count))
    carry_out(STAGES, parts)
    assert _visits(parts) == [1] * count
    said = in_order(gathered(parts, lambda state: state["rows"]))
    assert said["said"].to_list() == [[5, 2, 3]] * len(table)
    assert said.drop("said").equals(table)
    kept = _left(tmp_path)
    assert len(kept) == 1
    looking = Stage[State](nothing, STAGES[0].asks, ("key",))
    assert carry_out([looking], parts)["firsts"].sort().to_list() == [0, 2, 4]
    assert _left(tmp_path) == kept, "who only looks writes no part"
    read = Question[State]("read", lambda state, _: pl.DataFrame({"of": state["reads"]}), list)
    assert carry_out([Stage(nothing, (read,), ("key", "value"))], parts)["read"][0][:2].to_list() == [
        "key",
        "value",
    ]
    assert carry_out([STAGES[0], STAGES[1], STAGES[2]], parts, ends=True).keys() == {"firsts", "total"}
    ended = [parts.kept.load(f"ended-{number}") for number in range(count)]
    assert ended == [2] * count, "of parts that end only what is asked of them is kept"
    assert not {f"part-{number}" for number in range(count)} & {*_left(pathlib.Path(parts.kept.path))}


def test_what_is_done_before_the_parts_is_done_once_and_when_they_begin(tmp_path: pathlib.Path) -> None:
    made = SharedFolder(str(tmp_path / "made"))

    class After(_Keeping):
        def load(self, folder: SharedFolder | None, number: int, reads: object) -> State:
            assert len(_left(tmp_path / "made")) == 4
            return super().load(folder, number, reads)

    first = [(4, lambda number: made.store(f"{number}-{uuid.uuid4()}", number))]
    parts = OnBeam[State](str(tmp_path / "parts"), 2, _pipeline, After(_table([("a", 1)]), 2), first)
    assert carry_out(STAGES, parts)["total"] == [1]
    assert len(_left(tmp_path / "made")) == 4


def test_work_that_is_done_again_leaves_the_same_files(tmp_path: pathlib.Path) -> None:
    table = _table([("a", 1), ("b", 2), (None, 3), ("a", 4)])
    parts = OnBeam[State](str(tmp_path), 2, _pipeline, _Keeping(table, 2))
    parts.answers(STAGES[:1], {}, ends=False)
    turn = SharedFolder(str(tmp_path / "turn-1"))
    left = {path.name: path.read_bytes() for path in (tmp_path / "turn-1").iterdir()}
    for number in range(2):
        turn.load("work-0")(number)
        turn.load("work-1")(number)
    assert {"part-0", "firsts-1", "firsts-answer-0", "work-0", "work-1"} <= left.keys()
    assert {path.name: path.read_bytes() for path in (tmp_path / "turn-1").iterdir()} == left


@settings(max_examples=30, deadline=None)
@given(ROWS, st.integers(1, 5))
def test_a_bucket_and_a_column_are_read_without_the_others(
    rows: list[tuple[str | None, int]], count: int
) -> None:
    table = _table(rows)
    with tempfile.TemporaryDirectory() as path:
        folder = SharedFolder(path)
        for nth, piece in enumerate(table.iter_slices(3)):
            folder.write(str(nth), *by_key(piece, "key", count), count)
        files = [str(nth) for nth in range(-(-len(rows) // 3))]
        held = [folder.read(files, bucket) for bucket in range(count)]
        some = [folder.read(files, bucket, {"value", ROW, "none"}) for bucket in range(count)]
        folder.write("all", table)
        assert folder.read(["all"]).equals(table)
    assert in_order(pl.concat(held)).equals(table.drop_nulls("key"))
    assert all(one.equals(whole.select(ROW, "value")) for one, whole in zip(some, held, strict=True))
    keys = [set(one["key"]) for one in held]
    assert sum(map(len, keys)) == len(set().union(*keys))


def test_of_many_buckets_each_holds_its_own_bytes_alone(tmp_path: pathlib.Path) -> None:
    texts = [f"{number:06}" * 20 for number in range(4_000)]
    rows, folder = pl.DataFrame({"text": texts}), SharedFolder(str(tmp_path))
    folder.write("one", rows)
    folder.write("many", rows, np.arange(4_000, dtype=np.uint64) % 40, 40)
    one, many = ((tmp_path / name).stat().st_size for name in ("one", "many"))
    assert many < 2 * one
    assert folder.read(["many"], 39)["text"].to_list() == texts[39::40]


def _bucket(text: str | None, count: int) -> int:
    """What `hashed` says that it does, by whole numbers without end."""
    places = enumerate((text or "").encode(), 1)
    value = sum((byte + 1) * 0x100000001B3**place for place, byte in places)
    return (value * 0x9E3779B97F4A7C15 % 2**64 >> 32) % count


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text("a\x00é花", max_size=40)), max_size=12), st.integers(1, 9))
def test_rows_go_to_the_buckets_that_every_machine_gives_them(texts: list[str | None], count: int) -> None:
    values = pl.Series("id", texts, pl.String)
    assert hashed(values, count).tolist() == [_bucket(text, count) for text in texts]
    if len(texts) > 2:
        assert hashed(values[1:], count).tolist() == [_bucket(text, count) for text in texts[1:]], "a slice"


def test_buckets_of_many_texts_are_about_as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = pl.Series([f"S{number:07}" for number in range(20_000)])
    buckets = hashed(ids, 6)
    assert np.abs(np.bincount(buckets.astype(int)) / len(ids) - 1 / 6).max() < 0.01
    monkeypatch.setattr(shared, "_SLICE", 700)
    assert (hashed(ids, 6) == buckets).all()
