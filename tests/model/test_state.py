"""What a shop knows at a moment, worked by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from aisle.model import spectrum_by_text as by_text
from aisle.model.retrieval.counts import COUNTS
from aisle.model.retrieval.state import ITEM_NUMBERS, USER_NUMBERS, State, make_state
from aisle.model.transfer.lent import Lent
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY

ITEMS = ["a", "b", "c"]
USERS = pl.DataFrame({"user_id": ["u"], "country": ["Norway"]})


def interactions(*rows: tuple[str, str, int]) -> pl.DataFrame:
    users, items, days = zip(*rows, strict=True)
    frame = pl.DataFrame({"user_id": users, "item_id": items, "timestamp": [day * DAY for day in days]})
    session = pl.col("timestamp").cast(pl.String).alias("session_id")
    return frame.with_columns(pl.lit(1.0, pl.Float32).alias("weight"), session)


def numbers(state: State, name: str) -> list[float]:
    return state.item_numbers[:, ITEM_NUMBERS.index(name)].tolist()


def test_nothing_at_or_after_the_moment_is_known() -> None:
    state = make_state(
        interactions(("u", "a", 90), ("u", "b", 100), ("v", "c", 101)), USERS, ITEMS, 100 * DAY
    )
    assert state.users == ["u"]
    assert state.countries == ["Norway"]
    assert state.history.tolist() == [0]
    assert state.age.tolist() == [10.0]
    np.testing.assert_allclose(numbers(state, "popularity"), np.log1p([1, 0, 0]), rtol=1e-6)
    assert state.taken.tolist() == [0]


def test_popularity_counts_the_last_four_weeks_anonymous_buyers_too() -> None:
    state = make_state(interactions(("u", "a", 1), ("u", "b", 99), ("", "b", 99)), USERS, ITEMS, 100 * DAY)
    np.testing.assert_allclose(numbers(state, "popularity"), np.log1p([0, 2, 0]), rtol=1e-6)
    np.testing.assert_allclose(numbers(state, "popularity_28"), np.log1p([0, 1, 0]), rtol=1e-6)
    np.testing.assert_allclose(numbers(state, "popularity_all"), np.log1p([1, 1, 0]), rtol=1e-6)


def test_what_an_item_is_lent_counts_as_taken_at_an_even_rate() -> None:
    rows = interactions(("u", "a", 1), ("u", "b", 99), ("", "b", 99))
    state = make_state(rows, USERS, ITEMS, 100 * DAY, lent=Lent(np.array([0.0, 4.0, 28.0])))
    np.testing.assert_allclose(numbers(state, "popularity"), np.log1p([0, 2 + 4, 28]), rtol=1e-6)
    np.testing.assert_allclose(numbers(state, "popularity_7"), np.log1p([0, 1 + 1, 7]), rtol=1e-6)
    # The shop is 99 days old.
    lent_ever = np.array([0.0, 4.0, 28.0]) * 99 / 28
    np.testing.assert_allclose(numbers(state, "popularity_all"), np.log1p(lent_ever + [1, 1, 0]), rtol=1e-6)
    assert numbers(state, "item_users")[2] == 0.0


def test_what_a_user_took_is_summed_by_item() -> None:
    rows = interactions(("u", "a", 40), ("u", "b", 70), ("u", "a", 100))
    state = make_state(rows, USERS, ITEMS, 100 * DAY + 15 * DAY)
    assert state.taken.tolist() == [1, 0]  # The latest at the end.
    pair = dict(zip(COUNTS, state.counts[1].tolist(), strict=True))
    assert pair["count"] == 2
    assert pair["latest_order"] == 1
    np.testing.assert_allclose(pair["repeat_orders"], 1 + 0.7**2, rtol=1e-5)
    np.testing.assert_allclose(pair["repeat_15"], 0.5 + 0.5**5, rtol=1e-5)
    np.testing.assert_allclose(pair["repeat_60"], 0.5**0.25 + 0.5**1.25, rtol=1e-5)
    assert state.ages[1].tolist() == [15, 75]
    np.testing.assert_allclose(state.counts[0][COUNTS.index("repeat_orders")], 0.7, rtol=1e-5)
    assert state.counts[0][COUNTS.index("latest_order")] == 0
    user = dict(zip(USER_NUMBERS, state.user_numbers[1].tolist(), strict=True))
    assert user == {
        "user_orders": 3, "user_orders_60": 2, "user_items": 2, "user_basket": 1, "user_last": 15, "user_first": 75,
        "user_repeat": np.float32(1 / 7),
    }  # fmt: skip


def test_a_history_is_oldest_first_and_split_by_user() -> None:
    rows = interactions(("v", "c", 7), ("u", "b", 5), ("u", "a", 3))
    state = make_state(rows, USERS, ITEMS, 10 * DAY)
    assert state.users == ["u", "v"]
    assert state.splits.tolist() == [0, 2, 3]
    assert state.history.tolist() == [0, 1, 2]
    np.testing.assert_allclose(state.typical_age[:2], [4.0, 7.0])


def test_what_texts_tell_as_of_a_moment_is_the_same_whatever_comes_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(by_text, "_LEAST", 0.0)  # Of so few items texts tell next to nothing.
    draw = np.random.default_rng(1)
    texts = draw.normal(size=(len(ITEMS), 4)).astype(np.float32)
    early = [
        (f"u{draw.integers(9)}", ITEMS[draw.integers(len(ITEMS))], int(draw.integers(50))) for _ in range(60)
    ]
    one, two = (
        make_state(interactions(*early, *later), USERS, ITEMS, 50 * DAY, texts=texts).tables["spectrum"][
            "told"
        ]
        for later in ([], [("u1", ITEMS[0], 50), ("u2", ITEMS[1], 77)])
    )
    assert one.any()
    np.testing.assert_array_equal(one, two)
