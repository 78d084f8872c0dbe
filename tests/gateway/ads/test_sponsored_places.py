"""What is sold of an answer, how it is marked, and what it costs."""

from __future__ import annotations

import datetime
import json
import pathlib
from collections.abc import Callable
from typing import Any

import grpc.aio
import httpx
import pyarrow.parquet as pq
import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from aisle.ads.calibration import Calibration
from aisle.experiments.assignment.reading import read_running
from aisle.gateway.ads.ledger import Account
from aisle.gateway.app import create_app
from aisle.gateway.arms.assigning import Experiments
from aisle.gateway.pages.storefront import Shop, Storefront
from aisle.gateway.recents.redis_store import RedisStore
from aisle.gateway.rpc.methods import SERVICE
from aisle.gateway.rpc.server import RpcServer
from aisle.serving import AsyncClient
from tests.gateway.ads.conftest import HOUR, NOW, Clock, ask, campaign, shown, spent

Sells = Callable[..., Any]


def rows(log: pathlib.Path) -> list[dict[str, Any]]:
    return [row for path in sorted((log / "events").iterdir()) for row in pq.read_table(path).to_pylist()]


def test_a_place_is_sold_marked_noted_and_charged_once_by_its_click(sells: Sells) -> None:
    async def use(site: Any) -> Any:
        answer = await ask(site, k=3, session_id="s1")
        assert shown(answer) == ["i1", "i4 green", "i2"]
        assert answer["items"][1] == {
            "item_id": "i4", "score": pytest.approx(0.28), "sponsored": True, "campaign_id": "green",
        }  # fmt: skip
        assert answer["items"][0] == {"item_id": "i1", "score": pytest.approx(0.4)}
        # By the second price: red's 500 * 0.4 over 0.28, of which a show is expected to cost 0.28.
        assert await spent(site, "green") == Account(0, 201)
        of = {"request_id": answer["request_id"], "session_id": "s1"}
        for item in ("i4", "i4", "i1"):
            await site.http.post("/v1/events", json={"event": "click", "item_id": item, **of})
        assert await spent(site, "green") == Account(715, 0) and await spent(site, "red") == Account()
        return site.log

    log = sells(use, [campaign("green", "i4"), campaign("red", "i1", bid=500)], options={"places": (2,)})
    told = rows(log)
    names = ("item_id", "position", "sponsored", "campaign_id", "price", "ad_score")
    assert [tuple(row[name] for name in names) for row in told if row["event"] == "impression"] == [
        ("i1", 1, None, None, None, None),
        ("i4", 2, True, "green", None, pytest.approx(0.28)),
        ("i2", 3, None, None, None, None),
    ]
    clicks = [
        (row["item_id"], row["sponsored"], row["campaign_id"]) for row in told if row["event"] == "click"
    ]
    assert clicks == [("i4", True, "green"), ("i4", True, "green"), ("i1", None, None)]


def test_who_wants_a_list_without_ads_has_it_and_other_questions_have_none(sells: Sells) -> None:
    async def use(site: Any) -> None:
        assert shown(await ask(site, sponsored=False, k=2)) == ["i1", "i2"]
        assert shown(await ask(site, "similar", item_id="i1", k=2)) == ["i2", "i3"]
        assert shown(await ask(site, "rank", item_ids=["i4", "i1"])) == ["i4", "i1"]
        assert shown(await ask(site, "recommend", k=3)) == ["i1", "i4 c", "i2"]
        # Without a query a filtered search lists what sells: its scores are no chances of a click.
        assert shown(await ask(site, query="", category="Home", k=3)) == ["i1", "i2", "i3"]
        assert shown(await ask(site, category="Home", k=3)) == ["i1", "i4 c", "i2"]

    sells(use, [campaign("c", "i4")])


def test_places_are_those_that_a_list_has_and_as_many_as_are_bid_for(sells: Sells) -> None:
    async def use(site: Any) -> None:
        assert shown(await ask(site, "recommend", k=6)) == ["i1 a", "i2", "i4 b", "i3", "i5", "i6"]
        assert shown(await ask(site, "recommend", k=2)) == ["i1 a", "i2"]
        # One item is found, and it is sold: the list has no other place.
        assert shown(await ask(site, query="rack", k=5)) == ["i3 rack"]

    told = [campaign("a", "i1"), campaign("b", "i4", bid=10), campaign("rack", "i3", query="rack")]
    sells(use, told, options={"places": (1, 3, 5)})


