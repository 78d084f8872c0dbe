from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.demand.options import DemandOptions
from aisle.components.demand.sales import sales
from aisle.components.demand.series import series
from aisle.schema.errors import InputError
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY

WEEKS, DAYS = DemandOptions(), DemandOptions(days=1)
MONDAY = datetime.date(2024, 1, 1)
FIRST = (MONDAY - datetime.date(1970, 1, 1)).days


def events(*rows: tuple[int, str, str, str | None, float]) -> pl.DataFrame:
    """Rows of (day from a Monday on, event, item, user, quantity), at 2 apiece."""
    days, kinds, items, users, quantities = zip(*rows, strict=True)
    return pl.DataFrame(
        {
            "timestamp": [(FIRST + day) * DAY + place for place, day in enumerate(days)],
            "event": kinds,
            "item_id": items,
            "user_id": pl.Series(users, dtype=pl.String),
            "quantity": pl.Series(quantities, dtype=pl.Float64),
            "price": [2.0] * len(rows),
        }
    )


def after(days: int) -> datetime.date:
    return MONDAY + datetime.timedelta(days=days)


def counts(*rows: tuple[int, str, int]) -> pl.DataFrame:
    days, items, on_hand = zip(*rows, strict=True)
    return pl.DataFrame(
        {"as_of": [(FIRST + day) * DAY for day in days], "item_id": items, "on_hand": on_hand}
    )


