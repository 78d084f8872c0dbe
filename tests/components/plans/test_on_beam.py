"""Stages and questions carried out by Beam: the same answers as here, and work done twice leaves what it left once."""

from __future__ import annotations

import functools
import pathlib
import tempfile
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.plans.plan import Question, Stage, Told, carry_out, gathered, nothing
from aisle.components.plans.shared import SharedFolder, by_key, hashed
from aisle.components.plans.spool import ROW, in_order

KEYS = st.sampled_from(["a", "b", "c", "dé", None])
ROWS = st.lists(st.tuples(KEYS, st.integers(0, 9)), min_size=1, max_size=20)
State = dict[str, Any]


def _table(rows: list[tuple[str | None, int]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"key": pl.String, "value": pl.Int64}, orient="row").with_row_index(ROW)


def _begin(rows: pl.DataFrame, count: int, number: int) -> State:
    return {"rows": rows.filter(pl.col(ROW) % count == number), "visits": 0}


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


@pytest.mark.parametrize("count", [1, 3])
def test_what_beams_workers_answer_is_what_is_so(count: int, tmp_path: pathlib.Path) -> None:
    from aisle.components.plans.on_beam import OnBeam

    table = _table([("b", 5), (None, 1), ("a", 2), ("b", 7), ("dé", 3)])
    parts = OnBeam[State](str(tmp_path), count, _pipeline, functools.partial(_begin, table, count))
    carry_out(STAGES, parts)
    assert [state["visits"] for state in parts.states()] == [1] * count
    said = in_order(gathered(parts, lambda state: state["rows"]))
    assert said["said"].to_list() == [[5, 2, 3]] * len(table)
    assert said.drop("said").equals(table)
    assert len([*tmp_path.iterdir()]) == 1
    kept = [*tmp_path.iterdir()]
    looking = Stage[State](nothing, STAGES[0].asks, ("rows",))
    assert carry_out([looking], parts)["firsts"].sort().to_list() == [0, 2, 4]
    assert [*tmp_path.iterdir()] == kept, "who only looks writes no part"
    assert [state["visits"] for state in parts.states()] == [1] * count


def test_work_that_is_done_again_leaves_the_same_files(tmp_path: pathlib.Path) -> None:
    from aisle.components.plans.on_beam import OnBeam

    table = _table([("a", 1), ("b", 2), (None, 3), ("a", 4)])
    parts = OnBeam[State](str(tmp_path), 2, _pipeline, functools.partial(_begin, table, 2))
    parts.answers(STAGES[:1], {})
    turn = SharedFolder(str(tmp_path / "turn-1"))
    left = {path.name: path.read_bytes() for path in (tmp_path / "turn-1").iterdir()}
    for number in range(2):
        turn.load("work")(number)
        turn.load("then")(number)
    assert {"part-0", "firsts-1", "firsts-answer-0", "work", "then"} <= left.keys()
    assert {path.name: path.read_bytes() for path in (tmp_path / "turn-1").iterdir()} == left


@settings(max_examples=30, deadline=None)
@given(ROWS, st.integers(1, 5))
def test_a_bucket_is_read_without_the_others(rows: list[tuple[str | None, int]], count: int) -> None:
    table = _table(rows)
    with tempfile.TemporaryDirectory() as path:
        folder = SharedFolder(path)
        for nth, piece in enumerate(table.iter_slices(3)):
            folder.write(str(nth), *by_key(piece, "key", count), count)
        files = [str(nth) for nth in range(-(-len(rows) // 3))]
        held = [folder.read(files, bucket) for bucket in range(count)]
    assert in_order(pl.concat(held)).equals(table.drop_nulls("key"))
    keys = [set(one["key"]) for one in held]
    assert sum(map(len, keys)) == len(set().union(*keys))


def test_rows_go_to_the_buckets_that_every_machine_gives_them() -> None:
    values = pl.Series("id", ["u1", " U1", None, "花", "u1"])
    alike = hashed(values, 1 << 40, lambda ids: ids.str.strip_chars().str.to_lowercase())
    assert alike[0] == alike[1] == alike[4]
    assert len(set(alike.tolist())) == 3
    # Known values: a machine, a Python or a pandas that hashes otherwise would part what belongs together.
    assert (hashed(values, 1 << 16) == np.asarray(HASHES, np.uint64)).all()


HASHES = (41853, 22655, 65535, 64991, 41853)
