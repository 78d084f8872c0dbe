"""What is proposed: by the goal, the lead time, packs and minimums, for a season, and where orders cost something."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aisle.components.inventory.distributions import Forecast
from aisle.components.inventory.options import InventoryOptions
from aisle.components.inventory.policy import Orders, propose
from aisle.components.inventory.reasons import reasons
from aisle.components.inventory.rule import Rule
from aisle.components.inventory.stock import read_stock
from aisle.components.inventory.terms import Terms, read_terms
from aisle.schema.errors import InputError

LEVELS = np.linspace(0.01, 0.99, 99)
TODAY = datetime.date(2025, 3, 1)
IDS = np.array(["mug", "bowl"])
ITEMS = pa.table(
    {"item_id": ["mug", "bowl"], "price": [10.0, None], "category": ["home/cups", "home"], "stock": [4, -2]}
)


def normal(mean: float, sd: float, items: int = 1) -> Forecast:
    row = stats.norm.ppf(LEVELS, mean, sd)
    return Forecast(np.full(items, mean), LEVELS, np.tile(row, (items, 1)))


def terms_of(options: InventoryOptions | None = None, **supply: Any) -> Terms:
    rows = pa.table({"item_id": ["mug"], **{name: [value] for name, value in supply.items()}})
    return read_terms(np.array(["mug"]), ITEMS, rows, options or InventoryOptions(), TODAY)


def ordered(
    position: float, options: InventoryOptions | None = None, level: float = 0.95, **supply: Any
) -> Orders:
    options = options or InventoryOptions()
    return propose(normal(100, 20), terms_of(options, **supply), np.array([position]), options, Rule(level))


def test_an_order_brings_the_position_up_to_the_quantile() -> None:
    found = ordered(60.0)
    up_to = 100 + 1.6449 * 20
    assert found.up_to[0] == pytest.approx(up_to, abs=0.05)
    assert found.order[0] == np.ceil(up_to - 60)
    assert found.cover_days[0] == pytest.approx((60 + found.order[0]) / (100 / 14))
    assert found.chance_out[0] == pytest.approx(stats.norm.sf(60, 100, 20), abs=0.005)
    assert ordered(140.0).order[0] == 0


@pytest.mark.parametrize(
    ("supply", "order"),
    [
        ({"pack_size": 12.0}, 84.0),
        ({"pack_size": 500.0}, 500.0),
        ({"min_order": 90.0}, 90.0),
        ({"min_order": 90.0, "pack_size": 12.0}, 96.0),
        ({"pack_size": 0.5}, 73.0),
    ],
)
def test_orders_are_whole_packs_and_at_least_the_minimum(supply: dict[str, float], order: float) -> None:
    assert ordered(60.0, **supply).order[0] == order  # 72.9 are needed.


def test_a_longer_or_less_certain_lead_time_needs_more() -> None:
    sure = ordered(60.0).up_to[0]
    # 100 in 14 days, an arrival that varies by 4: a variance of (100 / 14 · 4)² beside 20².
    wider = np.hypot(20, 100 / 14 * 4)
    assert ordered(60.0, lead_time_sd=4.0).up_to[0] == pytest.approx(100 + 1.6449 * wider, rel=0.01)
    assert sure < ordered(60.0, lead_time_sd=4.0).up_to[0]


def test_the_goal_cost_weighs_a_unit_kept_against_a_unit_that_lacks() -> None:
    options = InventoryOptions(goal="cost", cost_share=0.8, holding_rate=0.5)
    kept, lacks = 8 * 0.5 / 365 * 7, 10 - 8
    found = ordered(0.0, options)
    assert found.level[0] == pytest.approx(lacks / (lacks + kept))
    # Where customers wait, a unit that lacks costs its price by the year.
    waiting = ordered(0.0, options.model_copy(update={"shortage": "backorder"}))
    owed = 10 * 7 / 365
    assert waiting.level[0] == pytest.approx(owed / (owed + kept))


def test_where_an_order_costs_something_it_is_ordered_seldom_and_for_long() -> None:
    options = InventoryOptions(order_cost=5.0)
    low = 100 + 1.6449 * 20
    assert ordered(low + 1, options).order[0] == 0
    lot = np.sqrt(2 * 5 * (100 / 14 * 365) / (5 * 0.25))
    assert ordered(low - 1, options).order[0] == np.ceil(lot + 1)
    assert ordered(low + 1, options).up_to[0] == pytest.approx(low + lot, abs=0.1)


def test_for_a_season_it_is_the_newsvendors_answer() -> None:
    options = InventoryOptions(seasons={"home": datetime.date(2025, 3, 30)}, salvage_share=0.4)
    found = ordered(0.0, options)
    ratio = 5 / (5 + 5 * 0.6)
    assert found.level[0] == pytest.approx(ratio)
    assert found.order[0] == np.ceil(stats.norm.ppf(ratio, 100, 20))
    assert terms_of(options).horizon_days.tolist() == [30.0]
    assert np.isnan(terms_of(InventoryOptions(seasons={"hom": datetime.date(2025, 3, 30)})).season_days[0])


def test_after_its_season_nothing_is_ordered() -> None:
    terms = terms_of(InventoryOptions(seasons={"mug": datetime.date(2025, 2, 1)}))
    none = Forecast(np.zeros(1), LEVELS, np.zeros((1, 99)))
    found = propose(none, terms, np.zeros(1), InventoryOptions(), Rule(0.99))
    assert (terms.horizon_days.tolist(), found.order.tolist()) == ([0.0], [0.0])


def test_what_supply_lacks_the_settings_say_and_it_is_counted() -> None:
    terms = read_terms(
        IDS,
        ITEMS,
        pa.table({"item_id": ["bowl"], "lead_time_days": [21.0], "unit_cost": [3.0]}),
        InventoryOptions(),
        TODAY,
    )
    assert terms.lead_days.tolist() == [7.0, 21.0]
    assert terms.price.tolist() == [10.0, 6.0]  # By its cost, of which it is half.
    assert terms.unit_cost.tolist() == [5.0, 3.0]
    assert terms.defaulted == {
        **dict.fromkeys(("lead_time_days", "unit_cost", "price"), 1),
        **dict.fromkeys(("lead_time_sd", "pack_size", "min_order", "holding_rate", "review_days"), 2),
    }


def test_the_latest_count_is_the_stock_and_what_is_owed_counts_where_customers_wait() -> None:
    table = pa.table(
        {
            "item_id": ["mug", "mug", "bowl"],
            "on_hand": [9.0, 3.0, -2.0],
            "on_order": [None, 4.0, 1.0],
            "as_of": [5, 8, 1],
        }
    )
    stock = read_stock(np.array(["mug", "bowl", "cup"]), ITEMS, table)
    assert stock.on_hand.tolist()[:2] == [3.0, -2.0]
    assert np.isnan(stock.on_hand[2])
    assert stock.position(lost=True).tolist()[:2] == [7.0, 1.0]
    assert stock.position(lost=False).tolist()[:2] == [7.0, -1.0]
    without = read_stock(IDS, ITEMS, None)
    assert (without.table, without.on_hand.tolist()) == ("items", [4.0, -2.0])


def test_a_shop_that_counts_nothing_is_told_so() -> None:
    with pytest.raises(InputError, match="no table stock, and items have no column stock; add stock.csv"):
        read_stock(IDS, ITEMS.drop(["stock"]), None)


@pytest.mark.parametrize(
    ("supply", "position", "said"),
    [
        (
            {}, 60.0,
            "100 expected in 14 days, 133 at most in 95 % of cases; 60 on hand: 73 needed, 73 ordered, for 19 days; "
            "without it 40 would lack, worth 397.55",
        ),
        (
            {"pack_size": 5000.0}, 60.0,
            "73 needed, 5,000 ordered in packs of 5,000, 690 days' demand more than needed, for 708 days",
        ),
        ({"min_order": 90.0}, 60.0, "73 needed, 90 ordered (minimum 90), for 21 days"),
        ({}, 140.0, "140 on hand: enough"),
    ],
)  # fmt: skip
def test_an_order_is_explained(supply: dict[str, float], position: float, said: str) -> None:
    found = ordered(position, **supply)
    line = reasons(found, terms_of(**supply), np.array([position]), np.zeros(1))[0]
    assert said in line


def test_where_the_past_took_more_than_any_quantile_the_stock_is_a_multiple_of_it() -> None:
    found = propose(normal(100, 20), terms_of(), np.zeros(1), InventoryOptions(), Rule(0.9, 1.5))
    assert found.up_to[0] == pytest.approx(1.5 * stats.norm.ppf(0.9, 100, 20), rel=0.001)
    said = "126 at most in 90 % of cases (and 1.50 times that, by what past weeks took)"
    assert said in reasons(found, terms_of(), np.zeros(1), np.zeros(1))[0]


@settings(max_examples=50, deadline=None)
@given(
    position=st.floats(-50, 300), pack=st.floats(0.5, 60), minimum=st.floats(0, 200), cost=st.floats(0, 30)
)
def test_an_order_covers_the_need_in_whole_packs_and_no_pack_more(
    position: float, pack: float, minimum: float, cost: float
) -> None:
    found = ordered(position, InventoryOptions(order_cost=cost), pack_size=pack, min_order=minimum)
    order, need = found.order[0], found.need[0]
    assert (order > 0) == (need > 0)
    if order:
        assert order >= max(need, minimum) - 1e-6
        assert order - pack < max(need, minimum) + 1e-6
        assert order / pack == pytest.approx(round(order / pack))
    assert found.lacks_with[0] <= found.lacks_without[0] + 1e-9


def test_nothing_expected_orders_nothing() -> None:
    none = Forecast(np.zeros(1), LEVELS, np.zeros((1, 99)))
    found = propose(none, terms_of(lead_time_sd=3.0), np.zeros(1), InventoryOptions(), Rule(0.99))
    assert found.order.tolist() == [0.0]
    assert np.isinf(found.cover_days[0])
