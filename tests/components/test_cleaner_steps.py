"""The cleaner's steps one by one, on frames small enough to judge by eye."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.cleaner.bots import bots, take_out_bots
from aisle.components.cleaner.keys import merge_near_duplicates
from aisle.components.cleaner.ledger import ROW, Ledger
from aisle.components.cleaner.missing import delete_missing, fill_missing, rules_of
from aisle.components.cleaner.money import number_of, settle_money
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.outliers import treat_catalogue_prices, treat_outliers
from aisle.components.cleaner.products import priced_like_no_product
from aisle.components.cleaner.references import spell_as_catalogued, take_out_strangers
from aisle.components.cleaner.texts import strip_markup, unify_units
from aisle.components.tables import QUARANTINE_SCHEMA
from aisle.schema.errors import InputError

SECOND = 1_000_000
DAY = 86_400 * SECOND


def _ledger(table: str, rows: dict[str, Any], **kinds: Any) -> Ledger:
    frame = pl.DataFrame(rows, schema_overrides=kinds)
    places = pl.DataFrame({"file": [f"{table}.csv"] * len(frame), "line": range(2, len(frame) + 2)})
    return Ledger.open(table, frame, places, pl.DataFrame(pl.from_arrow(QUARANTINE_SCHEMA.empty_table())))


def _steps(ledger: Ledger) -> list[tuple[str, str, int]]:
    return [(step["reason"], step["outcome"], step["rows"]) for step in ledger.steps]


# Near duplicates


def _sale(second: float, **other: Any) -> dict[str, Any]:
    sale = {
        "event": "purchase",
        "item_id": "a",
        "user_id": "u",
        "quantity": 1,
        "query": "vase",
        "position": 3,
    }
    return {"timestamp": int(second * SECOND), **sale, **other}


def _merged(rows: list[dict[str, Any]], **options: Any) -> list[int]:
    """The numbers of the rows that are left."""
    ledger = _ledger("events", {name: [row[name] for row in rows] for name in rows[0]})
    merge_near_duplicates(ledger, CleanerOptions(**options))
    return ledger.rows[ROW].to_list()


@pytest.mark.parametrize(
    ("later", "left"),
    [
        (_sale(5), [0]),
        (_sale(5.1), [0, 1]),
        (_sale(3, query=None, position=None), [0]),
        (_sale(3, query="bowl"), [0, 1]),
        (_sale(3, quantity=2), [0, 1]),
        (_sale(3, user_id="v"), [0, 1]),
        (_sale(-3, query=None), [1]),
    ],
)
def test_a_sale_logged_again_moments_later_is_one_though_cells_are_missing(
    later: dict[str, Any], left: list[int]
) -> None:
    assert _merged([_sale(0), later]) == left


def test_the_window_and_the_columns_of_near_duplicates_are_options() -> None:
    rows = [_sale(0), _sale(50, quantity=2)]
    assert _merged(rows, near_duplicate_seconds=60) == [0, 1]
    assert _merged(rows, near_duplicate_seconds=0) == [0, 1]
    same = ("event", "item_id", "user_id")
    assert _merged([_sale(0), _sale(50)], near_duplicate_seconds=60, near_duplicate_columns=same) == [0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from("ab"), st.sampled_from("uv")), min_size=1))
def test_near_duplicates_are_those_a_loop_finds(rows: list[tuple[int, str, str]]) -> None:
    left = _merged([_sale(second, item_id=item, user_id=user) for second, item, user in rows])
    last: dict[tuple[str, str], int] = {}
    expected = []
    for nth, (second, item, user) in sorted(enumerate(rows), key=lambda row: row[1][0]):
        if second - last.get((item, user), -100) > 5:
            expected.append(nth)
        last[item, user] = second
    assert left == sorted(expected)


# Outliers


def _sales(values: list[float], column: str, items: list[str]) -> Ledger:
    rows = {"event": ["purchase"] * len(values), "item_id": items, column: values}
    return _ledger("events", rows, **{column: pl.Int64 if column == "quantity" else pl.Float64})


CATEGORIES = pl.DataFrame({"item_id": ["a", "b"], "category": ["Vases", "Vases"]})


def test_a_price_a_hundred_times_the_usual_is_clipped_to_the_limit() -> None:
    # Median 2, no deviation: the floor of 0.25 stands in, and 6 deviations are a factor of e^(6 * 1.4826 / 4).
    ledger = _sales([2.0] * 10 + [200.0, 0.02, 2.0 * 9], "price", ["a"] * 13)
    treat_outliers(ledger, CATEGORIES, CleanerOptions())
    factor = math.exp(6 * 1.4826 * 0.25)
    assert ledger.rows["price"].to_list() == pytest.approx([2.0] * 10 + [2 * factor, 2 / factor, 18.0])
    assert _steps(ledger) == [("price outlier: far from what is usual for the item: clipped", "changed", 2)]


@pytest.mark.parametrize(
    ("policy", "outcome", "left"), [("note", "noted", 11), ("quarantine", "quarantined", 10)]
)
def test_an_outlier_may_be_noted_or_quarantined_instead(policy: str, outcome: str, left: int) -> None:
    ledger = _sales([1] * 10 + [5000], "quantity", ["a"] * 11)
    treat_outliers(ledger, CATEGORIES, CleanerOptions(quantity_outliers=policy))
    assert _steps(ledger) == [("quantity outlier: far from what is usual for the item", outcome, 1)]
    assert len(ledger.rows) == left


def test_a_clipped_quantity_stays_whole_and_keeps_its_sign() -> None:
    ledger = _sales([1] * 10 + [-5000], "quantity", ["a"] * 11)
    treat_outliers(ledger, CATEGORIES, CleanerOptions(quantity_outliers="clip"))
    assert ledger.rows["quantity"].to_list() == [1] * 10 + [-round(math.exp(6 * 1.4826 * 0.5))]


def test_an_item_that_is_always_sold_by_the_hundred_has_no_outlier_of_a_hundred() -> None:
    ledger = _sales([100] * 12 + [1] * 12 + [100], "quantity", ["a"] * 12 + ["b"] * 13)
    treat_outliers(ledger, CATEGORIES, CleanerOptions(quantity_outliers="quarantine"))
    assert ledger.quarantine[0]["line"].to_list() == [26]


def test_an_item_seldom_sold_is_judged_by_its_category_and_then_by_the_shop() -> None:
    values, items = [3.0] * 12 + [300.0, 300.0], ["a"] * 12 + ["b", "elsewhere"]
    ledger = _sales(values, "price", items)
    treat_outliers(ledger, CATEGORIES, CleanerOptions(price_outliers="note"))
    assert _steps(ledger)[0][2] == 2
    few = _sales(values[4:], "price", items[4:])
    treat_outliers(few, CATEGORIES, CleanerOptions(price_outliers="note", outlier_sales=20))
    assert _steps(few) == []


def test_a_catalogue_price_far_from_its_sales_is_unknown() -> None:
    items = _ledger("items", {"item_id": ["a", "b"], "price": [250.0, 4.0]})
    sales = _sales([2.5] * 10 + [4.0], "price", ["a"] * 10 + ["b"]).rows
    treat_catalogue_prices(items, sales, CleanerOptions())
    assert items.rows["price"].to_list() == [None, 4.0]


def test_where_one_sale_contradicts_the_catalogue_the_category_says_which_is_wrong() -> None:
    rows = {
        "item_id": [f"v{n}" for n in range(12)],
        "category": ["Vases"] * 12,
        "price": [3.0] * 10 + [300.0, 4.0],
    }
    items = _ledger("items", rows)
    sales = _sales([3.0, 400.0], "price", ["v10", "v11"]).rows
    treat_catalogue_prices(items, sales, CleanerOptions())
    assert items.rows["price"].to_list() == [3.0] * 10 + [None, 4.0]
    dear = _ledger("items", rows)
    treat_catalogue_prices(dear, _sales([300.0], "price", ["v10"]).rows, CleanerOptions())
    assert dear.steps == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([0.01, 1, 1.5, 2, 3, 40, 900])), min_size=1),
    st.sampled_from([1, 4]),
)
def test_outliers_are_those_numpy_finds(rows: list[tuple[str, float]], enough: int) -> None:
    items, values = [row[0] for row in rows], [row[1] for row in rows]
    ledger = _sales(values, "price", items)
    treat_outliers(
        ledger,
        pl.DataFrame({"item_id": ["a"]}),
        CleanerOptions(price_outliers="quarantine", outlier_sales=enough),
    )
    logs = np.log(values)
    expected = []
    for item, x in zip(items, logs, strict=True):
        own = logs[[other == item for other in items]]
        like = own if len(own) >= enough else logs
        reach = 6 * 1.4826 * max(np.median(np.abs(like - np.median(like))), 0.25)
        expected.append(len(like) >= enough and abs(x - np.median(like)) > reach)
    assert ledger.rows[ROW].to_list() == [nth for nth, wrong in enumerate(expected) if not wrong]


# Bots


def _clicks(key: str, times: np.ndarray[Any, Any], event: str = "click") -> pl.DataFrame:
    return pl.DataFrame({"timestamp": (times * SECOND).astype(np.int64), "event": event, "user_id": key})


def test_a_user_who_clicks_at_the_pace_of_a_clock_in_many_sessions_is_a_bot() -> None:
    rng = np.random.default_rng(0)
    hours = np.repeat(np.arange(8), 10) * 3600
    nth = np.tile(np.arange(10), 8)
    person = np.cumsum(rng.lognormal(3, 1, 80))
    events = pl.concat(
        [_clicks("crawler", hours + nth * 15 + rng.integers(0, 2, 80)), _clicks("person", person)]
        + [_clicks("buyer", hours + nth * 15), _clicks("buyer", np.array([9.0]), "purchase")]
        + [_clicks("few", nth[:10] * 15)]
    )
    assert bots(events, "user_id", CleanerOptions()).to_list() == ["crawler"]
    assert bots(events, "user_id", CleanerOptions(bot_regularity=0)).to_list() == []
    assert set(bots(events, "user_id", CleanerOptions(bot_clicks=10))) == {"crawler", "few"}


def test_all_events_of_a_bot_go_with_its_clicks() -> None:
    events = pl.concat([_clicks("bot", np.arange(60) * 0.5), _clicks("bot", np.arange(3), "impression")])
    ledger = _ledger("events", events.to_dict(as_series=False))
    take_out_bots(ledger, CleanerOptions())
    assert _steps(ledger) == [("bot user", "quarantined", 63)]


# Products


def test_an_id_that_costs_something_else_each_time_and_is_never_clicked_is_no_product() -> None:
    def sold(item: str, prices: list[float], event: str = "purchase") -> pl.DataFrame:
        return pl.DataFrame({"event": event, "item_id": item, "price": prices})

    wild = [0.5 * 1.5**nth for nth in range(30)]
    usual = [sold(f"p{nth}", [2.0] * 25) for nth in range(60)]
    events = pl.concat([*usual, sold("fee", wild), sold("clicked", wild), sold("sale", [1.0, 20.0] * 15)])
    events = pl.concat([events, sold("clicked", [1.0], "click"), sold("few", wild[:19])])
    assert priced_like_no_product(events, CleanerOptions()).to_list() == ["fee"]
    assert priced_like_no_product(events, CleanerOptions(odd_sales=0)).to_list() == []
    assert priced_like_no_product(pl.concat([sold("a", wild), sold("b", wild)]), CleanerOptions()).is_empty()


# Texts and money


def test_markup_is_taken_out_of_texts_and_what_only_looks_like_it_stays() -> None:
    before = [
        "<b>RED</b> VASE",
        "<script>alert(1)</script>Vase",
        "Salt &amp; pepper",
        "I <3 cats, size <M>",
        "<br>",
        None,
    ]
    ledger = _ledger("items", {"title": before})
    strip_markup(ledger, ("title",))
    assert ledger.rows["title"].to_list() == [
        "RED VASE",
        "Vase",
        "Salt & pepper",
        "I <3 cats, size <M>",
        "<br>",
        None,
    ]
    assert _steps(ledger) == [("title: markup", "changed", 3)]


def test_measures_are_written_one_way_where_units_are_given() -> None:
    ledger = _ledger("items", {"title": ["Jam 500gr", "Jam 500 G", "Jam 500 g", "7 grand pianos", "2,5L"]})
    unify_units(ledger, ("title",), {})
    assert ledger.steps == []
    unify_units(ledger, ("title",), {"g": "g", "gr": "g", "l": "litres"})
    assert ledger.rows["title"].to_list() == [
        "Jam 500 g",
        "Jam 500 g",
        "Jam 500 g",
        "7 grand pianos",
        "2,5 litres",
    ]
    assert _steps(ledger) == [("title: units", "changed", 3)]


# References


def test_an_id_in_another_case_is_the_one_item_that_has_it() -> None:
    ledger = _ledger("events", {"item_id": ["A1", "a1", "B2", "b2", "c3", None]})
    spell_as_catalogued(ledger, pl.Series(["a1", "B2", "C3", "c3"]))
    assert ledger.rows["item_id"].to_list() == ["a1", "a1", "B2", "B2", "c3", None]
    ambiguous = _ledger("events", {"item_id": ["ab"]})
    spell_as_catalogued(ambiguous, pl.Series(["Ab", "aB"]))
    assert ambiguous.rows["item_id"].to_list() == ["ab"]


def test_rows_on_a_quarantined_item_are_told_from_those_on_no_item() -> None:
    ledger = _ledger("events", {"item_id": ["a", "lost", "never", None]})
    take_out_strangers(ledger, pl.Series(["a"]), pl.Series(["lost"]))
    assert _steps(ledger) == [
        ("item was quarantined", "quarantined", 1),
        ("unknown item", "quarantined", 2),
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("\u00a31,234.50", 1234.5), ("12,50 EUR", 12.5), ("1.234", 1234.0), ("1.234,5", 1234.5), ("0.125", 0.125),
        ("$ 3", 3.0), ("-4.5", -4.5), ("1 234,00 \u20ac", 1234.0), ("Rs. 40", 40.0), ("5 kr", 5.0),
        ("N/A", None), ("1-2", None), ("", None), ("1.2.3", None),
    ],
)  # fmt: skip
def test_numbers_are_read_whatever_their_currency_and_marks(text: str, number: float | None) -> None:
    assert pl.select(number_of(pl.lit(text))).item() == number


def test_a_declared_column_of_text_becomes_numbers_and_says_how_many() -> None:
    ledger = _ledger("items", {"rrp": ["\u00a32.50", "3", "free", None]})
    settle_money(ledger, CleanerOptions(numbers=("items.rrp",)))
    assert ledger.rows["rrp"].to_list() == [2.5, 3.0, None, None]
    assert _steps(ledger) == [
        ("rrp: not a number, unknown", "noted", 1),
        ("rrp: read as a number", "noted", 1),
    ]


def test_prices_are_converted_where_rates_are_given() -> None:
    rows = {"price": [10.0, 10.0, 10.0, 10.0], "currency": ["EUR", " gbp", "XXX", None]}
    ledger = _ledger("items", rows)
    settle_money(ledger, CleanerOptions())
    assert ledger.steps == []
    settle_money(ledger, CleanerOptions(rates={"EUR": 0.5, "GBP": 1.0}))
    assert ledger.rows["price"].to_list() == [5.0, 10.0, None, 10.0]
    assert [step[2] for step in _steps(ledger)] == [1, 1]


# Missing cells


def _fill(rows: dict[str, Any], column: str, rule: str, table: str = "items") -> list[Any]:
    ledger = _ledger(table, rows)
    rules = rules_of(table, {f"{table}.{column}": rule, "other.column": "delete"})
    delete_missing(ledger, rules)
    fill_missing(ledger, rules)
    return ledger.rows[column].to_list()


@pytest.mark.parametrize(
    ("rule", "filled"),
    [
        ("delete", [1, 2, 9, 40]),
        ("constant:7", [1, 2, 7, 9, 40, 7]),
        ("median", [1, 2, 6, 9, 40, 6]),
        ("median:group", [1, 2, 2, 9, 40, 6]),
        ("group_median:group", [1, 2, 2, 9, 40, 6]),
        ("mode", [1, 2, 1, 9, 40, 1]),
    ],
)
def test_missing_numbers_are_filled_by_the_rule(rule: str, filled: list[int]) -> None:
    # The median of all is 5.5, of group x 1.5: rounded half to even, as its column holds whole numbers.
    group = ["x", "x", "x", "y", "y", "z"]
    assert _fill({"n": [1, 2, None, 9, 40, None], "group": group}, "n", rule) == filled


def test_missing_words_are_filled_by_a_constant_or_the_commonest() -> None:
    rows = {"brand": ["A", None, "B", "B"], "category": ["x", "x", "y", "y"]}
    assert _fill(rows, "brand", "constant:unknown") == ["A", "unknown", "B", "B"]
    assert _fill(rows, "brand", "mode") == ["A", "B", "B", "B"]
    assert _fill(rows, "brand", "mode:category") == ["A", "A", "B", "B"]


def test_a_price_is_interpolated_over_time_within_its_item() -> None:
    rows = {
        "timestamp": [30 * DAY, 0, 10 * DAY, 40 * DAY, 5 * DAY, 50 * DAY],
        "item_id": ["a", "a", "a", "b", "b", "c"],
        "price": [4.0, 1.0, None, 7.0, None, None],
    }
    assert _fill(rows, "price", "interpolate", "events") == [4.0, 1.0, 2.0, 7.0, 7.0, None]


@pytest.mark.parametrize(
    ("column", "rule", "says"),
    [
        ("n", "mean", "cleaner.missing has items.n='mean'; expected delete, constant:VALUE"),
        ("n", "constant", "expected delete"),
        ("n", "median:", "expected delete"),
        ("n", "constant:many", "is no number"),
        ("n", "median:brand", "cleaner.missing needs items.brand; the table has: n, word"),
        ("m", "median", "needs items.m"),
        ("word", "median", "holds text"),
        ("n", "interpolate", "needs items.timestamp"),
    ],
)
def test_a_rule_that_cant_be_followed_is_refused_in_a_line(column: str, rule: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        _fill({"n": [1, None], "word": ["a", "b"]}, column, rule)
    assert "\n" not in str(refused.value)


def test_options_refuse_what_is_no_policy_or_column() -> None:
    with pytest.raises(
        InputError, match="cleaner.price_outliers is 'drop'; expected note, clip or quarantine"
    ):
        CleanerOptions(price_outliers="drop")
    with pytest.raises(InputError, match="expected TABLE.COLUMN"):
        CleanerOptions(missing={"price": "median"})


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.none() | st.integers(-5, 5), st.sampled_from("ab")), min_size=1))
def test_filling_changes_no_known_cell(rows: list[tuple[int | None, str]]) -> None:
    before = [row[0] for row in rows]
    ledger = _ledger("items", {"n": before, "g": [row[1] for row in rows]}, n=pl.Int64)
    fill_missing(ledger, rules_of("items", {"items.n": "median:g"}))
    after = ledger.rows["n"].to_list()
    assert all(new == old for new, old in zip(after, before, strict=True) if old is not None)
    assert None not in after or set(before) == {None}
