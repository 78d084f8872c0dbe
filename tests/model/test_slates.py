"""Slates by hand, against determinants counted out, and in the served graph."""

from __future__ import annotations

import itertools
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.model.options import BundleOptions
from aisle.model.served.bundle import Bundle
from aisle.model.served.ranked import Ranked
from aisle.model.served.slates import POOL, Slates
from tests.model.small_shop import IDS, small_shop

Floats = npt.NDArray[np.float64]
ITEMS = 7
EMPTY = -1


def slates(vectors: list[list[float]], diversity: float) -> Slates:
    """Of items whose towers and texts say the same."""
    table = tf.constant(vectors, tf.float32)
    return Slates(types.SimpleNamespace(item_embeddings=table, text_embeddings=table), diversity)  # type: ignore[arg-type]


def first(made: Slates, rows: list[int], scores: list[float], k: int) -> tuple[list[int], list[float]]:
    found, of_places = made.first(tf.constant([rows]), tf.constant([scores]), tf.constant(k))
    return found.numpy()[0].tolist(), of_places.numpy()[0].astype(float).round(3).tolist()


PLANE = [[1.0, 0.0], [1.0, 0.0], [0.6, 0.8], [0.0, 0.0]]
"""Two that are the same, one whose cosine to both is 0.6, and one of which nothing is known."""


def test_a_place_goes_to_what_the_items_above_do_not_explain() -> None:
    # Behind the first, the same again has nothing left, and the third 1 - 0.36: 0.5 log 0.4 + 0.5 log 0.64 is
    # more than 0.5 log 0.2, of the fourth, which is like nothing.
    rows, scores = first(slates(PLANE, 0.5), [0, 1, 2, 3], [0.8, 0.7, 0.4, 0.2], 4)
    assert rows == [0, 2, 3, 1]
    assert scores == [0.8, 0.7, 0.4, 0.2]
    # With a tenth of the weight 0.9 log 0.7 + 0.1 log 1e-6 is less than both others still, with a hundredth more.
    assert first(slates(PLANE, 0.1), [0, 1, 2, 3], [0.8, 0.7, 0.4, 0.2], 2)[0] == [0, 2]
    assert first(slates(PLANE, 0.01), [0, 1, 2, 3], [0.8, 0.7, 0.4, 0.2], 2)[0] == [0, 1]


def test_equals_keep_their_order_and_no_diversity_keeps_it_all() -> None:
    axes = np.eye(4).tolist()
    assert first(slates(axes, 1.0), [2, 0, 3, 1], [0.9, 0.5, 0.5, 0.0], 4)[0] == [2, 0, 3, 1]
    assert first(slates(PLANE, 0.0), [1, 0, 3, 2], [0.9, 0.5, 0.5, 0.1], 4)[0] == [1, 0, 3, 2]


def test_what_was_not_ranked_and_empty_places_stay_behind_in_their_order() -> None:
    rows, scores = first(slates(PLANE, 0.9), [0, 1, 3, 2, EMPTY], [0.9, 0.8, -0.5, -0.7, -np.inf], 5)
    assert rows == [0, 1, 3, 2, EMPTY]
    assert scores == [0.9, 0.8, -0.5, -0.7, -np.inf]


def test_what_lies_beyond_the_pool_keeps_its_places() -> None:
    many = POOL + 3
    alike = slates([[1.0, 0.0]] * (many - 4) + [[0.0, 1.0]] * 4, 0.9)
    rows, _ = first(alike, list(range(many)), np.linspace(1.0, 0.1, many).tolist(), many)
    assert rows[:3] == [0, POOL - 1, 1]
    assert rows[POOL:] == [POOL, POOL + 1, POOL + 2]
    assert sorted(rows) == list(range(many))


