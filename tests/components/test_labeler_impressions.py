"""The Labeler's joins: clicks to results, purchases to clicks, and nothing of the future."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.labeler.interactions import Splits, make_interactions
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.searches.attribution import Joins, attribute
from aisle.components.labeler.searches.impressions import UNKNOWN, Outcomes, make_impressions
from aisle.datasets.simulator import SimulatorOptions, simulate

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
OPTIONS = LabelerOptions(click_window_minutes=30, conversion_window_days=2)
FAR = Splits(100 * DAY, 200 * DAY, 300 * DAY, "purchase")
COLUMNS = ("timestamp", "event", "item_id", "user_id", "session_id", "query", "position")
TYPES = {"timestamp": pl.Int64, "position": pl.Int64}

Row = tuple[object, ...]


def events(*rows: Row) -> pl.DataFrame:
    schema = {name: TYPES.get(name, pl.String) for name in COLUMNS}
    return pl.DataFrame([dict(zip(COLUMNS, row, strict=False)) for row in rows], schema=schema)


def outcomes(
    table: pl.DataFrame, splits: Splits = FAR, options: LabelerOptions = OPTIONS
) -> dict[tuple[int, str], tuple[float, float]]:
    """Click and purchase of each result, by its time in seconds and its item."""
    found, _ = make_impressions(attribute(table, options), splits, options)
    rows = found.select("timestamp", "item_id", "click", "purchase").rows()
    return {(t // SECOND, i): (c, p) for t, i, c, p in rows}


def counts(table: pl.DataFrame, splits: Splits = FAR) -> Outcomes:
    return make_impressions(attribute(table, OPTIONS), splits, OPTIONS)[1]


def at(seconds: float, event: str, item: str, session: str | None = "s", query: str | None = "red") -> Row:
    """An event of user u in a session."""
    return (int(seconds * SECOND), event, item, "u", session, query, 1)


def test_a_click_answers_the_last_time_its_item_was_shown_before_it() -> None:
    table = events(
        at(0, "impression", "a"),
        at(60, "impression", "a"),
        at(60, "impression", "b"),
        at(61, "click", "a"),
        at(120, "impression", "a"),
    )
    assert outcomes(table) == {(0, "a"): (0, 0), (60, "a"): (1, 0), (60, "b"): (0, 0), (120, "a"): (0, 0)}


@pytest.mark.parametrize(("late", "clicked"), [(30 * 60, 1), (30 * 60 + 1, 0)])
def test_a_click_after_its_window_answers_nothing(late: int, clicked: int) -> None:
    assert outcomes(events(at(0, "impression", "a"), at(late, "click", "a"))) == {(0, "a"): (clicked, 0)}


def test_a_click_answers_its_query_or_without_one_the_last_page() -> None:
    pages = (
        at(0, "impression", "a", query="red"),
        at(10, "impression", "a", query="blue"),
        at(20, "impression", "a", query=None),
    )
    assert outcomes(events(*pages, at(30, "click", "a", query="red")))[0, "a"] == (1, 0)
    # The last page is not a search: the click is not one of a search's either.
    assert set(outcomes(events(*pages, at(30, "click", "a", query=None))).values()) == {(0, 0)}
    assert outcomes(events(*pages, at(15, "click", "a", query=None)))[10, "a"] == (1, 0)


def test_sessions_come_before_users_and_users_before_nothing() -> None:
    shown = (at(0, "impression", "a", session="s"), at(5, "impression", "a", session="t"))
    assert outcomes(events(*shown, at(9, "click", "a", session="s")))[0, "a"] == (1, 0)
    # A session that was not shown the item, and a click without one, are the user's.
    assert outcomes(events(*shown, at(9, "click", "a", session="x")))[5, "a"] == (1, 0)
    assert outcomes(events(*shown, at(9, "click", "a", session=None)))[5, "a"] == (1, 0)
    stranger = (9 * SECOND, "click", "a", "v", "x", "red", 1)
    assert set(outcomes(events(*shown, stranger)).values()) == {(0, 0)}


def test_what_names_nobody_joins_to_nothing_and_is_counted() -> None:
    table = events(
        (0, "impression", "a", None, None, "red", 1),
        (1, "click", "a", None, None, "red", 1),
        (0, "impression", "a", None, None, None, 1),
    )
    assert outcomes(table) == {}
    assert counts(table) == Outcomes(shown=1, unnamed=1, unsettled=0, unknown=0, late_purchases=0)


def test_a_purchase_is_credited_to_the_last_click_also_from_another_session() -> None:
    table = events(
        at(0, "impression", "a"),
        at(1, "click", "a"),
        at(100, "impression", "a"),
        at(101, "click", "a"),
        at(200, "purchase", "a", session="other", query=None),
    )
    assert outcomes(table) == {(0, "a"): (1, 0), (100, "a"): (1, 1)}


def test_a_purchase_whose_last_click_was_not_on_a_result_is_credited_to_none() -> None:
    table = events(
        at(0, "impression", "a"),
        at(1, "click", "a"),
        at(4000, "click", "a", query=None),
        at(4010, "purchase", "a", query=None),
    )
    assert outcomes(table) == {(0, "a"): (1, 0)}


@pytest.mark.parametrize(("late", "bought"), [(2 * 86_400, 1), (2 * 86_400 + 1, 0)])
def test_a_purchase_after_its_window_is_credited_to_none(late: int, bought: int) -> None:
    table = events(at(0, "impression", "a"), at(0, "click", "a"), at(late, "purchase", "a"))
    assert outcomes(table) == {(0, "a"): (1, bought)}


def test_a_cart_or_purchase_straight_from_the_results_counts_as_the_click() -> None:
    table = events(
        at(0, "impression", "a"),
        at(0, "impression", "b"),
        at(5, "cart", "a"),
        at(7200, "purchase", "a", query=None),
        at(9, "purchase", "b"),
    )
    assert outcomes(table) == {(0, "a"): (1, 1), (0, "b"): (1, 1)}


def test_a_cart_after_a_click_elsewhere_is_no_click_on_the_result() -> None:
    table = events(
        at(0, "impression", "a"),
        at(10, "impression", "a", query=None),
        at(11, "click", "a", query=None),
        at(12, "cart", "a", query=None),
        at(13, "purchase", "a", query=None),
    )
    assert outcomes(table) == {(0, "a"): (0, 0)}


def test_a_conversion_that_may_still_come_is_unknown_and_counted() -> None:
    splits = Splits(10 * DAY, 20 * DAY, 30 * DAY, "purchase")
    early, late, sold = 7 * 86_400, 9 * 86_400, 9 * 86_400 + 60
    table = events(
        at(early, "impression", "a"), at(early, "click", "a"),
        at(late, "impression", "b"), at(late, "impression", "c"), at(late, "click", "b"),
        at(sold, "impression", "d"), at(sold, "click", "d"), at(sold, "purchase", "d"),
    )  # fmt: skip
    assert outcomes(table, splits) == {
        (early, "a"): (1, 0),
        (late, "b"): (1, UNKNOWN),
        (late, "c"): (0, 0),
        (sold, "d"): (1, 1),
    }
    assert counts(table, splits) == Outcomes(shown=4, unnamed=0, unsettled=0, unknown=1, late_purchases=0)


def test_a_purchase_after_the_end_of_a_split_does_not_label_its_rows() -> None:
    splits = Splits(10 * DAY, 20 * DAY, 30 * DAY, "purchase")
    shown = 10 * 86_400 - 3600
    clicked = [at(shown, "impression", "a"), at(shown, "click", "a")]
    before = events(*clicked, at(shown + 3599, "purchase", "a"))
    planted = events(*clicked, at(shown + 3600, "purchase", "a"))
    assert outcomes(before, splits) == {(shown, "a"): (1, 1)}
    assert outcomes(planted, splits) == {(shown, "a"): (1, UNKNOWN)}
    assert counts(planted, splits).late_purchases == 1


def test_what_is_shown_too_late_to_be_clicked_is_left_out_clicked_or_not() -> None:
    splits = Splits(10 * DAY, 20 * DAY, 30 * DAY, "purchase")
    end = 10 * 86_400
    table = events(
        at(end - 1800, "impression", "a"),
        at(end - 1801, "impression", "b"),
        at(end - 1700, "click", "a"),
        at(end + 5, "click", "a"),
    )
    assert outcomes(table, splits) == {(end - 1801, "b"): (0, 0)}
    assert counts(table, splits).unsettled == 1


@pytest.mark.parametrize("first", [0, 1])
def test_positions_count_from_one_wherever_the_shop_starts(first: int) -> None:
    shown = [
        (0, "impression", item, "u", "s", "red", place)
        for item, place in zip("abc", (first, first + 1, None), strict=True)
    ]
    found, _ = make_impressions(attribute(events(*shown), OPTIONS), FAR, OPTIONS)
    assert found.select("item_id", "position").rows() == [("a", 1), ("b", 2), ("c", 0)]


def test_a_click_without_a_query_takes_that_of_the_result_it_answers() -> None:
    table = events(
        at(0, "impression", "a", query="red"),
        at(1, "click", "a", query=None),
        at(2, "impression", "b", query="red"),
        at(3, "impression", "b", query=None),
        at(4, "click", "b", query=None),
        at(5, "click", "c", query="blue"),
        at(6, "purchase", "a", query=None),
    )
    taken = attribute(table, OPTIONS).taken
    assert taken.select("event", "item_id", "query").rows() == [
        ("click", "a", "red"),
        ("click", "b", None),
        ("click", "c", "blue"),
        ("purchase", "a", None),
    ]
    bought = make_interactions(taken, FAR).filter(pl.col("item_id") == "a")
    assert bought.select("event", "query").rows() == [("purchase", "red")]


def test_a_shop_without_impressions_keeps_its_events() -> None:
    table = events(at(1, "click", "a"), at(2, "purchase", "a"))
    found = attribute(table, OPTIONS)
    assert found.taken.drop("sponsored").equals(table)
    assert found.joins() == Joins(clicks=0, answering=0, purchases=0, led=0, delays={})


def test_a_result_logged_twice_for_a_page_is_one() -> None:
    shown = at(0, "impression", "a")
    assert outcomes(events(shown, shown, at(1, "click", "a"))) == {(0, "a"): (1, 0)}
    assert counts(events(shown, shown)).shown == 1


def test_simulated_clicks_are_joined_to_the_results_they_were_made_on() -> None:
    """A simulated click carries the position of its result; the join does not look at it."""
    shop = simulate(SimulatorOptions(users=300, items=200, days=40, seed=6, events=40_000))
    table = shop.events.with_columns(pl.col("timestamp").dt.epoch("us"))
    found = attribute(table, OPTIONS)
    place = ["session_id", "item_id", "query", "position"]
    answered = found.touches.join(found.shown, left_on="shown", right_on="row").select(place)
    clicks = table.filter((pl.col("event") == "click") & pl.col("position").is_not_null()).select(place)
    assert clicks.height > 2500
    assert clicks.join(answered, on=place, how="anti", nulls_equal=True).height <= 0.001 * clicks.height
    # What is bought again comes of no result, unless it happens to have been shown minutes before.
    assert clicks.height <= answered.height <= 1.002 * clicks.height
    bought = table.filter(pl.col("event") == "purchase")
    shown = found.conversions["shown"].is_not_null()
    assert (shown == bought["position"].is_not_null()).mean() > 0.998  # type: ignore[operator]
    assert 0 < shown.sum() < 0.95 * len(shown)


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 40).map(lambda hours: hours * 3600 * SECOND),
        st.sampled_from(["impression", "impression", "click", "cart", "purchase"]),
        st.sampled_from("ab"),
        st.sampled_from(["u", "v", None]),
        st.sampled_from(["s", "t", None]),
        st.sampled_from(["red", "blue", None]),
        st.integers(1, 3),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(EVENTS, st.integers(1, 39))
def test_the_labels_of_a_split_are_the_same_whatever_follows_it(rows: list[Row], cut: int) -> None:
    options = OPTIONS.model_copy(update={"click_window_minutes": 150, "conversion_window_days": 0.5})
    end = cut * 3600 * SECOND
    splits = Splits(end, 60 * DAY, 90 * DAY, "purchase")
    whole, _ = make_impressions(attribute(events(*rows), options), splits, options)
    past = events(*(row for row in rows if int(str(row[0])) < end))
    known, _ = make_impressions(attribute(past, options), splits, options)
    assert whole.filter(pl.col("split") == "train").equals(known)
    assert ((whole["purchase"] <= 0) | (whole["click"] == 1)).all()
