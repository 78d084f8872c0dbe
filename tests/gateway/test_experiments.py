"""Who asks is assigned: to whom their question goes, what is noted, and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Coroutine
from typing import Any

import grpc
import grpc.aio
import pyarrow.parquet as pq
import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from aisle.cli.experiment.shop import read_events
from aisle.experiments.analysis.credits import credits
from aisle.experiments.assignment.reading import read_running
from aisle.experiments.interleaving import team_draft
from aisle.gateway.arms.assigning import Experiments
from aisle.gateway.questions import Answer, Assigned, Item
from aisle.gateway.recents.memory import MemoryStore
from aisle.gateway.rpc import gateway_pb2 as messages
from aisle.gateway.rpc.methods import SERVICE, written
from aisle.gateway.rpc.server import RpcServer
from aisle.schema.errors import InputError
from aisle.schema.hashing import place_of
from aisle.serving import AsyncClient, Retry
from aisle.serving.testing import AsyncFakeTransport

KEY = "0123456789abcdef"
BEARER = {"Authorization": f"Bearer {KEY}"}
STABLE = [("mug", 4.0), ("cup", 3.0), ("pot", 2.0), ("jug", 1.0)]
CANARY = [("mug", 9.0), ("pan", 8.0), ("pot", 7.0), ("wok", 6.0)]
LABELS = [{"name": "as-is", "share": 0.5}, {"name": "new", "share": 0.5, "label": "canary"}]
RERANK = {"name": "rerank", "arms": LABELS}
USERS = [f"user-{number}" for number in range(12)]


def _arm_by_hand(user: str, salt: str = "rerank") -> str:
    """The first arm has the places below a half."""
    return "as-is" if place_of(salt, user.encode()) < 0.5 else "new"


def _model(items: list[tuple[str, float]]) -> AsyncFakeTransport:
    return AsyncFakeTransport(
        {name: items for name in ("search", "recommend", "retrieve", "similar", "rank")}
    )


@dataclasses.dataclass
class Shop:
    """A site whose gateway assigns, with the model's server as each label asks it."""

    site: Any
    models: dict[str | None, AsyncFakeTransport]

    async def ask(self, path: str, user: str = "", code: int = 200, key: bool = False, **asked: Any) -> Any:
        sent = {"user_id": user, **asked}
        answer = await self.site.http.post(f"/v1/{path}", json=sent, headers=BEARER if key else {})
        assert answer.status_code == code, answer.text
        return answer.json()


@pytest.fixture
def asks(site: Callable) -> Callable[..., list[dict[str, Any]]]:
    """Runs a coroutine on such a shop; returns the rows that the gateway wrote."""

    def run(use: Callable[[Shop], Coroutine], *plans: dict[str, Any]) -> list[dict[str, Any]]:
        models: dict[str | None, AsyncFakeTransport] = {None: _model(STABLE), "canary": _model(CANARY)}

        def open_client(label: str | None) -> AsyncClient:
            return AsyncClient("shop:8500", transport=models[label], retry=Retry(attempts=1), label=label)

        async def opened() -> Any:
            arms = Experiments(read_running({"experiment": list(plans)}), open_client) if plans else None
            async with site(MemoryStore(1_000), model=models[None], key=KEY, experiments=arms) as one:
                await use(Shop(one, models))
            asked = [model for label, model in models.items() if model.requests or label is None]
            assert all(model.closed for model in asked)
            return one.log

        log = asyncio.run(opened())
        return [row for path in (log / "events").iterdir() for row in pq.read_table(path).to_pylist()]

    return run


def test_each_user_is_answered_by_the_version_of_their_arm_and_what_was_shown_says_so(asks: Callable) -> None:
    async def use(shop: Shop) -> None:
        for user in USERS:
            for path, asked in (
                ("search", {"query": "mug"}),
                ("recommend", {}),
                ("similar", {"item_id": "x"}),
            ):
                answer = await shop.ask(path, user, k=2, **asked)
                arm = _arm_by_hand(user)
                assert answer["assigned"] == {"experiment": "rerank", "arm": arm, "arms": [], "forced": False}
                best = [item["item_id"] for item in answer["items"]]
                assert best == (["mug", "cup"] if arm == "as-is" else ["mug", "pan"])
        assert {_arm_by_hand(user) for user in USERS} == {"as-is", "new"}
        assert {request.version for request in shop.models["canary"].requests} == {"canary"}

    rows = asks(use, RERANK)
    assert len(rows) == len(USERS) * 3 * 2
    assert {(row["experiment"], row["arm"] == _arm_by_hand(row["user_id"])) for row in rows} == {
        ("rerank", True)
    }


