"""Where the served model puts what was bought a moment ago, in a shop where nobody bought anything twice."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.retrieval.recent.events import RecentEvents
from aisle.model.served.bundle import Bundle
from aisle.schema import contract
from tests.model.small_shop import IDS, small_shop


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return small_shop()


def just(kind: str, *items: str) -> RecentEvents:
    """A minute ago, by one visitor each; "" did nothing."""
    ages, now = tf.fill([len(items), 1], 60.0), tf.zeros([len(items)], tf.float64)
    return RecentEvents(tf.constant(items)[:, None], tf.fill([len(items), 1], kind), ages, now)


def searched(bundle: Bundle, query: str, recent: RecentEvents | None = None) -> list[str]:
    found = bundle.search(tf.constant([query]), tf.constant([""]), tf.constant(10), recent)
    return [item.decode() for item in found[contract.ITEM_IDS].numpy()[0] if item]


def test_a_search_puts_what_was_just_bought_last_and_leaves_out_nothing(bundle: Bundle) -> None:
    before = searched(bundle, "coffee mug")
    assert before[:2] == ["mug", "mugs"]
    assert searched(bundle, "coffee mug", just("purchase", "mug")) == [*before[1:], "mug"]
    assert searched(bundle, "coffee mug", just("cart", "mug"))[0] == "mug"


@pytest.mark.parametrize("query", ["mug", "red coffee mug 12oz", "Red Coffee Mug 12oz"])
def test_who_calls_it_by_its_name_finds_it_first(bundle: Bundle, query: str) -> None:
    assert searched(bundle, query, just("purchase", "mug"))[0] == "mug"


def test_a_filtered_list_puts_it_last_too(bundle: Bundle) -> None:
    def listed(recent: RecentEvents | None = None) -> list[bytes]:
        text, price = tf.constant([""]), tf.constant([np.nan])
        kitchen = tf.constant(["Home/Kitchen"])
        found = bundle.filtered_search(
            text,
            text,
            kitchen,
            tf.zeros([1, 0], tf.string),
            price,
            price,
            tf.constant(False),
            tf.constant(10),
            recent,
        )
        return [item for item in found[contract.ITEM_IDS].numpy()[0].tolist() if item]

    first, *others = listed()
    assert listed(just("purchase", first.decode())) == [*others, first]


def test_rank_scores_it_below_all_others_but_the_unknown(bundle: Bundle) -> None:
    def scored(query: str, recent: RecentEvents) -> list[float]:
        ids = tf.constant([["mug", "mugs", "odd", "nowhere"]])
        found = bundle.rank(tf.constant([query]), tf.constant([""]), ids, recent)
        values: list[float] = found[contract.SCORES].numpy()[0].tolist()
        return values

    clicked, bought = (scored("coffee mug", just(kind, "mug")) for kind in ("click", "purchase"))
    assert clicked[0] == max(clicked)
    assert bought[0] < min(bought[1:3])
    assert bought[1:3] == pytest.approx(clicked[1:3])
    assert bought[3] == -np.inf
    named = scored("red coffee mug 12oz", just("purchase", "mug"))
    assert named[0] == max(named)


def test_who_did_nothing_is_answered_as_by_a_graph_without_the_inputs(bundle: Bundle) -> None:
    served = bundle.graph(contract.RECOMMEND).get_concrete_function()
    history, seen, k = tf.zeros([2, 0], tf.string), tf.constant(False), tf.constant(len(IDS))

    def ask(recent: RecentEvents) -> np.ndarray:
        users = tf.constant(["u0", "nobody"])
        found = served(users, history, seen, k, recent.items, recent.kinds, recent.ages, recent.now)
        return found[contract.ITEM_IDS].numpy()

    without = bundle.recommend(tf.constant(["u0", "nobody"]), history, seen, k)[contract.ITEM_IDS].numpy()
    np.testing.assert_array_equal(ask(RecentEvents.none()), without)
    np.testing.assert_array_equal(ask(just("purchase", "", "unheard of")), without)
    # Nor does it matter what the one beside did.
    beside = ask(just("purchase", "", "rope"))
    np.testing.assert_array_equal(beside[0], without[0])
    assert beside[1, -1] == b"rope"
