"""What a shop knows at a moment, worked by hand."""

from __future__ import annotations

import numpy as np
import polars as pl

from aisle.model.state import make_state
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY

ITEMS = ["a", "b", "c"]
USERS = pl.DataFrame({"user_id": ["u"], "country": ["Norway"]})


def interactions(*rows: tuple[str, str, int]) -> pl.DataFrame:
    users, items, days = zip(*rows, strict=True)
    frame = pl.DataFrame({"user_id": users, "item_id": items, "timestamp": [day * DAY for day in days]})
    return frame.with_columns(pl.lit(1.0, pl.Float32).alias("weight"))


def test_nothing_at_or_after_the_moment_is_known() -> None:
    state = make_state(
        interactions(("u", "a", 90), ("u", "b", 100), ("v", "c", 101)), USERS, ITEMS, 100 * DAY
    )
    assert state.users == ["u"]
    assert state.countries == ["Norway"]
    assert state.history.tolist() == [0]
    assert state.age.tolist() == [10.0]
    np.testing.assert_allclose(state.popularity, np.log1p([1, 0, 0]))


def test_popularity_counts_the_last_four_weeks_anonymous_buyers_too() -> None:
    state = make_state(interactions(("u", "a", 1), ("u", "b", 99), ("", "b", 99)), USERS, ITEMS, 100 * DAY)
    np.testing.assert_allclose(state.popularity, np.log1p([0, 2, 0]))


def test_neighbours_are_by_cosine_of_who_took_them() -> None:
    rows = interactions(("u", "a", 1), ("u", "b", 2), ("v", "b", 3), ("v", "c", 4), ("w", "b", 5))
    state = make_state(rows, USERS, ITEMS, 10 * DAY)
    near = dict(zip(state.neighbours[0].tolist(), state.similarity[0].tolist(), strict=True))
    np.testing.assert_allclose(max(near.values()), 1 / np.sqrt(3), atol=1e-6)
    assert state.neighbours[0][np.argmax(state.similarity[0])] == 1


def test_a_history_is_oldest_first_and_split_by_user() -> None:
    rows = interactions(("v", "c", 7), ("u", "b", 5), ("u", "a", 3))
    state = make_state(rows, USERS, ITEMS, 10 * DAY)
    assert state.users == ["u", "v"]
    assert state.splits.tolist() == [0, 2, 3]
    assert state.history.tolist() == [0, 1, 2]
    np.testing.assert_allclose(state.typical_age[:2], [4.0, 7.0])
