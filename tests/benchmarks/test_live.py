"""What the live benchmarks make of a shop's days, and how they ask at a rate."""

from __future__ import annotations

import importlib
import math
import pathlib
import threading
import time
import types

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DAY = 86_400_000_000


@pytest.fixture(scope="module")
def replayed() -> types.ModuleType:
    return importlib.import_module("benchmarks.live.replayed")


def _purchases(*rows: tuple[str, str, str, int]) -> pl.DataFrame:
    names = ("user_id", "session_id", "item_id", "timestamp")
    return pl.DataFrame(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def test_a_day_is_asked_of_each_basket_and_of_each_further_line_in_the_shops_own_order(
    replayed: types.ModuleType,
) -> None:
    purchases = _purchases(
        ("ann", "1", "mug", 5 * DAY + 7),
        ("ann", "1", "cup", 5 * DAY + 7),
        ("ann", "1", "mug", 5 * DAY + 7),
        ("ann", "2", "pot", 5 * DAY + 9),
        ("ann", "3", "tea", 6 * DAY),
        ("", "4", "mug", 5 * DAY + 8),
        ("bob", "5", "mug", 4 * DAY),
    )
    lines = {("1", "cup"): 3, ("1", "mug"): 4}
    (first, moments), (second, later) = replayed.nights(purchases, lines, 5 * DAY, 1.0, 10)
    told = [(one.at - first, one.recents, one.basket, one.bought) for one in moments]
    cup, mug = ("cup", 5 * DAY + 7), ("mug", 5 * DAY + 7)
    assert told == [
        (7, (), frozenset(), ("cup", "mug")),
        (7, (cup,), frozenset({"cup"}), ("mug",)),
        # The mug stands twice in the invoice.
        (9, (cup, mug, mug), frozenset(), ("pot",)),
    ]
    assert [one.is_basket for one in moments] == [True, False, True]
    assert (first, second, [one.recents for one in later]) == (5 * DAY, 6 * DAY, [()])


def test_a_baskets_first_lines_alone_are_asked_of_and_the_newest_fifty_are_told(
    replayed: types.ModuleType,
) -> None:
    rows = [("ann", "1", f"i{number:03}", DAY + number) for number in range(80)]
    lines = {("1", item): place for place, (_, _, item, _) in enumerate(rows)}
    ((_, moments),) = replayed.nights(_purchases(*rows), lines, DAY, 1.0, 60)
    assert len(moments) == 61 and len(moments[0].bought) == 80
    assert [item for item, _ in moments[-1].recents] == [f"i{number:03}" for number in range(10, 60)]
    assert len(moments[-1].basket) == 60


def test_a_share_of_the_customers_is_the_same_each_time_and_lies_in_a_larger_one(
    replayed: types.ModuleType,
) -> None:
    purchases = _purchases(*((f"c{number}", "1", "mug", DAY) for number in range(2_000)))

    def drawn(share: float) -> set[str]:
        return {one.customer for _, some in replayed.nights(purchases, {}, DAY, share, 1) for one in some}

    assert drawn(0.3) == drawn(0.3) and drawn(0.1) < drawn(0.3) < drawn(1.0)
    # 600 expected, within four standard deviations.
    assert abs(len(drawn(0.3)) - 600) < 4 * math.sqrt(2_000 * 0.3 * 0.7)


def test_a_basket_is_worth_its_ndcg_and_a_line_whether_it_is_there(replayed: types.ModuleType) -> None:
    replay = importlib.import_module("benchmarks.live.replay")
    basket = replayed.Moment("ann", 0, (), frozenset(), ("mug", "cup", "pot"))
    gained, ideal = 1 + 1 / math.log2(4), 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert replay._value(basket, ["mug", "tea", "pot"]) == pytest.approx(gained / ideal)
    line = replayed.Moment("ann", 0, (("cup", 0),), frozenset({"cup"}), ("mug",))
    assert [replay._value(line, items) for items in (["tea", "mug"], ["tea"], ["x"] * 20 + ["mug"])] == [
        1,
        0,
        0,
    ]


def test_the_simple_reader_gives_own_items_and_what_goes_with_the_recents(replayed: types.ModuleType) -> None:
    systems = importlib.import_module("benchmarks.live.systems")
    bought = [
        ("ann", "pot"),
        ("bob", "mug"),
        ("cat", "mug"),
        ("cat", "cup"),
        ("cat", "tea"),
        ("dan", "tea"),
        ("eve", "tea"),
        ("", "lamp"),
        ("", "lamp"),
    ]
    rows = [(user, "s", item, DAY + place) for place, (user, item) in enumerate(bought)]
    frame = _purchases(*rows, ("ann", "s", "lamp", 9 * DAY)).with_columns(pl.lit("purchase").alias("event"))
    labelled = types.SimpleNamespace(tables={"interactions": frame.to_arrow()})
    reader = systems.SimpleReader(labelled, ["cup", "lamp", "mug", "pot", "tea"])
    after = replayed.Moment("ann", 3 * DAY + 5, (("mug", 3 * DAY),), frozenset({"mug"}), ("cup",))
    before = replayed.Moment("ann", 3 * DAY, (), frozenset(), ("mug",))
    # Cosines with the mug: the cup's 1 / sqrt(1 · 2), the tea's 1 / sqrt(2 · 3); her own pot is two days old, 0.98.
    assert reader.answers(3 * DAY, [after, before], 4) == [
        ["mug", "pot", "cup", "tea"],
        ["pot", "tea", "mug", "cup"],
    ]


def test_numbers_come_at_a_rate_and_each_is_taken_once(replayed: types.ModuleType) -> None:
    visitors = importlib.import_module("benchmarks.live.visitors")
    taken: list[int] = []
    started = time.monotonic()
    visitors.in_turn(
        "http://127.0.0.1:1", 3, visitors.evenly(100, 0.2), lambda _, number: taken.append(number)
    ).result()
    assert sorted(taken) == list(range(20)) and time.monotonic() - started >= 0.19


def test_a_load_ends_with_its_first_error_whatever_the_others_do(replayed: types.ModuleType) -> None:
    visitors = importlib.import_module("benchmarks.live.visitors")
    others = threading.Event()

    def ask(site: object, number: int) -> None:
        if number == 1:
            site.post("events", {})  # type: ignore[attr-defined]
        others.set()

    load = visitors.in_turn("http://127.0.0.1:1", 2, range(5), ask)
    with pytest.raises(visitors.NotAnswered, match="events: ConnectionRefusedError"):
        load.result()
    assert others.is_set()


def test_what_was_only_shown_is_no_recorded_event(tmp_path: pathlib.Path) -> None:
    soak = importlib.import_module("benchmarks.live.soak")
    (tmp_path / "events").mkdir()
    rows = {"event_id": ["a", "b", "c"], "source": [None, "search", None]}
    pq.write_table(pa.table(rows), tmp_path / "events" / "one.parquet")
    assert soak.recorded(tmp_path) == ["a", "c"]
