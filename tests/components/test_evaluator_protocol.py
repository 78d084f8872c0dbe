"""Who is tested on what, from interactions and splits."""

from __future__ import annotations

import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aisle.components.evaluator.holdout import Holdout
from aisle.components.evaluator.measures.protocol import Protocol, make_protocol, positions, recent_histories
from aisle.components.evaluator.measures.search import clicked_queries
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.components.tables import write_json, write_parquet
from aisle.schema.errors import InputError

TEST_START = 100
ITEMS = pa.table({"item_id": ["a", "b", "c", "d", "e"]})

Row = tuple[str, str, int, str]
ROWS: list[Row] = [
    ("u", "a", 10, "purchase"),
    ("u", "b", 20, "click"),
    ("v", "b", 30, "purchase"),
    ("", "c", 40, "purchase"),
    ("u", "a", 100, "purchase"),
    ("u", "a", 101, "purchase"),
    ("u", "b", 110, "purchase"),
    ("u", "d", 110, "purchase"),
    ("v", "c", 120, "click"),
    ("w", "a", 120, "purchase"),
    ("", "a", 120, "purchase"),
]


def interactions(rows: list[Row]) -> pa.Table:
    users, items, times, events = (pa.array(values) for values in zip(*rows, strict=True))
    return pa.table({"user_id": users, "item_id": items, "timestamp": times, "event": events})


def protocol(goal: str = "purchase", rows: list[Row] = ROWS, max_users: int = 0) -> Protocol:
    return make_protocol(ITEMS, interactions(rows), {"test_start": TEST_START, "goal": goal}, max_users)


def taken(made: Protocol, *, new: bool = False) -> dict[str, set[str]]:
    truth = (made.new if new else made.truth).toarray()
    names = np.array(made.item_ids.to_pylist())
    return {
        user: set(names[row > 0].tolist()) for user, row in zip(made.user_ids.to_pylist(), truth, strict=True)
    }


def test_only_known_users_and_known_items_are_tested() -> None:
    # w has no purchase before the test, d was never purchased before it, v purchases nothing in it.
    assert taken(protocol()) == {"u": {"a", "b"}}


def test_what_an_ad_led_to_in_the_test_is_not_to_be_found_and_before_it_is_history() -> None:
    def made(*places: int) -> Protocol:
        sponsored = pa.array([nth in places for nth in range(len(ROWS))])
        table = interactions(ROWS).append_column("sponsored", sponsored)
        return make_protocol(ITEMS, table, {"test_start": TEST_START, "goal": "purchase"})

    assert taken(made(6)) == {"u": {"a"}}
    assert taken(made(4, 5)) == {"u": {"b"}}
    assert taken(made(0, 2)) == {"u": {"a", "b"}}


def test_new_leaves_out_what_the_user_had_taken_before() -> None:
    # b was only clicked before: as a purchase it is new.
    assert taken(protocol(), new=True) == {"u": {"b"}}


def test_every_event_counts_where_the_goal_is_a_click() -> None:
    made = protocol("click")
    assert taken(made) == {"u": {"a", "b"}, "v": {"c"}}
    assert taken(made, new=True) == {"u": set(), "v": {"c"}}
    assert made.has_new.tolist() == [False, True]


def test_an_item_taken_twice_in_the_window_is_one_item() -> None:
    assert protocol().truth.max() == 1.0


def test_nothing_of_the_test_window_is_in_the_training_events() -> None:
    train = protocol().train
    assert train.cut == TEST_START
    assert train.timestamps.tolist() == [10, 30, 40]
    assert train.users.tolist() == [0, 1, -1]


def test_a_draw_of_users_is_repeatable_and_of_the_size_asked() -> None:
    rows = [(f"user{n}", "a", time, "purchase") for n in range(30) for time in (1, 150)]
    drawn = protocol(rows=rows, max_users=7)
    assert len(drawn.users) == drawn.truth.shape[0] == drawn.new.shape[0] == 7
    assert drawn.user_ids.equals(protocol(rows=rows, max_users=7).user_ids)


def test_without_interactions_nobody_is_tested() -> None:
    made = make_protocol(ITEMS, interactions(ROWS).slice(0, 0), {"test_start": 0, "goal": "judgement"})
    assert made.truth.shape == (0, 5)
    assert made.user_ids.to_pylist() == []


def test_an_empty_catalogue_is_refused_by_the_table_s_name() -> None:
    with pytest.raises(InputError, match="no data: the items table is empty"):
        make_protocol(ITEMS.slice(0, 0), interactions(ROWS), {"test_start": 0, "goal": "click"})


def test_an_unknown_goal_is_refused() -> None:
    with pytest.raises(InputError, match="'love'"):
        protocol("love")


def test_positions_of_unknown_values_and_nulls_are_minus_one() -> None:
    found = positions(pa.chunked_array([["b", None], ["x"]]), pa.array(["a", "b"]))
    assert found.tolist() == [1, -1, -1]


@pytest.mark.parametrize("goal", ["purchase", "click"])
def test_a_holdout_read_piece_by_piece_is_that_of_the_whole_table(goal: str, tmp_path: pathlib.Path) -> None:
    rng = np.random.default_rng(5)
    drawn = [
        (f"u{rng.integers(6)}" if rng.random() < 0.8 else "", f"{'abcdefg'[rng.integers(7)]}", time)
        for time in range(0, 200, 2)
    ]
    kinds = rng.choice(["click", "cart", "purchase"], len(drawn))
    table = interactions([(*row, str(kind)) for row, kind in zip(drawn, kinds, strict=True)])
    late = np.array([time >= TEST_START for *_, time in drawn])
    for name, values in (
        ("split", np.where(late, "test", "train")),
        ("query", rng.choice(["red", "blue", ""], len(drawn))),
        ("sponsored", rng.random(len(drawn)) < 0.1),
    ):
        table = table.append_column(name, pa.array(values))
    splits = {"test_start": TEST_START, "goal": goal}
    write_parquet(str(tmp_path / "items.parquet"), ITEMS.append_column("title", ITEMS["item_id"]))
    pq.write_table(table, tmp_path / "interactions.parquet", row_group_size=9)
    write_json(str(tmp_path / "splits.json"), splits)
    held = Holdout.read(str(tmp_path), EvaluatorOptions(max_users=3))
    expected = make_protocol(ITEMS, table, splits, max_users=3)
    assert held.protocol.user_ids.equals(expected.user_ids)
    assert 0 < len(expected.user_ids) <= 3
    for matrix in ("truth", "new", "unheard", "newcomer_truth"):
        assert (getattr(held.protocol, matrix) != getattr(expected, matrix)).nnz == 0
    for part in ("users", "items", "timestamps"):
        assert (getattr(held.protocol.train, part) == getattr(expected.train, part)).all()
    assert recent_histories(held.interactions, held.protocol, 4) == recent_histories(table, expected, 4)
    assert held.interactions.num_rows < table.num_rows
    searched = clicked_queries(table, expected.item_ids)
    assert held.searches.clicked.queries == searched.queries
    assert held.searches.clicked.users == searched.users
