"""Stock, prices, withdrawals and new items that were told change the next answer, without another version."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.gateway.items.analogues import Analogues
from aisle.gateway.items.current import Current
from aisle.gateway.items.new_items import New
from aisle.gateway.items.shelf import Shelf
from aisle.gateway.items.updates import Entries, Entry, ItemUpdate, Key, newest
from aisle.gateway.items.version_facts import VersionFacts
from aisle.serving import AsyncClient, Filters, ScoredItem, VersionStatus
from aisle.serving.testing import AsyncFakeTransport
from tests.gateway.hand_made_shop import AS_OF, SHOP, Item, answers, facets, matches, passes

NOW = AS_OF + 1


class Gateway:
    """Answers over the shop made by hand, with a shelf of its own."""

    def __init__(self, **model: Any) -> None:
        self.model = AsyncFakeTransport(answers(**model))
        self.client = AsyncClient("shop:8500", transport=self.model)
        self.shelf = Shelf()
        facts = VersionFacts(self.client)
        self.analogues = Analogues(self.client, facts, self.shelf)
        self.current = Current(facts, self.shelf, self.analogues)

    def tell(self, item_id: str, at: int = NOW, **told: Any) -> Gateway:
        self.shelf.put(ItemUpdate(item_id=item_id, **told).entries(at, whole=False))
        return self

    def search(self, query: str, k: int = 10) -> list[str]:
        return _ids(self.current.searched(lambda k: self.client.search(query, "", k), query, k))

    def filtered(self, query: str, filters: Filters, k: int = 10) -> Any:
        def ask(k: int, filters: Filters) -> Any:
            return self.client.search(query, "", k, filters=filters)

        return asyncio.run(_run(self.current.filtered(ask, query, filters, k)))

    def recommend(self, k: int = 10, in_stock: bool = False) -> list[str]:
        return _ids(self.current.listed(lambda k: self.client.recommend("", (), False, k), k, in_stock))

    def recommend_new(self, k: int = 10, in_stock: bool = False, leave: tuple[str, ...] = ()) -> list[str]:
        def ask(k: int) -> Any:
            return self.client.recommend("", (), False, k)

        return _ids(self.current.recommended(ask, k, in_stock, leave))

    def learn(self) -> Gateway:
        """What new items are like, for the version that answers."""
        self.recommend_new(), self.search("mug")
        asyncio.run(_run(self.analogues.learn()))
        return self

    def similar(self, item_id: str, k: int = 10, in_stock: bool = False) -> list[str]:
        def search(k: int) -> Any:
            return self.client.search(self.current.title(item_id), "", k)

        return _ids(
            self.current.similar(lambda k: self.client.similar(item_id, k), search, item_id, k, in_stock)
        )


async def _run(coroutine: Coroutine) -> Any:
    return await coroutine


def _ids(coroutine: Coroutine) -> list[str]:
    return [item.item_id for item in asyncio.run(_run(coroutine))]


def test_what_is_withdrawn_is_in_no_answer_and_the_next_takes_its_place() -> None:
    gateway = Gateway().tell("i1", withdrawn=True)
    assert gateway.recommend(2) == ["i2", "i3"] and gateway.search("mug", 2) == ["i2", "i3"]
    assert gateway.similar("i5", 2) == ["i2", "i3"]
    found = gateway.filtered("mug", Filters(category="Home"), 2)
    assert [item.item_id for item in found.items] == ["i2", "i3"]
    assert {facet.value: facet.count for facet in found.facets.brands} == {"Acme": 1, "Ajax": 1}
    gateway.tell("i1", at=NOW + 1, withdrawn=False)
    assert gateway.recommend(2) == ["i1", "i2"]


def test_sold_out_is_by_what_was_told_else_by_what_the_version_knows() -> None:
    gateway = Gateway()
    assert gateway.recommend(3, in_stock=True) == ["i1", "i3", "i4"]  # i2 is sold out in the version.
    gateway.tell("i1", stock=0).tell("i2", stock=7)
    assert (
        gateway.recommend(3, in_stock=True) == ["i2", "i3", "i4"] == gateway.similar("i5", 3, in_stock=True)
    )
    assert gateway.recommend(2) == ["i1", "i2"]
    found = gateway.filtered("mug", Filters(in_stock=True))
    assert [item.item_id for item in found.items] == ["i2", "i3", "i4"]


def test_an_item_enters_the_prices_that_it_has_now_and_leaves_the_others() -> None:
    cheap = Filters(price=(None, 5.0))
    assert [item.item_id for item in Gateway().filtered("mug", cheap).items] == ["i1", "i6"]
    found = Gateway().tell("i1", price=9).tell("i3", price=1).filtered("mug", cheap)
    assert [item.item_id for item in found.items] == ["i3", "i6"]
    told = {facet.value: facet.count for facet in found.facets.categories}
    assert told == {"Home": 1, "Toys": 1}


def test_a_search_of_nothing_but_a_price_lists_what_has_it_now() -> None:
    found = Gateway().tell("i5", price=3).filtered("", Filters(price=(2.5, 4.5)))
    assert [item.item_id for item in found.items] == ["i1", "i5"]


def test_a_version_that_is_newer_than_what_was_told_is_right_but_for_what_is_withdrawn() -> None:
    gateway = Gateway().tell("i1", at=AS_OF, stock=0, price=9).tell("i4", at=AS_OF, withdrawn=True)
    assert gateway.recommend(2, in_stock=True) == ["i1", "i3"]
    found = gateway.filtered("mug", Filters(price=(None, 5.0)))
    assert [item.item_id for item in found.items] == ["i1", "i6"]
    assert "i4" not in gateway.recommend()


def test_a_new_item_is_found_by_its_words_until_a_version_knows_it() -> None:
    told = {"title": "mug of the year", "category": "Home/Mugs", "brand": "Acme", "price": 3, "stock": 1}
    gateway = Gateway().tell("n1", **told)
    assert gateway.search("mug") == ["i1", "i2", "i3", "n1", "i4", "i6"]
    assert gateway.search("mug YEAR") == ["i1", "i2", "i3", "n1", "i4", "i6"]
    assert gateway.search("mug", 3) == ["i1", "i2", "i3"] and gateway.search("lamp") == ["i5"]
    assert gateway.search("mug of the year")[0] == "n1" == gateway.search("n1")[0]
    # It is like what a search for its title finds.
    assert gateway.similar("n1", 2) == ["i1", "i2"]
    assert "n1" not in gateway.recommend()
    known = Gateway(shop={**SHOP, "n1": Item("Mug of the year")}).tell("n1", **told)
    assert known.search("mug") == ["i1", "i2", "i3", "i4", "i6"]


def test_a_new_item_passes_filters_by_what_was_told_of_it() -> None:
    gateway = Gateway().tell("n1", title="new mug", category="home / mugs", brand="acme", price=3, stock=1)
    passing = (
        Filters(category="Home"),
        Filters(brands=("Ajax", "ACME")),
        Filters(price=(3.0, 3.5)),
        Filters(in_stock=True),
    )
    for filters in passing:
        found = gateway.filtered("mug", filters)
        assert "n1" in [item.item_id for item in found.items], filters
    found = gateway.filtered("mug", Filters(category="Home/Mugs"))
    assert {facet.value: facet.count for facet in found.facets.categories} == {"Home": 4, "Home/Mugs": 4}
    assert {facet.value: facet.count for facet in found.facets.brands} == {"Acme": 2, "Ajax": 1}
    gateway.tell("n1", at=NOW + 1, stock=0)
    failing = (Filters(category="Toys"), Filters(brands=("Ajax",)), Filters(price=(None, 2.0)))
    for filters in (*failing, Filters(in_stock=True)):
        found = gateway.filtered("mug", filters)
        assert "n1" not in [item.item_id for item in found.items], filters


def test_words_of_a_script_without_spaces_are_found_within_titles() -> None:
    gateway = Gateway().tell("n1", title="红色马克杯").tell("n2", title="ｍｕｇｓ, large")
    assert gateway.search("马克杯") == ["n1"] and gateway.search("杯红绿") == []
    assert "n2" in gateway.search("Mug")


def test_an_older_version_that_tells_nothing_is_filtered_by_what_was_told() -> None:
    gateway = Gateway().tell("i1", stock=0).tell("i3", withdrawn=True).tell("n1", title="mug")
    del gateway.model.answers["facts"]
    assert gateway.recommend(3, in_stock=True) == ["i2", "i4", "i5"]
    assert gateway.search("mug") == ["i1", "i2", "i4", "i6"]
    found = gateway.tell("i2", price=1).filtered("mug", Filters(price=(None, 3.0)))
    assert [item.item_id for item in found.items] == ["i2", "i6"]


def test_nothing_is_asked_twice_while_nothing_was_told() -> None:
    gateway = Gateway()
    gateway.search("mug"), gateway.recommend(), gateway.filtered("mug", Filters(in_stock=True))
    assert [request.signature for request in gateway.model.requests] == [
        "search",
        "recommend",
        "filtered_search",
    ]
    assert [request.inputs["k"] for request in gateway.model.requests] == [10, 10, 10]


def test_once_a_version_has_all_that_was_told_it_is_asked_once_and_after_a_rollback_twice_again() -> None:
    gateway = Gateway().tell("i1", price=9).tell("i2", stock=5)
    filters = Filters(price=(1.0, 9.5), in_stock=True)
    shop = {**SHOP, "i1": dataclasses.replace(SHOP["i1"], price=9)}

    def asked_for(version: int, model: dict[str, Any]) -> list[int]:
        gateway.model.answers = model
        gateway.model.versions = [VersionStatus(version, "AVAILABLE", "")]
        gateway.model.requests.clear()
        found = gateway.filtered("mug", filters, 1)
        assert [item.item_id for item in found.items] == ["i1"]
        return [one.inputs["k"] for one in gateway.model.requests if one.signature == "filtered_search"]

    assert asked_for(1, answers()) == [1_000, 1_000]
    newer = answers(shop, as_of=NOW)
    assert asked_for(2, newer) == [1_000] and asked_for(2, newer) == [1]
    # The first answer of an older version, which was asked as if it had all, is made again.
    assert asked_for(1, answers()) == [1, 1_000, 1_000] and asked_for(1, answers()) == [1_000, 1_000]


def test_where_the_whole_head_of_an_answer_is_withdrawn_more_is_asked_for_until_k_are_left() -> None:
    shop = {f"i{number:03}": Item("mug") for number in range(400)}
    gateway = Gateway(shop=shop)
    for number in range(300):
        gateway.tell(f"i{number:03}", withdrawn=True)
    assert gateway.recommend(3) == ["i300", "i301", "i302"]
    assert len(gateway.model.requests) <= 6


UPDATES = st.lists(
    st.tuples(
        st.sampled_from([*SHOP, "zz"]),
        st.integers(AS_OF - 1, AS_OF + 5),
        st.sampled_from(["price", "stock", "withdrawn"]),
        st.sampled_from([0, 1, 5, 9, None]),
    ).map(lambda one: (Key(one[0], one[2]), Entry(one[1], _json(one[2], one[3])))),
    max_size=12,
)


def _json(field: str, value: int | None) -> str:
    if value is None:
        return "null"
    return str(bool(value)).lower() if field == "withdrawn" else str(value)


def _shop_now(told: list[tuple[Key, Entry]]) -> dict[str, Item]:
    """The shop after the updates, worked out one by one: what is not withdrawn."""
    latest: dict[Key, Entry] = {}
    for key, entry in sorted(told, key=lambda one: one[1]):
        latest[key] = entry
    now = dict(SHOP)
    for key, entry in latest.items():
        if key.item_id in now and key.field != "withdrawn" and entry.at > AS_OF and entry.value is not None:
            now[key.item_id] = dataclasses.replace(now[key.item_id], **{key.field: entry.value})
    gone = {key.item_id for key, entry in latest.items() if key.field == "withdrawn" and entry.value}
    return {item: one for item, one in now.items() if item not in gone}


@settings(max_examples=80, deadline=None)
@given(
    UPDATES, st.sampled_from([None, 3.0, 5.0]), st.sampled_from([None, 5.0, 8.0]), st.booleans(),
    st.sampled_from(["", "Home", "Home/Mugs"]), st.integers(1, 7),
)  # fmt: skip
def test_answers_are_those_of_the_shop_as_it_is_whatever_was_told_in_whichever_order(
    told: list[tuple[Key, Entry]],
    low: float | None,
    high: float | None,
    in_stock: bool,
    category: str,
    k: int,
) -> None:
    gateway, now = Gateway(), _shop_now(told)
    for key, entry in told:
        gateway.shelf.put({key: entry})
    prices = (math.nan if low is None else low, math.nan if high is None else high)
    stocked = [item for item, one in now.items() if passes(one, "", (), math.nan, math.nan, in_stock)]
    assert gateway.recommend(k, in_stock) == stocked[:k]
    assert gateway.search("mug", k) == [item for item, one in now.items() if matches("mug", one)][:k]
    found = gateway.filtered("mug", Filters(category, (), (low, high), in_stock), k)
    passing = {
        item: one
        for item, one in now.items()
        if matches("mug", one) and passes(one, category, (), *prices, in_stock)
    }
    assert [item.item_id for item in found.items] == list(passing)[:k]
    for told_facets, counted in zip(
        (found.facets.categories, found.facets.brands), facets(passing.values()), strict=True
    ):
        assert {facet.value: facet.count for facet in told_facets} == dict(counted)


@settings(max_examples=50, deadline=None)
@given(UPDATES, st.randoms(use_true_random=False))
def test_a_shelf_is_the_same_whatever_came_first_or_twice(told: list[tuple[Key, Entry]], random: Any) -> None:
    one, other = Shelf(), Shelf()
    for key, entry in told:
        one.put({key: entry})
    again = [*told, *told]
    random.shuffle(again)
    for key, entry in again:
        other.put({key: entry})
    expected: Entries = newest({key: entry} for key, entry in told)
    assert one.entries() == other.entries() == expected
    assert one.having("withdrawn") == other.having("withdrawn")


@pytest.mark.parametrize("whole", [True, False])
def test_what_an_update_does_not_name_stays_or_is_taken_back(whole: bool) -> None:
    shelf = Shelf()
    shelf.put(ItemUpdate(item_id="i1", price=4, stock=2).entries(5, whole=False))
    shelf.put(ItemUpdate(item_id="i1", stock=1).entries(6, whole))
    assert shelf.told("i1").values == ({"stock": 1} if whole else {"price": 4.0, "stock": 1})


def test_a_new_item_stands_where_what_it_is_like_does_on_average() -> None:
    # A search for its title finds i1 and i5: in places 1 and 5 of a recommendation, 2.2 on average.
    gateway = Gateway().tell("n1", title="red lamp").learn()
    assert gateway.recommend_new() == ["i1", "i2", "n1", "i3", "i4", "i5", "i6"]
    assert gateway.recommend_new(2) == ["i1", "i2"] and gateway.recommend_new(leave=("n1",)) == [*SHOP]
    # Of the five in this answer i5 is none, and counts as its last, -5.
    assert gateway.search("mug") == ["i1", "i2", "i3", "n1", "i4", "i6"]
    assert gateway.search("lamp") == ["i5", "n1"] and gateway.search("red lamp")[0] == "n1"

    async def scored() -> Any:
        return await gateway.current.searched(lambda k: gateway.client.search("mug", "", k), "mug", 10)

    assert {item.item_id: item.score for item in asyncio.run(_run(scored()))}["n1"] == -2.5
    known = Gateway(shop={**SHOP, "n1": Item("red lamp")}).tell("n1", title="red lamp").learn()
    assert known.recommend_new() == [*SHOP, "n1"]


def test_a_new_item_is_similar_to_what_its_like_are_similar_to() -> None:
    # It is like i1 and i5; in the list of i2 these have -1 and -4, in that of i5 the first and, itself, as much.
    gateway = Gateway().tell("n1", title="red lamp", stock=0).learn()
    assert gateway.similar("i2") == ["i1", "i3", "n1", "i4", "i5", "i6"]
    assert gateway.similar("i5") == ["i1", "n1", "i2", "i3", "i4", "i6"]
    assert "n1" not in gateway.similar("i2", in_stock=True)
    assert gateway.similar("n1", 2) == ["i1", "i5"]


def test_a_new_item_by_what_it_is_like_passes_filters_by_what_was_told_of_it() -> None:
    gateway = Gateway().tell("n1", title="tiny toy", price=3, stock=0, brand="Ajax").learn()
    assert gateway.recommend_new() == [*SHOP, "n1"] and "n1" not in gateway.recommend_new(in_stock=True)
    found = gateway.filtered("mug", Filters(brands=("Ajax",)))
    assert [item.item_id for item in found.items] == ["i2", "i6", "n1"]
    assert {facet.value: facet.count for facet in found.facets.brands} == {"Ajax": 3}
    assert "n1" not in [item.item_id for item in gateway.filtered("mug", Filters(brands=("Acme",))).items]
    gateway.tell("n1", at=NOW + 1, withdrawn=True)
    assert gateway.recommend_new() == list(SHOP) and "n1" not in gateway.search("mug")


def test_what_new_items_are_like_is_asked_once_for_each_version_and_title() -> None:
    gateway = Gateway().tell("n1", title="red lamp").tell("n2", title="nothing like it").learn().learn()

    def asked() -> list[list[str]]:
        searches = [one.inputs["query"] for one in gateway.model.requests if one.signature == "search"]
        return [sorted(queries) for queries in searches if queries != ["mug"]]

    assert asked() == [["nothing like it", "red lamp"]] and gateway.recommend_new().count("n2") == 0
    gateway.tell("n1", at=NOW + 1, title="tiny toy").learn()
    assert asked()[1:] == [["tiny toy"]] and gateway.recommend_new()[-1] == "n1"
    gateway.model.versions = [VersionStatus(2, "AVAILABLE", "")]
    gateway.learn()
    assert asked()[2] == ["nothing like it", "tiny toy"]


def test_what_is_done_to_a_new_item_counts_as_a_look_at_what_it_is_most_like() -> None:
    gateway = Gateway().tell("n1", title="red lamp").tell("n2", title="nothing like it").tell("i2", price=3)
    assert gateway.current.known_as("n1", "purchase") == ("n1", "purchase")  # Not learnt yet.
    gateway.learn()
    done = [gateway.current.known_as(item, "purchase") for item in ("n1", "n2", "i2", "i9")]
    assert done == [("i1", "click"), ("n2", "purchase"), ("i2", "purchase"), ("i9", "purchase")]


def test_a_version_that_is_gone_is_asked_nothing_more() -> None:
    gateway = Gateway().tell("n1", title="red lamp")
    gateway.search("mug")
    gateway.model._failures = iter(["NOT_FOUND"])
    asyncio.run(_run(gateway.analogues.learn()))
    sent = len(gateway.model.requests)
    asyncio.run(_run(gateway.analogues.learn()))
    assert len(gateway.model.requests) == sent and gateway.recommend_new() == list(SHOP)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-5, 5), min_size=1),
    st.lists(st.floats(-6, 6).map(lambda score: ScoredItem("n", score)), max_size=5),
    st.integers(1, 8),
)
def test_new_items_with_scores_leave_the_others_order_and_stand_by_theirs(
    scores: dict[str, float], new: list[ScoredItem], k: int
) -> None:
    items = sorted((ScoredItem(*one) for one in scores.items()), key=lambda one: -one.score)
    new = [
        ScoredItem(f"n{place}", one.score)
        for place, one in enumerate(sorted(new, key=lambda one: -one.score))
    ]
    found = New(scored=new).among(items, k)
    # Python's sort leaves equals as they came: the version's own first.
    assert found == sorted([*items, *new], key=lambda one: -one.score)[:k]
