"""Every question of a whole small bundle with k of none, of more than there is, and without a candidate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.served.bundle import _specs
from aisle.schema.contract import (
    FILTERED_SEARCH,
    ITEM_IDS,
    RANK,
    RECOMMEND,
    RETRIEVE,
    SCORES,
    SEARCH,
    SIMILAR,
)
from tests.model import small_shop as shop
from tests.model.small_bert import make_small_bert

IDS = {item.encode() for item in shop.IDS}
QUERY = {"query": tf.constant(["coffee mug", ""]), "user_id": tf.constant(["u0", ""])}
FILTER = {
    "category": tf.constant(["no such category"] * 2),
    "brand": tf.constant([["no such brand"]] * 2),
    "price_min": tf.constant([1e9] * 2),
    "price_max": tf.constant([float("inf")] * 2),
    "in_stock": tf.constant(True),
}
HISTORY = {
    "user_id": tf.constant(["u0", "nobody"]),
    "history": tf.constant([["mug"], ["no such item"]]),
    "exclude_seen": tf.constant(True),
}
LISTS: list[tuple[str, dict[str, Any]]] = [
    (SEARCH.name, QUERY),
    (FILTERED_SEARCH.name, QUERY | FILTER),
    (RECOMMEND.name, HISTORY),
    (RETRIEVE.name, HISTORY),
    (SIMILAR.name, {"item_id": tf.constant(["mug", "no such item"])}),
]


@pytest.fixture(scope="module")
def signatures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The graphs of the questions; how many answers they give is no matter of what the BERT says."""
    bundle = shop.small_shop(make_small_bert(tmp_path_factory.mktemp("bert"), layers=1))
    return {
        asked.name: tf.function(getattr(bundle, asked.name), input_signature=_specs(asked.required))
        for asked in (SEARCH, FILTERED_SEARCH, RECOMMEND, RETRIEVE, SIMILAR, RANK)
    }


@pytest.mark.parametrize(("name", "inputs"), LISTS, ids=[name for name, _ in LISTS])
def test_no_answer_is_asked_for_and_none_given(
    signatures: dict[str, Any], name: str, inputs: dict[str, Any]
) -> None:
    found = signatures[name](**inputs, k=tf.constant(0))
    assert found[ITEM_IDS].shape == found[SCORES].shape == (2, 0)


@pytest.mark.parametrize(("name", "inputs"), LISTS, ids=[name for name, _ in LISTS])
def test_places_beyond_the_catalogue_are_empty(
    signatures: dict[str, Any], name: str, inputs: dict[str, Any]
) -> None:
    k = len(IDS) + 7
    found = signatures[name](**inputs, k=tf.constant(k))
    items, scores = found[ITEM_IDS].numpy(), found[SCORES].numpy()
    assert items.shape == scores.shape == (2, k)
    for row, values in zip(items, scores, strict=True):
        there = row != b""
        assert not there[np.argmin(there) :].any(), "the empty places are behind"
        assert set(row[there]) <= IDS and len(set(row[there])) == there.sum()
        assert np.isfinite(values[there]).all() and np.isneginf(values[~there]).all()


def test_a_filter_that_nothing_passes_finds_nothing(signatures: dict[str, Any]) -> None:
    found = signatures[FILTERED_SEARCH.name](**QUERY, **FILTER, k=tf.constant(5))
    assert not found[ITEM_IDS].numpy().astype(bool).any()
    assert not found["brand_counts"].numpy().any()


def test_no_candidates_have_no_scores_and_unknown_ones_the_least(signatures: dict[str, Any]) -> None:
    rank = signatures[RANK.name]
    assert rank(**QUERY, item_ids=tf.zeros([2, 0], tf.string))[SCORES].shape == (2, 0)
    scores = rank(**QUERY, item_ids=tf.constant([["mug", "no such item", ""]] * 2))[SCORES].numpy()
    assert np.isfinite(scores[:, 0]).all()
    assert np.isneginf(scores[:, 1:]).all()
