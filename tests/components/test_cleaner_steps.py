"""The cleaner's steps one by one, on frames small enough to judge by eye."""

from __future__ import annotations

import pathlib
import runpy
import types
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.parts import Whole
from aisle.components.cleaner.shop.products import priced_by_hand
from aisle.components.cleaner.shop.selling import selling
from aisle.components.cleaner.steps.bots import bot_stages, bots
from aisle.components.cleaner.steps.categories import FURTHER, gather_categories, settle_categories
from aisle.components.cleaner.steps.keys import merge_near_duplicates, merge_twins
from aisle.components.cleaner.steps.references import spell_as_catalogued, take_out_strangers
from aisle.components.cleaner.steps.texts import strip_markup, unify_units
from aisle.components.plans.plan import carry_out
from aisle.components.plans.spool import ROW

LEDGER = types.SimpleNamespace(**runpy.run_path(str(pathlib.Path(__file__).with_name("cleaner_ledger.py"))))
NO_TWINS = pl.DataFrame(schema={"strange": pl.String, "item": pl.String})
SECOND, ledger_of, steps_of = LEDGER.SECOND, LEDGER.ledger_of, LEDGER.steps_of

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
    ledger = ledger_of("events", {name: [row[name] for row in rows] for name in rows[0]})
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


@settings(max_examples=60)
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


def _take_out_bots(ledger: Ledger, **options: Any) -> None:
    carry_out(bot_stages(ledger.rows.columns, CleanerOptions(**options)), Whole(ledger))


def _clockwork(events: pl.DataFrame, **options: Any) -> list[int]:
    """Which events go as those of a bot that is nobody."""
    ledger = ledger_of("events", events.to_dict(as_series=False))
    _take_out_bots(ledger, **options)
    gone = pl.concat(
        [frame for frame in ledger.taken if "without" in frame["reason"][0]] or [pl.DataFrame({ROW: []})]
    )
    return gone[ROW].to_list()


def test_all_events_of_a_bot_go_with_its_clicks() -> None:
    events = pl.concat([_clicks("bot", np.arange(60) * 0.5), _clicks("bot", np.arange(3), "impression")])
    ledger = ledger_of("events", events.to_dict(as_series=False))
    _take_out_bots(ledger)
    assert steps_of(ledger) == [("bot user", "quarantined", 63)]


def _alone(times: np.ndarray[Any, Any], name: str) -> pl.DataFrame:
    """Clicks of nobody, each in a session of its own."""
    sessions = pl.Series("session_id", [f"{name}{nth}" for nth in range(len(times))])
    return _clicks("nobody", times).with_columns(sessions, user_id=pl.lit(None, pl.String))


@pytest.mark.parametrize("tick", [0.1, 1.0])
def test_a_bot_that_starts_a_session_for_each_click_is_known_by_its_pace(tick: float) -> None:
    rng = np.random.default_rng(0)
    bot = _alone(np.floor((1e6 + np.arange(20_000) * 7.3) / tick) * tick, "bot")
    people = _alone(np.floor((9e5 + np.cumsum(rng.exponential(200, 1_500))) / tick) * tick, "person")
    visitors = _clicks("visitor", 1e6 + np.arange(700) * 7.3).with_columns(session_id=pl.lit("visit"))
    events = pl.concat([people, bot, visitors], how="diagonal")
    found = events[_clockwork(events)]["session_id"].str.extract(r"^(\D*)")
    counts = dict(found.value_counts().iter_rows())
    assert counts.pop("bot") >= 19_990
    assert sum(counts.values()) < 200
    assert not _clockwork(events, bot_regularity=0)
    ledger = ledger_of("events", bot.head(1_000).to_dict(as_series=False))
    _take_out_bots(ledger)
    ((reason, outcome, rows),) = steps_of(ledger)
    assert (reason, outcome) == ("bot without a user or session", "quarantined") and rows >= 998


@pytest.mark.parametrize("pace", [0.5, 3.0, 7.3, 60.0])
def test_clicks_of_people_who_come_once_are_no_clockwork(pace: float) -> None:
    people = _alone(np.floor(np.cumsum(np.random.default_rng(1).exponential(pace, 50_000))), "person")
    assert not _clockwork(people)


