"""Simulated users ask a gateway as a site would: what they did is in its files, by the arm that it gave them."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow.parquet as pq
import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from aisle.cli.experiment.shop import read_events
from aisle.datasets.simulator import Planted, SimulatorOptions, simulate
from aisle.datasets.simulator.walking.asked import Shop
from aisle.datasets.simulator.walking.shoppers import Shoppers
from aisle.datasets.simulator.walking.site import Site
from aisle.datasets.simulator.walking.walk import Walked, walk
from aisle.experiments.analysis.analyze import analyze
from aisle.experiments.analysis.measures import CTR, Declared, Measure
from aisle.experiments.assignment.experiment import Arm, Experiment
from aisle.experiments.assignment.running import Running
from aisle.gateway.arms.assigning import Experiments
from aisle.gateway.recents.memory import MemoryStore
from aisle.schema.errors import InputError
from aisle.serving import AsyncClient, Retry
from aisle.serving.testing import AsyncFakeTransport

KEY = "0123456789abcdef"
OPTIONS = SimulatorOptions(users=300, items=50, days=6, seed=4)
ITEMS = simulate(OPTIONS).items["item_id"].to_list()
PAGE = ITEMS[:9]
"""What is shown on every page; eight of them are asked for."""
HALVES = Experiment("rerank", (Arm("as-is", 0.5), Arm("new", 0.5)))
CLICKS = Declared("clicks a user", Measure("click"), adjusted=False)


@pytest.fixture(scope="module")
def shoppers() -> Shoppers:
    return Shoppers(OPTIONS, visits=500)


@dataclasses.dataclass
class Gone:
    """What became of a walk, and the rows that the gateway wrote."""

    walked: Walked
    log: pathlib.Path

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for path in (self.log / "events").iterdir() for row in pq.read_table(path).to_pylist()]


@pytest.fixture
def go(site: Callable, shoppers: Shoppers) -> Callable[..., Gone]:
    """Walks some visits through a gateway, whose model answers every question with one list."""

    def walked(
        experiment: Experiment | None = None,
        effect: float | None = None,
        visits: int = 40,
        page: list[str] = PAGE,
        key: str = KEY,
        failures: Iterable[str | None] = (),
    ) -> Gone:
        items = [(item, 9.0 - place) for place, item in enumerate(page)]
        model = AsyncFakeTransport({name: items for name in ("search", "recommend")}, failures=failures)

        def open_client(label: str | None) -> AsyncClient:
            return AsyncClient("shop:8500", transport=model, retry=Retry(attempts=1), label=label)

        async def opened() -> Gone:
            arms = Experiments(Running((experiment,)), open_client) if experiment else None
            planted = Planted(experiment, effect) if experiment and effect is not None else None
            async with site(MemoryStore(1_000), model=model, key=KEY, experiments=arms) as one:
                shop = Shop("http://gateway", 10_000.0, one.transport)
                way = Site(shop, shoppers, key, planted)
                found = await walk(shoppers.visits()[:visits], way, shop, shoppers)
            return Gone(found, one.log)

        return asyncio.run(opened())

    return walked


def test_what_they_see_and_do_is_in_the_gateways_files(go: Callable, shoppers: Shoppers) -> None:
    gone = go()
    seen = gone.walked.seen
    assert (gone.walked.visits, gone.walked.failed) == (40, 0)
    assert {page.items for page in seen} == {tuple(PAGE[:8])}  # A page of the simulated shop has eight.
    assert all(list(page.taken) == shoppers.take(page.look.page, page.items) for page in seen)
    taken = [(page, one) for page in seen for one in page.taken]
    rows = gone.rows
    kinds = collections.Counter(row["event"] for row in rows)
    bought = [(page, one) for page, one in taken if one.bought]
    assert kinds["impression"] == 8 * len(seen)
    assert kinds["click"] == len(taken) > 10
    assert kinds["cart"] == sum(one.quantity > 0 for _, one in taken)
    assert kinds["purchase"] == len(bought) > 2
    told = {
        (row["user_id"] or "", row["session_id"], row["item_id"], row["quantity"], row["price"])
        for row in rows
        if row["event"] == "purchase"
    }
    assert told == {
        (page.visit.user_id, page.visit.session_id, item, one.quantity, shoppers.prices[item])
        for page, one in bought
        for item in [page.items[one.place]]
    }
    answers = {row["request_id"]: row["query"] for row in rows if row["event"] == "impression"}
    assert all(answers[row["request_id"]] == row["query"] for row in rows)
    assert {row["query"] or "" for row in rows} == {page.look.query for page in seen}


def test_each_is_of_the_arm_that_the_gateway_gave_them(go: Callable) -> None:
    gone = go(HALVES, 0.0)
    for page in gone.walked.seen:
        assigned = HALVES.assign(page.visit.user_id)
        assert page.arm == (assigned.arm.name if assigned else "")
        assert page.visible == 1.0
    shown = {(row["user_id"], row["arm"]) for row in gone.rows if row["event"] == "impression"}
    assert shown == {(page.visit.user_id or None, page.arm or None) for page in gone.walked.seen}


@pytest.mark.parametrize(
    ("effect", "visible"),
    [(0.19, {"": 1 / 1.19, "as-is": 1 / 1.19, "new": 1.0}), (-0.6, {"": 1.0, "as-is": 1.0, "new": 0.4})],
)
def test_a_planted_effect_is_of_the_share_that_can_be_seen_of_answers(
    go: Callable, effect: float, visible: dict[str, float]
) -> None:
    for page in go(HALVES, effect).walked.seen:
        assert page.visible == pytest.approx(visible[page.arm])


def test_the_analysis_finds_in_the_gateways_files_what_was_planted(go: Callable) -> None:
    """So few users show the harm for sure."""
    gone = go(HALVES, -0.6, visits=500)
    events = read_events(str(gone.log), "user_id", None, ())
    found = analyze(HALVES, events, (CTR, CLICKS))
    assert (found.outcome, found.late) == ("worse", 0)
    for row in found.rows:
        assert row.relative is not None
        assert row.relative[0] <= -0.6 <= row.relative[1]
    users = {
        arm.name: len({page.visit.user_id for page in gone.walked.seen if page.arm == arm.name})
        for arm in HALVES.arms
    }
    assert found.sample_ratio.users == users


def test_what_the_shop_refuses_ends_the_walk_in_one_line(go: Callable) -> None:
    with pytest.raises(InputError, match="POST /v1/events is answered 401: the key is missing or wrong"):
        go(key="")
    with pytest.raises(
        InputError, match="http://gateway sells nothing that the simulated shop does: it showed 'hat'"
    ):
        go(page=["mug", "hat"])


def test_visits_that_are_not_answered_are_counted_and_many_in_a_row_end_the_walk(
    go: Callable, shoppers: Shoppers
) -> None:
    some = itertools.cycle(["UNAVAILABLE", None, None, None, None])
    found = go(failures=some).walked
    assert 5 < found.failed < 20
    assert found.visits == 40 - found.failed
    assert found.reason.endswith(" is answered 503: the model's server is away; ask again")
    with pytest.raises(
        InputError, match="20 visits in a row failed: .*the model's server is away; ask again"
    ):
        go(failures=itertools.repeat("UNAVAILABLE"))


def test_a_shop_that_is_not_there_is_said_in_one_line(shoppers: Shoppers) -> None:
    shop = Shop("http://127.0.0.1:1", 10_000.0)
    with pytest.raises(InputError, match="20 visits in a row failed: http://127.0.0.1:1 doesn't answer: "):
        asyncio.run(walk(shoppers.visits(), Site(shop, shoppers), shop, shoppers))
    few, shop = itertools.islice(shoppers.visits(), 3), Shop("http://127.0.0.1:1", 10_000.0)
    with pytest.raises(
        InputError, match="none of 3 visits was answered: http://127.0.0.1:1 doesn't answer: "
    ):
        asyncio.run(walk(few, Site(shop, shoppers), shop, shoppers))


def test_what_is_no_gateway_is_said_in_one_line(shoppers: Shoppers) -> None:
    import httpx
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse

    page = FastAPI()
    for path in ("/v1/search", "/v1/recommend"):
        page.add_api_route(path, lambda: HTMLResponse("<p>welcome"), methods=["POST"])
    shop = Shop("http://blog", 10_000.0, httpx.ASGITransport(page))
    with pytest.raises(InputError, match="http://blog/v1/.* is answered by no JSON; name a gateway"):
        asyncio.run(walk(shoppers.visits(), Site(shop, shoppers), shop, shoppers))


@pytest.mark.parametrize("address", ["localhost:8080", "ftp://shop", "http://", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(
        InputError, match="is no address of a shop; expected one such as http://127.0.0.1:8080"
    ):
        Shop(address, 1.0)
