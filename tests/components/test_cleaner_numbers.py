"""Outliers and amounts of money, on frames small enough to judge by eye."""

from __future__ import annotations

import math
import pathlib
import runpy
import types

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.parts import Whole
from aisle.components.cleaner.steps.money import number_of, settle_money
from aisle.components.cleaner.steps.outliers import outlier_stages, sold_prices, treat_catalogue_prices
from aisle.components.plans.plan import carry_out
from aisle.components.plans.spool import ROW

LEDGER = types.SimpleNamespace(**runpy.run_path(str(pathlib.Path(__file__).with_name("cleaner_ledger.py"))))
ledger_of, steps_of = LEDGER.ledger_of, LEDGER.steps_of

# Outliers


def _sales(values: list[float], column: str, items: list[str]) -> Ledger:
    rows = {"event": ["purchase"] * len(values), "item_id": items, column: values}
    return ledger_of("events", rows, **{column: pl.Int64 if column == "quantity" else pl.Float64})


def _treat_outliers(ledger: Ledger, categories: pl.DataFrame, options: CleanerOptions) -> None:
    carry_out(outlier_stages(ledger.rows.columns, categories, options), Whole(ledger))


CATEGORIES = pl.DataFrame({"item_id": ["a", "b"], "category": ["Vases", "Vases"]})


def test_a_price_a_hundred_times_the_usual_is_clipped_to_the_limit() -> None:
    # Median 2, no deviation: the floor of 0.25 stands in, and 6 deviations are a factor of e^(6 * 1.4826 / 4).
    ledger = _sales([2.0] * 10 + [200.0, 0.02, 2.0 * 9], "price", ["a"] * 13)
    _treat_outliers(ledger, CATEGORIES, CleanerOptions())
    factor = math.exp(6 * 1.4826 * 0.25)
    assert ledger.rows["price"].to_list() == pytest.approx([2.0] * 10 + [2 * factor, 2 / factor, 18.0])
    assert steps_of(ledger) == [("price outlier: far from what is usual for the item: clipped", "changed", 2)]


@pytest.mark.parametrize(
    ("policy", "outcome", "left"), [("note", "noted", 11), ("quarantine", "quarantined", 10)]
)
def test_an_outlier_may_be_noted_or_quarantined_instead(policy: str, outcome: str, left: int) -> None:
    ledger = _sales([1] * 10 + [5000], "quantity", ["a"] * 11)
    _treat_outliers(ledger, CATEGORIES, CleanerOptions(quantity_outliers=policy))
    assert steps_of(ledger) == [("quantity outlier: far from what is usual for the item", outcome, 1)]
    assert len(ledger.rows) == left


def test_a_clipped_quantity_stays_whole_and_keeps_its_sign() -> None:
    ledger = _sales([1] * 10 + [-5000], "quantity", ["a"] * 11)
    _treat_outliers(ledger, CATEGORIES, CleanerOptions(quantity_outliers="clip"))
    assert ledger.rows["quantity"].to_list() == [1] * 10 + [-round(math.exp(6 * 1.4826 * 0.5))]


def test_an_item_that_is_always_sold_by_the_hundred_has_no_outlier_of_a_hundred() -> None:
    ledger = _sales([100] * 12 + [1] * 12 + [100], "quantity", ["a"] * 12 + ["b"] * 13)
    _treat_outliers(ledger, CATEGORIES, CleanerOptions(quantity_outliers="quarantine"))
    assert ledger.quarantine[0]["line"].to_list() == [26]


def test_an_item_seldom_sold_is_judged_by_its_category_and_then_by_the_shop() -> None:
    values, items = [3.0] * 12 + [300.0, 300.0], ["a"] * 12 + ["b", "elsewhere"]
    ledger = _sales(values, "price", items)
    _treat_outliers(ledger, CATEGORIES, CleanerOptions(price_outliers="note"))
    assert steps_of(ledger)[0][2] == 2
    few = _sales(values[4:], "price", items[4:])
    _treat_outliers(few, CATEGORIES, CleanerOptions(price_outliers="note", outlier_sales=20))
    assert steps_of(few) == []


def test_a_catalogue_price_far_from_its_sales_is_unknown() -> None:
    items = ledger_of("items", {"item_id": ["a", "b"], "price": [250.0, 4.0]})
    sales = _sales([2.5] * 10 + [4.0], "price", ["a"] * 10 + ["b"]).rows
    treat_catalogue_prices(items, sold_prices(sales, CleanerOptions()), CleanerOptions())
    assert items.rows["price"].to_list() == [None, 4.0]


def test_where_one_sale_contradicts_the_catalogue_the_category_says_which_is_wrong() -> None:
    rows = {
        "item_id": [f"v{n}" for n in range(12)],
        "category": ["Vases"] * 12,
        "price": [3.0] * 10 + [300.0, 4.0],
    }
    items = ledger_of("items", rows)
    sales = _sales([3.0, 400.0], "price", ["v10", "v11"]).rows
    treat_catalogue_prices(items, sold_prices(sales, CleanerOptions()), CleanerOptions())
    assert items.rows["price"].to_list() == [3.0] * 10 + [None, 4.0]
    dear = ledger_of("items", rows)
    once = sold_prices(_sales([300.0], "price", ["v10"]).rows, CleanerOptions())
    treat_catalogue_prices(dear, once, CleanerOptions())
    assert dear.steps == []


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([0.01, 1, 1.5, 2, 3, 40, 900])), min_size=1),
    st.sampled_from([1, 4]),
)
def test_outliers_are_those_numpy_finds(rows: list[tuple[str, float]], enough: int) -> None:
    items, values = [row[0] for row in rows], [row[1] for row in rows]
    ledger = _sales(values, "price", items)
    _treat_outliers(
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


# Money


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
    ledger = ledger_of("items", {"rrp": ["\u00a32.50", "3", "free", None]})
    settle_money(ledger, CleanerOptions(numbers=("items.rrp",)))
    assert ledger.rows["rrp"].to_list() == [2.5, 3.0, None, None]
    assert steps_of(ledger) == [
        ("rrp: not a number, unknown", "noted", 1),
        ("rrp: read as a number", "noted", 1),
    ]


def test_prices_are_converted_where_rates_are_given() -> None:
    rows = {"price": [10.0, 10.0, 10.0, 10.0], "currency": ["EUR", " gbp", "XXX", None]}
    ledger = ledger_of("items", rows)
    settle_money(ledger, CleanerOptions())
    assert ledger.steps == []
    settle_money(ledger, CleanerOptions(rates={"EUR": 0.5, "GBP": 1.0}))
    assert ledger.rows["price"].to_list() == [5.0, 10.0, None, 10.0]
    assert [step[2] for step in steps_of(ledger)] == [1, 1]