# Products


def test_an_id_that_costs_something_else_each_time_and_is_never_clicked_is_no_product() -> None:
    def sold(item: str, prices: list[float], event: str = "purchase") -> pl.DataFrame:
        return pl.DataFrame({"event": event, "item_id": item, "price": prices})

    wild = [0.5 * 1.5**nth for nth in range(30)]
    usual = [sold(f"p{nth}", [2.0] * 25) for nth in range(60)]
    events = pl.concat([*usual, sold("fee", wild), sold("clicked", wild), sold("sale", [1.0, 20.0] * 15)])
    events = pl.concat([events, sold("clicked", [1.0], "click"), sold("few", wild[:19])])
    assert priced_by_hand(selling(events), CleanerOptions()).to_list() == ["fee"]
    assert priced_by_hand(selling(events), CleanerOptions(odd_sales=0)).to_list() == []
    only = selling(pl.concat([sold("a", wild), sold("b", wild)]))
    assert priced_by_hand(only, CleanerOptions()).is_empty()


# Texts


def test_markup_is_taken_out_of_texts_and_what_only_looks_like_it_stays() -> None:
    before = [
        "<b>RED</b> VASE",
        "<script>alert(1)</script>Vase",
        "Salt &amp; pepper",
        "I <3 cats, size <M>",
        "<br>",
        None,
    ]
    ledger = ledger_of("items", {"title": before})
    strip_markup(ledger, ("title",))
    assert ledger.rows["title"].to_list() == [
        "RED VASE",
        "Vase",
        "Salt & pepper",
        "I <3 cats, size <M>",
        "<br>",
        None,
    ]
    assert steps_of(ledger) == [("title: markup", "changed", 3)]


def test_measures_are_written_one_way_where_units_are_given() -> None:
    ledger = ledger_of("items", {"title": ["Jam 500gr", "Jam 500 G", "Jam 500 g", "7 grand pianos", "2,5L"]})
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
    assert steps_of(ledger) == [("title: units", "changed", 3)]


# References


def test_an_id_in_another_case_is_the_one_item_that_has_it() -> None:
    ledger = ledger_of("events", {"item_id": ["A1", "a1", "B2", "b2", "c3", None]})
    spell_as_catalogued(ledger, pl.Series(["a1", "B2", "C3", "c3"]), NO_TWINS)
    assert ledger.rows["item_id"].to_list() == ["a1", "a1", "B2", "B2", "c3", None]
    ambiguous = ledger_of("events", {"item_id": ["ab"]})
    spell_as_catalogued(ambiguous, pl.Series(["Ab", "aB"]), NO_TWINS)
    assert ambiguous.rows["item_id"].to_list() == ["ab"]


def test_rows_on_a_quarantined_item_are_told_from_those_on_no_item() -> None:
    ledger = ledger_of("events", {"item_id": ["a", "lost", "never", None]})
    take_out_strangers(ledger, pl.Series(["a"]), pl.Series(["lost"]))
    assert steps_of(ledger) == [
        ("item was quarantined", "quarantined", 1),
        ("unknown item", "quarantined", 2),
    ]


# Categories