def test_what_is_less_likely_than_the_floor_is_not_sold_at_any_bid(sells: Sells) -> None:
    async def use(site: Any) -> None:
        # What stands second has 0.36 and the third 0.32: a floor of 0.65 asks for 0.234 and 0.208, however long the list is.
        assert shown(await ask(site, "recommend", k=6)) == ["i1", "i5 near", "i2", "i3", "i4", "i6"]
        assert shown(await ask(site, "recommend", k=2)) == ["i1", "i5 near"]

    told = [campaign("near", "i5"), campaign("far", "i6", bid=10**9, budget=10**12)]
    sells(use, told, options={"places": (2, 3), "floor": 0.65})


def test_what_is_not_likely_enough_for_a_place_is_sold_one_below_against_who_fits_that(sells: Sells) -> None:
    async def use(site: Any) -> None:
        # The second has 0.36, the fourth 0.28: a floor of 0.8 asks for 0.288 and 0.224.
        answer = await ask(site, "recommend", k=4)
        assert shown(answer) == ["i1", "i3 near", "i2", "i5 far"]
        of = {"request_id": answer["request_id"], "event": "click"}
        await site.http.post("/v1/events", json=[{**of, "item_id": item} for item in ("i3", "i5")])
        # Nobody else fits the second place; the fourth costs 30 of green's by 0.28 over 0.24.
        assert [(await spent(site, name)).spent for name in ("near", "far", "green")] == [0, 35, 0]

    told = [campaign("near", "i3", bid=50), campaign("far", "i5"), campaign("green", "i4", bid=30)]
    sells(use, told, options={"places": (2, 4), "floor": 0.8})


def test_expired_empty_untargeted_and_sold_out_campaigns_are_not_shown(sells: Sells) -> None:
    async def use(site: Any) -> None:
        assert shown(await ask(site, k=10)) == ["i1", "i2", "i3", "i4", "i6"]
        await site.http.patch("/v1/items", json={"item_id": "i3", "stock": 0})
        assert shown(await ask(site, query="rack")) == ["i3"]
        await site.http.patch("/v1/items", json={"item_id": "i3", "stock": 1})
        assert shown(await ask(site, query="rack", k=5)) == ["i3 rack"]
        await site.http.patch("/v1/items", json={"item_id": "i3", "withdrawn": True})
        assert shown(await ask(site, query="rack")) == []

    told = [
        campaign("ended", "i1", ends_at=NOW), campaign("later", "i1", starts_at=NOW + HOUR), campaign("empty", "i1", budget=0),
        campaign("other", "i1", query="cup"), campaign("out", "i2"), campaign("unknown", "i99"),
        campaign("rack", "i3", query=" Rack "), campaign("lamp", "i5"), campaign("toys", category="Toys"),
    ]  # fmt: skip
    sells(use, told, options={"places": (1,)})


def test_nobody_bids_against_itself_and_no_item_is_sold_twice(sells: Sells) -> None:
    async def use(site: Any) -> None:
        answer = await ask(site, "recommend", k=6)
        # One place for `own`, by its best; `home` shows the next item of its category, since i1 is sold.
        assert shown(answer) == ["i1 own", "i3 home", "i2", "i4", "i5", "i6"]
        assert (await spent(site, "own 2")) == Account()

    told = [
        campaign("own", "i1", bid=3_000, advertiser_id="x"), campaign("own 2", "i4", bid=2_000, advertiser_id="x"),
        campaign("home", category="Home", bid=1_000),
    ]  # fmt: skip
    sells(use, told, options={"places": (1, 2, 3)})


def test_slots_are_filled_by_sponsored_items_alone(sells: Sells) -> None:
    async def use(site: Any) -> Any:
        found = await site.http.get("/v1/ads", params={"query": "mug", "slots": 5, "user_id": "ann"})
        assert shown(found.json()) == ["i4 b", "i1 a"] and found.json()["version"] == 1
        assert shown(await ask(site, "ads")) == ["i5 lamp"]
        refused = await site.http.get("/v1/ads", params={"slots": 21})
        assert refused.status_code == 422 and "slots" in refused.json()["error"]
        return site.log

    told = [
        campaign("a", "i1", bid=100, query="mug"),
        campaign("b", "i4", query="mug"),
        campaign("lamp", "i5"),
    ]
    noted = [row for row in rows(sells(use, told)) if row["source"] == "ads"]
    assert [(row["campaign_id"], row["query"], row["position"]) for row in noted] == [
        ("b", "mug", 1), ("a", "mug", 2), ("lamp", None, 1),
    ]  # fmt: skip


