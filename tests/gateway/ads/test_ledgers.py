"""What a ledger holds, charges and forgets: the same of the file and of Redis."""

from __future__ import annotations

import asyncio
import pathlib
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.gateway.ads.file_ledger import FileLedger
from aisle.gateway.ads.ledger import CAPPED, KEPT, MOST_MONEY, Account, Charge, Ledger, Sale, Show
from aisle.gateway.ads.redis_ledger import RedisLedger
from aisle.gateway.recents.store import StoreDown
from tests.gateway.conftest import RedisServer, open_redis

NOW = 1_772_366_400_000_000
MINUTE = 60_000_000
PATIENT = 10.0
"""Seconds: a busy machine isn't a store that is down."""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], RedisServer]]:
    """The module's server, started when it is asked for first."""
    started: list[RedisServer] = []

    def one() -> RedisServer:
        if not started:
            started.append(open_redis(tmp_path_factory.mktemp("redis")))
        return started[0]

    yield one
    for server in started:
        server.kill()


@pytest.fixture(params=["file", "redis"])
def opens(
    request: pytest.FixtureRequest, tmp_path: pathlib.Path, redis: Callable[[], RedisServer]
) -> Callable[[], Ledger]:
    """Opens a ledger: each time the same one, as gateways do that share it."""
    if request.param == "file":
        return lambda: FileLedger(tmp_path / "ads.db")
    import redis as client

    server = redis()
    client.Redis.from_url(server.address).flushall()
    return lambda: RedisLedger(server.address, PATIENT)


@pytest.fixture
def runs(opens: Callable[[], Ledger]) -> Callable[[Callable[[Any], Coroutine]], Any]:
    """Runs a coroutine on a ledger that was met."""

    def run(use: Callable[[Any], Coroutine]) -> Any:
        async def opened() -> Any:
            ledger = opens()
            await meet(ledger)
            try:
                return await use(ledger)
            finally:
                await ledger.close()

        return asyncio.run(opened())

    return run


async def meet(ledger: Ledger) -> None:
    await ledger.changes(0)
    await ledger.restore({})


def sale(campaign: str = "c", **changed: Any) -> Sale:
    told = {
        "item_id": "mug",
        "price": 10,
        "hold": 4,
        "kind": "click",
        "until": NOW + 30 * MINUTE,
        "budget": 100,
    }
    return Sale(campaign, **{**told, **changed})


def click(request: str = "r", at: int = NOW, **changed: Any) -> Charge:
    return Charge(Show(request, "mug"), **{"kind": "click", "at": at, **changed})


async def account(ledger: Ledger, campaign: str = "c") -> Account:
    return (await ledger.changes(0)).accounts.get(campaign, Account())


def test_a_show_holds_what_it_is_expected_to_cost_and_a_click_is_charged_once(runs: Callable) -> None:
    async def use(ledger: Ledger) -> None:
        assert await ledger.sell("r", "u:ann", [sale()], NOW) == [True]
        assert await account(ledger) == Account(0, 4)
        assert await ledger.sold([Show("r", "mug"), Show("r", "cup"), Show("x", "mug")]) == ["c", "", ""]
        assert await ledger.charge([click(), click(at=NOW + 1)]) == [10, 0]
        assert await account(ledger) == Account(10, 0)
        assert await ledger.charge([click(), click("other"), click(kind="purchase")]) == [0, 0, 0]

    runs(use)


@pytest.mark.parametrize("item", ["charged:mug", "sold:mug", "a'b\"c", "杯/1", "[]", "{0}"])
def test_an_item_may_be_called_anything(runs: Callable, item: str) -> None:
    async def use(ledger: Ledger) -> None:
        told = [sale(), sale("d", item_id=item)]
        assert await ledger.sell("r:1", "s:a'b", told, NOW) == [True, True]
        assert await ledger.sold([Show("r:1", item), Show("r:1", "mug"), Show("r:1", "charged:cup")]) == [
            "d",
            "c",
            "",
        ]
        charges = [Charge(Show("r:1", one), "click", NOW) for one in ("mug", item, item, "charged:cup")]
        assert await ledger.charge(charges) == [10, 10, 0, 0]
        assert (await account(ledger, "d")) == Account(10, 0) == await account(ledger)

    runs(use)