def _settled(categories: list[str | None], **options: Any) -> list[tuple[str | None, str | None]]:
    """The category of each row, and its further ones."""
    ledger = ledger_of("items", {"category": categories}, category=pl.String)
    settle_categories(ledger, CleanerOptions(**options))
    rows = (
        ledger.rows
        if FURTHER in ledger.rows.columns
        else ledger.rows.with_columns(pl.lit(None).alias(FURTHER))
    )
    return rows.select("category", FURTHER).rows()


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        (["Home > Mug | Sale", None], [("Home/Mug", "Sale"), (None, None)]),
        (["Sale | Home>Mug | Sale"], [("Home/Mug", "Sale")]),
        (["Home » Mug", "Garden"], [("Home/Mug", None), ("Garden", None)]),
        (["Home -> Mug", "Garden"], [("Home/Mug", None), ("Garden", None)]),
        (
            ['["Home", "Mug"]', "['Home', 'Cup']", "[x]"],
            [("Home/Mug", None), ("Home/Cup", None), ("[x]", None)],
        ),
        (["Home/Mug", "Home / Cup"], [("Home/Mug", None), ("Home / Cup", None)]),
        (["Home/Mug;Sale", "Home/Cup"], [("Home/Mug", "Sale"), ("Home/Cup", None)]),
        (
            ["A/C > Parts", "TV > Parts", "TV > LCD"],
            [("A-C/Parts", None), ("TV/Parts", None), ("TV/LCD", None)],
        ),
        (["Home > Mug", "Home/Cup"], [("Home/Mug", None), ("Home/Cup", None)]),
        (
            ["Home|Mug", "Home|Cup", "Home|Cup|Tea"],
            [("Home/Mug", None), ("Home/Cup", None), ("Home/Cup/Tea", None)],
        ),
        (["Drama|Crime", "Crime|Drama", "War"], [("Drama", "Crime"), ("Crime", "Drama"), ("War", None)]),
        (["Mug|Sale", "Cup|Sale"], [("Mug", "Sale"), ("Cup", "Sale")]),
        (["Toys, Games & Fun", "Books"], [("Toys, Games & Fun", None), ("Books", None)]),
        (
            ["Home > Mug, Sale", "Home > Mug", "Sale"],
            [("Home/Mug", "Sale"), ("Home/Mug", None), ("Sale", None)],
        ),
        (["服装 > 女装 | 特价"], [("服装/女装", "特价")]),
        ([">", "Home >", None], [(">", None), ("Home >", None), (None, None)]),
    ],
)
def test_levels_and_several_categories_are_told_by_their_signs(
    given: list[str | None], settled: list[tuple[str | None, str | None]]
) -> None:
    assert _settled(given) == settled


def test_the_signs_of_categories_are_options() -> None:
    assert _settled(["Home - Mug + Sale"], category_levels=" - ", category_lists="+") == [
        ("Home/Mug", "Sale")
    ]
    assert _settled(["Home > Mug | Sale"], category_levels="", category_lists="") == [
        ("Home > Mug | Sale", None)
    ]


def test_what_is_found_in_categories_is_said() -> None:
    ledger = ledger_of("items", {"category": ["Home > Mug | Sale", "Home > Cup", "Home"]})
    settle_categories(ledger, CleanerOptions())
    assert steps_of(ledger) == [
        ("category: the most specific of several between '|'", "changed", 1),
        ("category: levels between '>'", "changed", 2),
    ]


def test_an_item_listed_in_several_categories_is_in_all_of_them() -> None:
    rows = {"item_id": ["a", "a", "a", "b"], "category": ["Home/Mug", "Sale", None, "Sale"]}
    ledger = ledger_of("items", rows)
    gather_categories(ledger)
    assert ledger.rows[FURTHER].to_list() == ["Sale", "Home/Mug", "Home/Mug|Sale", None]
    assert steps_of(ledger) == [("category: several of one item", "changed", 3)]


# Ids


def test_ids_in_another_case_are_one_item_if_they_share_a_title() -> None:
    ids = ["85123A", "85123A", "85123a", "Ｂ1", "b1", "c", "C"]
    titles = ["HEART", "?", "heart", "MUG", "MUG", "TEA", "COFFEE"]
    ledger = ledger_of("items", {"item_id": ids, "title": titles})
    twins = merge_twins(ledger)
    assert ledger.rows["item_id"].to_list() == ["85123A", "85123A", "85123A", "Ｂ1", "Ｂ1", "c", "C"]
    assert sorted(twins.rows()) == [("85123a", "85123A"), ("b1", "Ｂ1")]
    events = ledger_of("events", {"item_id": ["85123a", "b1", "C", "c", "x"]})
    spell_as_catalogued(events, ledger.rows["item_id"].unique(), twins)
    assert events.rows["item_id"].to_list() == ["85123A", "Ｂ1", "C", "c", "x"]