def test_a_cap_holds_for_a_visitor_in_all_lists_and_for_who_signs_in(sells: Sells) -> None:
    async def use(site: Any) -> None:
        told = {"session_id": "s1"}
        assert shown(await ask(site, "ads", **told)) == ["i4 c"]
        assert "i4 c" in shown(await ask(site, k=3, **told))
        assert shown(await ask(site, "ads", **told)) == [] == shown(await ask(site, "ads"))
        await site.http.post("/v1/users/merge", json={"session_id": "s1", "user_id": "ann"})
        assert shown(await ask(site, "ads", user_id="ann")) == []
        assert shown(await ask(site, "ads", **told)) == ["i4 c"]
        await site.http.delete("/v1/users/ann")
        assert shown(await ask(site, "ads", user_id="ann")) == ["i4 c"]

    sells(use, [campaign("c", "i4", frequency_cap=2)])


def test_campaigns_at_their_cap_leave_the_place_to_others_however_many_they_are(sells: Sells) -> None:
    async def use(site: Any) -> None:
        assert shown(await ask(site, "ads")) == ["i5 free"]
        asked = [await ask(site, "ads", user_id="ann", slots=2) for _ in range(4)]
        assert [shown(one) for one in asked] == [
            ["i1 0", "i3 1"], ["i4 2", "i5 free"], ["i5 free"], ["i5 free"],
        ]  # fmt: skip

    told = [
        campaign(str(number), item, bid=9_000 - number, frequency_cap=1)
        for number, item in enumerate(("i1", "i3", "i4"))
    ]
    sells(use, [*told, campaign("free", "i5", query="", bid=100)])


def test_a_purchase_is_paid_for_by_the_chance_of_a_click_and_of_it(
    sells: Sells, tmp_path: pathlib.Path
) -> None:
    async def use(site: Any) -> None:
        answer = await ask(site, "ads")
        assert shown(answer) == ["i4 p"]
        # 700 a million shows over 0.28 clicks and 0.5 purchases after one.
        assert await spent(site, "p") == Account(0, 1)
        of = {"item_id": "i4", "request_id": answer["request_id"]}
        await site.http.post("/v1/events", json={**of, "event": "click"})
        assert (await spent(site, "p")).spent == 0
        bought = [{**of, "event": "purchase", "price": 8.0, "event_id": str(number)} for number in range(2)]
        await site.http.post("/v1/events", json=bought)
        assert await spent(site, "p") == Account(5, 0)

    told = json.loads(Calibration.identity().to_json())
    for surface in told["purchase_rates"].values():
        surface["chances"] = [0.5, 0.5]
    (tmp_path / "calibration.json").write_text(json.dumps(told))
    made = {"calibration": tmp_path / "calibration.json", "options": {"reserve": 700_000}}
    sells(use, [campaign("p", "i4", bid_kind="purchase")], **made)


def test_a_click_after_the_window_is_free_and_one_that_is_told_late_is_not(sells: Sells) -> None:
    clock = Clock()

    async def use(site: Any) -> None:
        answers = [await ask(site, "ads") for _ in range(2)]
        clock.at += datetime.timedelta(minutes=31)
        for answer, at in zip(answers, ("12:30:01", "12:29:59"), strict=True):
            told = {"event": "click", "item_id": "i4", "request_id": answer["request_id"]}
            await site.http.post("/v1/events", json={**told, "timestamp": f"2026-01-01T{at}Z"})
        assert (await spent(site, "c")).spent == 36

    sells(use, [campaign("c", "i4")], now=clock, options={"reserve": 10_000_000})