def test_scores_and_their_reasons_are_of_the_version_of_the_users_arm(asks: Callable) -> None:
    async def use(shop: Shop) -> None:
        for user in USERS:
            label = None if _arm_by_hand(user) == "as-is" else "canary"
            ranked = await shop.ask("rank", user, item_ids=["mug"])
            assert ranked["items"][0]["score"] == (9.0 if label else 4.0)
            assert ranked["assigned"]["arm"] == _arm_by_hand(user)
            # The model at hand tells no reasons; that it was asked is what counts.
            await shop.ask("explain", user, 422, query="mug", item_ids=["mug"])
            assert shop.models[label].requests[-1].signature == "explain"

    assert asks(use, RERANK) == []


def test_a_page_of_an_answer_has_the_arms_of_its_items() -> None:
    items = [Item(item_id=item, score=1.0) for item in ("mug", "cup", "pan")]
    said = Assigned(experiment="rerank", arm="", arms=["", "as-is", "new"])
    page = Answer(request_id="r", version=3, stale=False, items=items, assigned=said).part(1, 2)
    assert page.assigned is not None
    assert ([item.item_id for item in page.items], page.assigned.arms) == (["cup", "pan"], ["as-is", "new"])


def test_who_is_in_no_experiment_is_answered_as_without(asks: Callable) -> None:
    async def use(shop: Shop) -> None:
        answer = await shop.ask("recommend", session_id="s1", k=1)
        assert (answer["assigned"], answer["items"]) == (None, [{"item_id": "mug", "score": 4.0}])
        assert (await shop.ask("recommend", "user-1", experiment="site's", arm="b"))["assigned"] is None

    rows = asks(use, RERANK)
    assert {(row["user_id"], row["experiment"], row["arm"]) for row in rows} == {
        (None, None, None), ("user-1", "site's", "b"),
    }  # fmt: skip


def test_an_experiment_of_sessions_assigns_by_the_session_whoever_it_is(asks: Callable) -> None:
    async def use(shop: Shop) -> None:
        for user in ("", "ann"):
            answer = await shop.ask("recommend", user, session_id="s1")
            assert answer["assigned"]["arm"] == _arm_by_hand("s1")

    asks(use, {**RERANK, "unit": "session_id"})


def test_an_arm_may_be_a_policy_or_settings_and_concerns_what_it_can_change_alone(asks: Callable) -> None:
    retrieve = {"name": "new", "share": 0.5, "policy": "retrieve", "settings": {"exclude_seen": True, "k": 3}}
    plan = {"name": "rerank", "arms": [LABELS[0], retrieve]}

    async def use(shop: Shop) -> None:
        for user in USERS:
            answer = await shop.ask("recommend", user, k=1)
            said, new = shop.models[None].requests[-1], _arm_by_hand(user) == "new"
            assert said.signature == ("retrieve" if new else "recommend")
            assert bool(said.inputs["exclude_seen"]) is new and len(answer["items"]) == (3 if new else 1)
        assert (await shop.ask("rank", USERS[0], item_ids=["mug"]))["assigned"] is None
        for user in USERS:
            found = await shop.ask("search", user, query="mug", k=2)
            assert len(found["items"]) == (3 if _arm_by_hand(user) == "new" else 2)

    asks(use, plan)


def test_an_arm_is_forced_with_the_key_alone_and_is_no_part_of_the_experiment(asks: Callable) -> None:
    user = USERS[0]
    own = _arm_by_hand(user)
    other = {"as-is": "new", "new": "as-is"}[own]

    async def use(shop: Shop) -> None:
        refused = await shop.ask("recommend", user, 401, experiment="rerank", arm=other)
        assert "the key is missing" in refused["error"]
        answer = await shop.ask("recommend", user, key=True, experiment="rerank", arm=other, k=1)
        assert (answer["assigned"]["arm"], answer["assigned"]["forced"]) == (other, True)
        # A site that assigns by the same file says what is so.
        answer = await shop.ask("recommend", user, experiment="rerank", arm=own, k=1)
        assert (answer["assigned"]["arm"], answer["assigned"]["forced"]) == (own, False)
        said = await shop.ask("recommend", user, 422, key=True, experiment="rerank", arm="old")
        assert said["error"] == "arm is 'old'; expected one of those of 'rerank': as-is, new"

    rows = asks(use, RERANK)
    assert [(row["experiment"], row["arm"]) for row in rows] == [(None, None), ("rerank", own)]


def test_two_rankings_are_interleaved_and_each_item_is_noted_as_its_arms(asks: Callable) -> None:
    plan = {**RERANK, "interleaved": True}
    ids = [[item for item, _ in ranking] for ranking in (STABLE, CANARY)]

    async def use(shop: Shop) -> None:
        for user in USERS:
            answer = await shop.ask("search", user, query="mug", k=4)
            mixed = team_draft(*ids, 4, "\n".join(("rerank", user, "", "search", "mug")))
            assert [item["item_id"] for item in answer["items"]] == list(mixed.items)
            arms = ["" if team is None else ("as-is", "new")[team] for team in mixed.teams]
            # Both have the mug first, so it credits nobody.
            assert answer["assigned"]["arms"] == arms and arms[0] == "" and {"as-is", "new"} <= set(arms)
            page = await shop.ask("search", user, query="mug", k=2)
            assert page["items"] == answer["items"][:2]

    rows = asks(use, plan)
    credited = {(row["item_id"], row["arm"]) for row in rows if row["experiment"] == "rerank"}
    assert credited >= {("mug", None), ("cup", "as-is"), ("pan", "new")}
    assert ("cup", "new") not in credited and ("pan", "as-is") not in credited