def test_a_return_takes_off_the_latest_earlier_purchase_of_the_same_user_item_and_quantity() -> None:
    bought = [
        (0, "purchase", "mug", "ann", 6.0),
        (1, "purchase", "mug", "ann", 6.0),
        (1, "purchase", "mug", "bo", 6.0),
    ]
    returned = [
        (2, "return", "mug", "ann", 6.0),
        (3, "purchase", "mug", "ann", 6.0),
        (4, "return", "mug", None, 6.0),
    ]
    sold = sales(events(*bought, *returned), WEEKS)
    assert ((sold["timestamp"] // DAY) - FIRST).to_list() == [0, 1, 3]
    assert sold["quantity"].to_list() == [6.0, 6.0, 6.0]
    assert sold["revenue"].to_list() == [12.0, 12.0, 12.0]


def test_returns_are_not_matched_again_where_the_cleaner_took_the_purchases_out() -> None:
    rows = events(
        (0, "purchase", "mug", "ann", 6.0),
        (2, "return", "mug", "ann", 6.0),
        (3, "purchase", "mug", "bo", 1.0),
    )
    assert len(sales(rows, WEEKS)) == 1
    assert len(sales(rows, DemandOptions(settled=True))) == 2


def standing(rows: list[tuple[int, str, str, str | None, float]]) -> list[int]:
    """The days of the purchases that stand, by taking one return after another."""
    stands: list[tuple[int, str, str | None, float]] = []
    for day, event, item, user, quantity in rows:
        if event == "purchase":
            stands.append((day, item, user, quantity))
        elif user is not None:
            same = [place for place, one in enumerate(stands) if one[1:] == (item, user, quantity)]
            if same:
                stands.pop(same[-1])
    return [day for day, *_ in stands]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["purchase", "return"]),
            st.sampled_from(["mug", "lamp"]),
            st.sampled_from(["ann", None]),
            st.sampled_from([1.0, 2.0]),
        ),
        min_size=1,
        max_size=14,
    )
)
@settings(max_examples=40, deadline=None)
def test_sales_stand_as_when_returns_are_taken_one_by_one(
    told: list[tuple[str, str, str | None, float]],
) -> None:
    rows = [(day, *one) for day, one in enumerate(told)]
    expected = standing(rows)
    if expected:
        assert ((sales(events(*rows), WEEKS)["timestamp"] // DAY) - FIRST).to_list() == expected
    else:
        with pytest.raises(InputError, match="no purchase among"):
            sales(events(*rows), WEEKS)


def test_a_bulk_line_is_usual_up_to_so_many_times_the_lines_before_and_itself() -> None:
    rows = [(day, "purchase", "mug", "ann", 2.0) for day in range(3)]
    sold = sales(events(*rows, (4, "purchase", "mug", "bo", 162.0)), DemandOptions(bulk=3))
    # The geometric mean of 2, 2, 2 and 162 is 6.
    assert sold["usual"].to_numpy() == pytest.approx([2, 2, 2, 18])
    found = series(sold, DemandOptions(bulk=3), after(7))
    assert found.usual is not None
    assert (found.quantity.tolist(), found.usual.tolist()) == ([[168.0]], [[pytest.approx(24.0)]])


def test_an_item_that_got_another_code_keeps_its_history() -> None:
    rows = events((0, "purchase", "old", "ann", 2.0), (8, "purchase", "new", "ann", 3.0))
    found = series(sales(rows, WEEKS, {"old": "new"}), WEEKS, after(14))
    assert (found.item_ids.tolist(), found.quantity.tolist()) == (["new"], [[2.0, 3.0]])


def test_weeks_end_on_the_day_asked_for_and_later_sales_are_left_out() -> None:
    rows = events(
        (0, "purchase", "mug", "a", 1.0), (3, "purchase", "mug", "a", 2.0), (9, "purchase", "mug", "a", 4.0),
        (10, "purchase", "mug", "a", 8.0),
    )  # fmt: skip
    found = series(sales(rows, WEEKS), WEEKS, after(10))
    # Ten days hold one whole week, from the fourth on.
    assert found.starts.tolist() == [after(3)]
    assert (found.quantity.tolist(), found.revenue.tolist()) == ([[6.0]], [[12.0]])
    assert found.orders is not None and found.orders.tolist() == [[2.0]]
    assert series(sales(rows, DAYS), DAYS).quantity.tolist() == [[1.0, 0, 0, 2, 0, 0, 0, 0, 0, 4, 8]]


def test_what_came_before_the_first_sale_is_unknown() -> None:
    rows = events(
        (0, "purchase", "mug", "a", 1.0), (8, "purchase", "lamp", "a", 2.0), (20, "purchase", "mug", "a", 1.0)
    )
    found = series(sales(rows, WEEKS), WEEKS, after(21))
    np.testing.assert_equal(found.quantity, [[np.nan, 2, 0], [1, 0, 1]])


def test_a_week_without_any_sale_is_closed_in_a_shop_that_sells_often_and_chance_in_another() -> None:
    often = [(day, "purchase", f"item{place}", "a", 1.0) for day in (0, 14) for place in range(20)]
    found = series(sales(events(*often), WEEKS), WEEKS, after(21))
    assert np.isnan(found.quantity[:, 1]).all() and (found.quantity[:, [0, 2]] == 1).all()
    seldom = series(sales(events(*often[::20]), WEEKS), WEEKS, after(21))
    assert seldom.quantity.tolist() == [[1.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    ("stock", "expected"),
    [
        ([(1, "mug", 0), (4, "mug", 9)], [1, np.nan, np.nan, np.nan, 0, 2, 0]),
        ([(1, "mug", 0)], [1, np.nan, np.nan, np.nan, np.nan, 2, 0]),
        ([(0, "mug", 0), (6, "mug", -3)], [1, 0, 0, 0, 0, 2, np.nan]),
        ([(2, "mug", 0), (2, "mug", 5)], [1, 0, 0, 0, 0, 2, 0]),
        ([(-3, "mug", 0), (40, "mug", 0), (2, "lamp", 0)], [1, 0, 0, 0, 0, 2, 0]),
    ],
    ids=[
        "until the next count",
        "until the next sale",
        "not on a day with a sale",
        "the last of a day",
        "not of others",
    ],
)
def test_days_out_of_stock_are_unknown(stock: list[tuple[int, str, int]], expected: list[float]) -> None:
    rows = events((0, "purchase", "mug", "a", 1.0), (5, "purchase", "mug", "a", 2.0))
    found = series(sales(rows, DAYS), DAYS, after(7), counts(*stock))
    np.testing.assert_equal(found.quantity, [expected])


def test_a_week_partly_out_of_stock_counts_for_the_days_that_are_known_and_mostly_out_for_none() -> None:
    rows = events(*[(day, "purchase", "mug", "a", 5.0) for day in (0, 7, 14)])
    short = series(
        sales(rows, WEEKS), WEEKS, after(21), counts((12, "mug", 0), (16, "mug", 0), (19, "mug", 3))
    )
    # The second week is known for 5 days of 7, the third for 4.
    assert short.quantity[0] == pytest.approx([5, 5 * 7 / 5, 5 * 7 / 4])
    long = series(sales(rows, WEEKS), WEEKS, after(21), counts((9, "mug", 0)))
    np.testing.assert_equal(long.quantity, [[5, np.nan, 5]])


def test_parts_of_the_items_are_those_of_the_whole() -> None:
    rng = np.random.default_rng(1)
    rows = [
        (int(day), "purchase", f"item{rng.integers(9)}", "a", 1.0) for day in np.sort(rng.integers(0, 60, 80))
    ]
    sold, end = sales(events(*rows), WEEKS), after(60)
    whole = series(sold, WEEKS, end)
    parts = [series(sold, WEEKS, end, within=(start, start + 4)) for start in range(0, len(whole), 4)]
    assert [item for part in parts for item in part.item_ids] == whole.item_ids.tolist()
    np.testing.assert_equal(np.vstack([part.quantity for part in parts]), whole.quantity)
    assert all((part.starts == whole.starts).all() for part in parts)


def _of(**changed: Any) -> pl.DataFrame:
    return events((0, "purchase", "mug", "ann", 2.0)).with_columns(**changed)


@pytest.mark.parametrize(
    ("rows", "end", "message"),
    [
        (_of(event=pl.lit("return")), 7, "no purchase among 1 events"),
        (_of(event=pl.lit("click")), 7, "no purchase among 1 events"),
        (_of(quantity=pl.lit(-2.0)), 7, "no purchase among 1 events"),
        (_of(), 6, "no sale lies in a whole period of 7 days before 2024-01-07"),
        (_of(), -30, "no sale lies in a whole period of 7 days before 2023-12-02"),
    ],
    ids=["returns without sales", "clicks alone", "below zero", "too short", "all in the future"],
)
def test_events_that_tell_no_demand_are_refused(rows: pl.DataFrame, end: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        series(sales(rows, WEEKS), WEEKS, after(end))


def test_events_without_users_quantities_and_prices_count_as_one_each() -> None:
    rows = events((0, "purchase", "mug", "a", 9.0), (1, "purchase", "mug", "a", 9.0)).select(
        "timestamp", "event", "item_id"
    )
    found = series(sales(rows, WEEKS), WEEKS, after(7))
    assert (found.quantity.tolist(), found.revenue.tolist()) == ([[2.0]], [[2.0]])