def test_no_place_is_sold_for_more_than_is_left(runs: Callable) -> None:
    async def use(ledger: Ledger) -> None:
        many = [sale(item_id=str(number)) for number in range(30)]
        # The price of the next one is left as long as 4 * n + 10 <= 100.
        assert sum(await ledger.sell("r", "", many, NOW)) == 23
        assert await ledger.sell("r2", "", [sale(budget=0), sale("new", budget=9), sale("last", budget=10)], NOW) == [
            False, False, True,
        ]  # fmt: skip

    runs(use)


def test_the_last_click_of_a_budget_costs_what_is_left_and_those_after_it_nothing(runs: Callable) -> None:
    async def use(ledger: Ledger) -> None:
        for number in range(5):
            assert await ledger.sell(f"r{number}", "", [sale(hold=1, budget=25)], NOW) == [True]
        clicks = [click(f"r{number}") for number in range(5)]
        assert await ledger.charge(clicks) == [10, 10, 5, 0, 0]
        assert await account(ledger) == Account(25, 0)

    runs(use)


def test_a_budget_that_is_lowered_counts_and_one_that_is_raised_does_for_the_shows_after_it(
    runs: Callable,
) -> None:
    async def use(ledger: Ledger) -> None:
        await ledger.sell("r", "", [sale(), sale("d", item_id="cup")], NOW)
        assert await ledger.charge([click(budget=3)]) == [3]
        cup = Charge(Show("r", "cup"), "click", NOW, 10**9)
        assert await ledger.charge([cup]) == [10]

    runs(use)


def test_a_show_gives_back_what_it_holds_when_its_window_ends_and_a_click_after_that_is_free(
    runs: Callable,
) -> None:
    async def use(ledger: Ledger) -> None:
        await ledger.sell(
            "r", "", [sale(), sale("p", item_id="cup", kind="purchase", until=NOW + 9 * MINUTE)], NOW
        )
        await ledger.sell("other", "", [sale("d")], NOW + 31 * MINUTE)
        assert await account(ledger) == Account(0, 0) == await account(ledger, "p")
        assert await ledger.charge([click(at=NOW + 30 * MINUTE + 1)]) == [0]
        # It happened in time, and was told late.
        assert await ledger.charge([click(at=NOW + 30 * MINUTE)]) == [10]
        assert await account(ledger) == Account(10, 0)

    runs(use)


def test_a_clock_that_is_set_back_holds_and_counts_for_longer(runs: Callable) -> None:
    async def use(ledger: Ledger) -> None:
        day = CAPPED
        await ledger.sell("r", "u:ann", [sale(cap=1)], NOW)
        before = NOW - 3 * day
        assert await ledger.shown("u:ann", before) == {"c": 1}
        assert await ledger.sell("r2", "u:ann", [sale(cap=1)], before) == [False]
        assert await account(ledger) == Account(0, 4)
        assert await ledger.charge([click(at=before), click(at=NOW)]) == [10, 0]

    runs(use)


def test_a_visitor_sees_a_campaign_as_often_as_its_cap_allows_in_a_day(runs: Callable) -> None:
    async def use(ledger: Ledger) -> None:
        async def sold(who: str, at: int, number: list[int] = [0]) -> bool:  # noqa: B006  it counts
            number[0] += 1
            return (await ledger.sell(str(number[0]), who, [sale(cap=2, budget=10**9)], at))[0]

        assert [await sold("u:ann", NOW) for _ in range(3)] == [True, True, False]
        assert await ledger.shown("u:ann", NOW) == {"c": 2}
        assert (await sold("u:bob", NOW), await sold("", NOW)) == (True, False)
        assert [await sold("u:ann", NOW + CAPPED) for _ in range(3)] == [True, True, False]

    runs(use)