def test_over_grpc_the_same_is_answered_and_the_same_refused(asks: Callable) -> None:
    user, own = USERS[0], _arm_by_hand(USERS[0])
    other = {"as-is": "new", "new": "as-is"}[own]

    async def use(shop: Shop) -> None:
        server = RpcServer(shop.site.gateway, KEY, 0.0, "127.0.0.1", 0)
        async with server.running(), grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            ask = channel.unary_unary(
                f"/{SERVICE}/Recommend",
                request_serializer=messages.RecommendRequest.SerializeToString,
                response_deserializer=messages.Answer.FromString,
            )
            answer = await ask(messages.RecommendRequest(user_id=user), timeout=10)
            assert (answer.assigned.experiment, answer.assigned.arm) == ("rerank", own)
            forced = messages.RecommendRequest(user_id=user, experiment="rerank", arm=other)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await ask(forced, timeout=10)
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
            bearer = (("authorization", f"Bearer {KEY}"),)
            answer = await ask(forced, timeout=10, metadata=bearer)
            assert (answer.assigned.arm, answer.assigned.forced) == (other, True)

    asks(use, RERANK)


def test_what_is_interleaved_is_told_over_grpc_with_the_arm_of_each_item() -> None:
    said = Assigned(experiment="rerank", arm="", arms=["as-is", "", "new"])
    answer = Answer(request_id="r", version=3, stale=False, items=[], assigned=said)
    message = messages.Answer.FromString(written("Recommend", answer))
    assert (message.assigned.experiment, list(message.assigned.arms)) == ("rerank", ["as-is", "", "new"])


def test_a_click_on_an_interleaved_answer_is_credited_by_the_gateways_own_files(
    asks: Callable, tmp_path: pathlib.Path
) -> None:
    plan = {**RERANK, "interleaved": True}

    async def use(shop: Shop) -> None:
        for user in ("ann", "bob"):
            answer = await shop.ask("search", user, query="mug", k=4)
            for item in ("mug", "pan"):  # The mug is of both.
                click = {
                    "event": "click",
                    "item_id": item,
                    "user_id": user,
                    "request_id": answer["request_id"],
                }
                recorded = await shop.site.http.post("/v1/events", json=click, headers=BEARER)
                assert recorded.status_code == 200

    asks(use, plan)
    events = read_events(str(tmp_path / "live"), "user_id", None, ())
    users, counts = credits(read_running({"experiment": [plan]}).experiments[0], events, "click")
    assert (users.tolist(), counts.tolist()) == (["ann", "bob"], [[0, 1], [0, 1]])


@pytest.mark.parametrize(
    ("plans", "said"),
    [
        ([{**RERANK, "unit": "country"}], "unit is 'country'; expected one of user_id, session_id"),
        ([{"name": "e", "arms": [LABELS[0], {**LABELS[1], "policy": "best"}]}], "has the policy 'best'"),
        ([{"name": "e", "arms": [LABELS[0], {**LABELS[1], "settings": {"query": "x"}}]}], "sets 'query'; expected one of k"),
        ([{"name": "e", "arms": [LABELS[0], {**LABELS[1], "settings": {"k": "many"}}]}], "sets k to 'many'"),
        ([{"name": "e", "arms": [LABELS[0], {**LABELS[1], "settings": {"k": 0}}]}], "sets k to 0"),
        ([RERANK, {**RERANK, "name": "other"}], "both concern explain, and an answer is part of one"),
        ([{**RERANK, "interleaved": True, "arms": [{"name": n, "share": 1 / 3} for n in "abc"]}], "interleaves 3 arms"),
        ([{**RERANK, "interleaved": "yes"}], "interleaved is 'yes'; expected true or false"),
    ],
)  # fmt: skip
def test_a_file_that_the_gateway_cannot_follow_is_refused_in_one_line(plans: list, said: str) -> None:
    with pytest.raises(InputError) as refused, contextlib.ExitStack():
        Experiments(read_running({"experiment": plans}), lambda label: AsyncClient("shop:8500", label=label))
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_experiments_of_one_layer_run_beside_each_other(asks: Callable) -> None:
    halves = [
        {**RERANK, "layer": "page", "slot": [0.0, 0.5]},
        {**RERANK, "name": "other", "layer": "page", "slot": [0.5, 1.0]},
    ]

    async def use(shop: Shop) -> None:
        for user in USERS:
            said = (await shop.ask("recommend", user))["assigned"]
            name = "rerank" if place_of("__page", user.encode()) < 0.5 else "other"
            assert (said["experiment"], said["arm"]) == (name, _arm_by_hand(user, name))

    asks(use, *halves)