def test_a_kill_between_a_click_and_its_charge_charges_it_at_the_next_start(
    sells: Sells, tmp_path: pathlib.Path
) -> None:
    told, options = [campaign("c", "i4")], {"reserve": 10_000_000}

    async def show(site: Any) -> str:
        return str((await ask(site, "ads"))["request_id"])

    async def look(site: Any) -> Account:
        return await spent(site, "c")

    click = {"event": "click", "item_id": "i4", "request_id": sells(show, told, options=options)}
    row = {"row": {**click, "event_id": "e1", "timestamp": NOW}}
    (tmp_path / "live" / ".spool" / "2026-01-01T11-killed.jsonl").write_text(json.dumps(row) + "\n")
    assert sells(look, told, options=options) == Account(36, 0)


def test_a_store_that_is_away_leaves_lists_whole_and_clicks_are_charged_when_it_is_back(
    sells: Sells, redis_server: Any
) -> None:
    async def use(site: Any) -> None:
        answer = await ask(site, k=3)
        assert shown(answer) == ["i1", "i4 c", "i2"]
        redis_server.process.send_signal(19)
        assert shown(await ask(site, k=3)) == ["i1", "i2", "i3"]
        told = {"event": "click", "item_id": "i4", "request_id": answer["request_id"]}
        assert (await site.http.post("/v1/events", json=told)).status_code == 200
        redis_server.process.send_signal(18)
        await site.gateway.ads.charging.deliver()
        assert (await spent(site, "c")).spent == 36

    store = RedisStore(redis_server.address, 1_000)
    sells(
        use, [campaign("c", "i4")], address=redis_server.address, store=store, options={"reserve": 10_000_000}
    )


def test_an_arm_may_be_without_ads_and_another_longer(sells: Sells) -> None:
    arms = [
        {"name": "whole", "share": 0.5, "settings": {"sponsored": False}},
        {"name": "sold", "share": 0.5, "settings": {"k": 3}},
    ]
    running = read_running({"experiment": [{"name": "ads", "arms": arms}]})

    async def use(site: Any) -> set[tuple[str, ...]]:
        return {
            (answer["assigned"]["arm"], *shown(answer))
            for answer in [await ask(site, "recommend", k=2, user_id=str(user)) for user in range(8)]
        }

    experiments = Experiments(running, lambda label: AsyncClient("shop:8500"))
    found = sells(use, [campaign("c", "i4")], experiments=experiments)
    assert found == {("whole", "i1", "i2"), ("sold", "i1", "i4 c", "i2")}


def test_slots_are_filled_over_grpc_as_over_http(sells: Sells) -> None:
    from aisle.gateway.rpc import gateway_pb2 as messages

    async def use(site: Any) -> None:
        server = RpcServer(site.gateway, "", 0.0, "127.0.0.1", 0)
        async with server.running(), grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            asks = channel.unary_unary(f"/{SERVICE}/Ads", response_deserializer=messages.Answer.FromString)
            answer = await asks(messages.SlotsRequest(slots=2).SerializeToString(), timeout=10)
            asks = channel.unary_unary(f"/{SERVICE}/Search", response_deserializer=messages.Answer.FromString)
            plain = messages.SearchRequest(query="mug", sponsored=False).SerializeToString()
            whole = await asks(plain, timeout=10)
        assert [(one.item_id, one.sponsored, one.campaign_id) for one in answer.items] == [("i4", True, "c")]
        assert not any(one.sponsored for one in whole.items)

    sells(use, [campaign("c", "i4")])


def test_pages_say_what_is_sponsored_and_the_next_page_goes_on_where_the_first_ended(sells: Sells) -> None:
    async def use(site: Any) -> None:
        client = AsyncClient("shop:8500", transport=site.model)
        front = Storefront(site.gateway, client, site.recents, "", Shop())
        app = create_app(site.gateway, "", 0.0, storefront=front)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as browser:
            page = (await browser.get("/search", params={"q": "mug"})).text
            typed = (await browser.get("/search/results", params={"q": "mug"})).text
        assert page.count(">Sponsored<") == 1 and page.count('class="card"') == 5
        assert ">Sponsored<" not in typed and typed.count('class="card"') == 5
        assert page.index("/item/i1?") < page.index(">Sponsored<") < page.index("/item/i2?")
        changes = await site.gateway.ads.charging.ledger.changes(0)
        assert list(changes.accounts) == ["c"]

    sells(use, [campaign("c", "i4")])
