"""Bots are told by number and pace alone, by limits that the shop's own visitors set; people are left in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.experiments.analysis.analyze import analyze
from aisle.experiments.analysis.bots import DAILY, HOURLY, THINKING, bots
from aisle.experiments.analysis.events import Events
from tests.experiments.shop import HALVES, joined, shop

SECOND = 1 / 86_400
PEOPLE = shop(users=400, seed=5)


def _visitor(unit: str, days: np.ndarray, kind: str = "click") -> Events:
    empty = np.full(len(days), "")
    return Events(
        np.full(len(days), unit), np.full(len(days), kind), days, np.full(len(days), np.nan), *[empty] * 3
    )


def _bots(*visitors: Events) -> list[str]:
    events = joined(PEOPLE, *visitors)
    found: list[str] = bots(events, np.unique(events.unit)).units.tolist()
    return found


def test_a_hundred_thousand_events_of_one_visitor_are_a_bots() -> None:
    days = np.sort(np.random.default_rng(1).uniform(10, 38, 100_000))
    assert _bots(_visitor("crawler", days, "impression")) == ["crawler"]
    assert _bots(_visitor("crawler", days)) == ["crawler"]


@pytest.mark.parametrize(("seconds", "found"), [(0.3, ["quick"]), (0.9, ["quick"]), (1.2, []), (5.0, [])])
def test_who_clicks_without_time_to_think_is_one_however_few_the_clicks(
    seconds: float, found: list[str]
) -> None:
    assert _bots(_visitor("quick", 12 + np.arange(21) * seconds * SECOND)) == found
    assert _bots(_visitor("quick", 12 + np.arange(20) * 0.1 * SECOND)) == []


def test_lines_of_an_order_and_a_page_of_results_are_one_act_each() -> None:
    # A wholesaler's order of 5,000 lines, and 300 pages of 20 results through a day.
    pages = np.repeat(12 + np.arange(300) * 0.003, 20)
    order = _visitor("wholesaler", np.full(5_000, 13.0), "purchase")
    assert _bots(order, _visitor("reader", pages, "impression")) == []


def test_a_clock_of_minutes_or_days_makes_no_bots() -> None:
    rounded = PEOPLE.day // (60 * SECOND) * 60 * SECOND
    many = np.repeat(12 + np.arange(20) * 60 * SECOND, 15)  # Fifteen clicks of each minute.
    coarse = Events(**{**PEOPLE.told, "day": rounded})
    assert not len(bots(joined(coarse, _visitor("u", many)), np.array(["u", "user-1"])).units)
    daily = Events(**{**PEOPLE.told, "day": np.floor(PEOPLE.day)})
    events = joined(daily, _visitor("u", np.full(400, 12.0)))
    assert not len(bots(events, np.unique(events.unit)).units)


def test_where_all_do_much_the_limit_is_the_shops_own() -> None:
    """Machines that ask every second: none of them is more of a bot than the others."""
    busy = [_visitor(f"m{number}", 12 + np.arange(800) * 4 * SECOND, "impression") for number in range(30)]
    events = joined(*busy)
    found = bots(events, np.unique(events.unit))
    assert not len(found.units)
    assert found.rule.hour == 800 > HOURLY


def test_simulated_users_who_all_click_at_once_are_no_bots_to_each_other() -> None:
    random = np.random.default_rng(2)
    walkers = [
        _visitor(f"w{number}", 12 + np.cumsum(random.exponential(0.02, 40)) * SECOND) for number in range(300)
    ]
    crawler = _visitor("crawler", 12 + np.arange(40) * 0.0005 * SECOND)
    events = joined(*walkers, crawler)
    assert bots(events, np.unique(events.unit)).units.tolist() == ["crawler"]


@given(scale=st.floats(0.5, 20), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_a_limit_is_never_below_what_people_may_do(scale: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    counts = random.lognormal(1, scale / 10, 60).astype(int) + 1
    events = joined(
        *(_visitor(f"u{n}", np.sort(random.uniform(0, 9, count))) for n, count in enumerate(counts))
    )
    rule = bots(events, np.unique(events.unit)).rule
    assert rule.hour >= HOURLY and rule.day >= DAILY and rule.pace <= THINKING


def test_a_bot_is_counted_and_moves_nothing() -> None:
    unit = str(PEOPLE.unit[PEOPLE.arm == "new"][0])
    crawler = _visitor(unit, 14 + np.arange(4_000) * 2 * SECOND)
    found, clean = (
        analyze(HALVES, joined(PEOPLE, crawler)),
        analyze(HALVES, PEOPLE.where(PEOPLE.unit != unit)),
    )
    assert (found.left_out["bots"], found.bots.units.tolist()) == (1, [unit])
    assert [row.effect for row in found.rows] == [row.effect for row in clean.rows]
    kept = analyze(HALVES, joined(PEOPLE, crawler), keep_bots=True)
    assert (kept.noted["bots"], "bots" in kept.left_out) == (1, False)
    assert kept.rows[0].effect != clean.rows[0].effect