def test_who_signs_in_has_seen_what_the_session_saw_and_who_is_forgotten_nothing(runs: Callable) -> None:
    async def use(ledger: Ledger) -> None:
        await ledger.sell("r1", "s:1", [sale(cap=2)], NOW)
        await ledger.sell("r2", "u:ann", [sale(cap=2)], NOW)
        await ledger.merge("s:1", "u:ann")
        await ledger.merge("s:nobody", "u:ann")
        assert (await ledger.shown("u:ann", NOW), await ledger.shown("s:1", NOW)) == ({"c": 2}, {})
        await ledger.forget("u:ann")
        assert await ledger.shown("u:ann", NOW) == {}

    runs(use)


def test_two_gateways_see_each_others_accounts_and_share_what_is_left(opens: Callable[[], Ledger]) -> None:
    async def use() -> None:
        one, other = opens(), opens()
        for ledger in (one, other):
            await meet(ledger)
        told = [sale(hold=10, item_id=str(number)) for number in range(8)]
        stand = await asyncio.gather(one.sell("r1", "", told, NOW), other.sell("r2", "", told, NOW))
        assert sum(map(sum, stand)) == 10
        first = await one.changes(0)
        assert first.accounts == {"c": Account(0, 100)} == (await other.changes(0)).accounts
        assert (await other.changes(first.place)).accounts == {}
        for ledger in (one, other):
            await ledger.close()

    asyncio.run(use())


def test_a_show_that_costs_nothing_is_clicked_and_ends_as_others(runs: Callable) -> None:
    async def use(ledger: Ledger) -> None:
        free = {"price": 0, "hold": 0}
        assert await ledger.sell("r", "", [sale(**free), sale(item_id="cup", **free)], NOW) == [True, True]
        assert await ledger.charge([click()]) == [0]
        assert await ledger.sell("late", "", [sale("d")], NOW + 31 * MINUTE) == [True]
        assert await account(ledger) == Account()

    runs(use)


def test_a_gateway_whose_clock_is_off_knows_the_shows_of_others_by_the_stores_clock(redis: Callable) -> None:
    async def use() -> None:
        clock, off = time.time(), 50 * 3_600.0
        right = RedisLedger(redis().address, PATIENT)
        wrong = RedisLedger(redis().address, PATIENT, lambda: time.time() - off)
        for ledger in (right, wrong):
            await meet(ledger)
        now = int(clock * 1e6)
        back = now - int(off * 1e6)
        await wrong.sell("back", "s:off", [sale("x", until=back + MINUTE, cap=1)], back)
        assert await right.shown("s:off", now) == {"x": 1} == await wrong.shown("s:off", back)
        assert await right.charge([click("back", now + 2 * MINUTE), click("back", now + 30_000_000)]) == [
            0,
            10,
        ]
        await right.sell("right", "", [sale("x", until=now + MINUTE)], now)
        assert await wrong.charge([click("right", back + 2 * MINUTE), click("right", back)]) == [0, 10]
        for ledger in (right, wrong):
            await ledger.close()

    asyncio.run(use())


def test_a_pace_is_moved_by_whoever_knows_the_one_before(runs: Callable) -> None:
    async def use(ledger: Ledger) -> None:
        await ledger.set_paces({"c": ("", "one"), "d": ("", "x")})
        await ledger.set_paces({"c": ("", "late"), "d": ("x", "y")})
        accounts = (await ledger.changes(0)).accounts
        assert accounts == {"c": Account(pace="one"), "d": Account(pace="y")}

    runs(use)


def test_bids_of_all_gateways_add_up(opens: Callable[[], Ledger]) -> None:
    async def use() -> None:
        one, other = opens(), opens()
        for ledger in (one, other):
            await meet(ledger)
        assert await one.bids() == {}
        await one.bid({"c": 3, "a'b": 1})
        await other.bid({"c": 2})
        assert await one.bids() == {"c": 5, "a'b": 1}
        for ledger in (one, other):
            await ledger.close()

    asyncio.run(use())