def greedy(vectors: Floats, scores: Floats, movable: list[bool], diversity: float, k: int) -> list[int]:
    """The same from the definition: what each item adds to the logarithm of the determinant, each time anew."""
    kernel = vectors @ vectors.T
    np.fill_diagonal(kernel, 1.0)
    chosen: list[int] = []
    while len(chosen) < k:

        def gain(place: int) -> float:
            above = np.linalg.det(kernel[np.ix_(chosen, chosen)])
            left = np.linalg.det(kernel[np.ix_([*chosen, place], [*chosen, place])]) / above
            return float((1 - diversity) * np.log(max(scores[place], 1e-12)) + diversity * np.log(left))

        rest = [place for place in range(len(scores)) if place not in chosen]
        free = [place for place in rest if movable[place]]
        chosen.append(max(free, key=gain) if free else rest[0])
    return chosen


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.95), st.integers(0, ITEMS), st.integers(0, ITEMS))
def test_it_is_the_greedy_choice_by_determinants(seed: int, diversity: float, behind: int, k: int) -> None:
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(ITEMS, 12))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = -np.sort(-draw.uniform(0.01, 1.0, ITEMS))
    scores[ITEMS - behind :] -= 2.0
    expected = greedy(vectors, scores, (scores >= 0).tolist(), diversity, k)
    rows, of_places = first(slates(vectors.tolist(), diversity), list(range(ITEMS)), scores.tolist(), k)
    assert rows == expected
    np.testing.assert_allclose(of_places, scores[:k], atol=1e-3)


def test_each_of_a_batch_has_its_own_and_a_longer_list_begins_the_same() -> None:
    draw = np.random.default_rng(3)
    made = slates(draw.normal(size=(9, 4)).tolist(), 0.6)
    rows = tf.constant(np.array([draw.permutation(9) for _ in range(5)]), tf.int32)
    scores = tf.constant(-np.sort(-draw.uniform(size=(5, 9))), tf.float32)
    together = made.first(rows, scores, tf.constant(9))[0].numpy()
    for row, k in itertools.product(range(5), (1, 4)):
        alone = made.first(rows[row : row + 1], scores[row : row + 1], tf.constant(k))[0].numpy()
        assert alone.tolist() == [together[row, :k].tolist()]


@pytest.fixture(scope="module")
def shop() -> Bundle:
    return small_shop()


def recommended(ask: Callable[..., Any], k: int) -> dict[str, npt.NDArray[Any]]:
    """What a buyer and a stranger are recommended."""
    nobody = tf.zeros([2, 0], tf.string)
    found = ask(tf.constant(["u0", ""]), nobody, tf.constant(False), tf.constant(k))
    return {name: value.numpy() for name, value in found.items()}


def test_the_served_graph_answers_each_item_once_and_pads_what_is_short(shop: Bundle) -> None:
    assert shop._slates is None
    plain = recommended(shop.recommend, 12)
    shop._slates = Slates(shop.retriever.tower, 0.9)
    try:
        graph = tf.function(shop.recommend)
        mixed, few, none = (recommended(graph, k) for k in (12, 3, 0))
    finally:
        shop._slates = None
    for row in mixed["item_ids"]:
        assert sorted(row[:10].tolist()) == sorted(name.encode() for name in IDS)
        assert row[10:].tolist() == [b"", b""]
    assert mixed["item_ids"][:, :3].tolist() == few["item_ids"].tolist()
    assert none["item_ids"].shape == (2, 0)
    np.testing.assert_allclose(mixed["scores"], plain["scores"], rtol=1e-5)
    assert mixed["item_ids"].tolist() != plain["item_ids"].tolist()


def test_no_diversity_adds_nothing_to_the_graph(shop: Bundle) -> None:
    ranked = Ranked(tf.constant([[0.3, 0.2]]), tf.ones([1, 2], tf.bool))
    assert BundleOptions().diversity == 0
    assert shop._slate(ranked, tf.constant(2)) is ranked


def test_a_ranked_list_of_more_items_than_asked_is_cut(shop: Bundle) -> None:
    ranked = Ranked(tf.constant([[0.3, 0.2, 0.1] + [-1.0] * 7]), tf.ones([1, 10], tf.bool))
    found = Slates(shop.retriever.tower, 0.5).of(ranked, tf.constant(2))
    assert found.scores.shape == (1, 2)
    assert found.rows is not None and found.rows.numpy()[0, 0] == 0