def test_what_was_spent_only_grows_by_what_a_new_life_is_told(runs: Callable) -> None:
    async def use(ledger: Ledger) -> None:
        await ledger.restore({"c": 70, "d": 5})
        await ledger.restore({"c": 60, "d": 6})
        assert (await account(ledger), await account(ledger, "d")) == (Account(70), Account(6))
        assert await ledger.sell("r", "", [sale(price=31), sale(price=30, item_id="cup")], NOW) == [
            False,
            True,
        ]

    runs(use)


def test_money_is_exact_up_to_the_most_that_is_counted(runs: Callable) -> None:
    async def use(ledger: Ledger) -> None:
        await ledger.restore({"c": MOST_MONEY - 3})
        told = [
            sale(price=4, hold=1, budget=MOST_MONEY),
            sale(price=3, hold=3, budget=MOST_MONEY, item_id="cup"),
        ]
        assert await ledger.sell("r", "", told, NOW) == [False, True]
        assert await account(ledger) == Account(MOST_MONEY - 3, 3)

    runs(use)


def test_a_ledger_in_a_file_outlives_its_process(tmp_path: pathlib.Path) -> None:
    async def use() -> None:
        first = FileLedger(tmp_path / "ads.db")
        await first.sell("r", "u:ann", [sale(cap=1)], NOW)
        # It isn't closed, as after a kill.
        second = FileLedger(tmp_path / "ads.db")
        assert await second.charge([click(), click()]) == [10, 0]
        assert (await first.changes(0)).life == (await second.changes(0)).life
        assert await second.shown("u:ann", NOW) == {"c": 1}
        assert await second.sold([Show("r", "mug")]) == ["c"]
        await second.sell("late", "", [sale()], NOW + 31 * MINUTE + KEPT)
        assert await second.sold([Show("r", "mug")]) == ["c"]  # It gave back nothing: it was charged.

    asyncio.run(use())


def test_a_store_that_lost_its_memory_sells_nothing_before_it_is_told(redis_server: Any) -> None:
    async def use() -> None:
        ledger = RedisLedger(redis_server.address, PATIENT)
        await meet(ledger)
        await ledger.sell("r", "", [sale()], NOW)
        await ledger.charge([click()])
        redis_server.kill()
        with pytest.raises(StoreDown, match="the ledger of campaigns doesn't answer"):
            await ledger.sell("r2", "", [sale()], NOW)
        redis_server.start()
        assert await ledger.sell("r2", "", [sale()], NOW) == [False]
        assert (await ledger.changes(0)).accounts == {}
        assert await ledger.sell("r2", "", [sale()], NOW) == [False]
        await ledger.restore({"c": 10})
        assert await ledger.sell("r2", "", [sale(price=91), sale(price=90, item_id="cup")], NOW) == [
            False,
            True,
        ]
        await ledger.close()

    asyncio.run(use())


STEPS = st.lists(
    st.tuples(st.sampled_from(["sell", "click", "repeat", "late"]), st.integers(0, 5), st.integers(-10, 40)),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whatever_happens_in_whichever_order_no_budget_is_passed(steps: list[tuple[str, int, int]]) -> None:
    async def use() -> None:
        ledger = FileLedger(pathlib.Path(":memory:"))
        charged, budget = 0, 47
        for number, (step, which, minutes) in enumerate(steps):
            at = NOW + minutes * MINUTE
            if step == "sell":
                await ledger.sell(
                    str(which), "", [sale(item_id=str(number), budget=budget, until=at + 5 * MINUTE)], at
                )
            else:
                shows = [Charge(Show(str(which), str(item)), "click", at) for item in range(number)]
                charged += sum(await ledger.charge(shows * (2 if step == "repeat" else 1)))
            found = (await ledger.changes(0)).accounts.get("c", Account())
            assert found.spent == charged <= budget
            assert found.held >= 0

    asyncio.run(use())
