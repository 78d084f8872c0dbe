"""The two-towers that the pipeline's is measured against are what their names say."""

from __future__ import annotations

import importlib
import types
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.options import TwoTowerOptions
from aisle.model.two_tower.model import QueryTower
from aisle.model.two_tower.recall import best_items
from tests.model.test_two_tower import SIZES, catalogue, model, queries

OPTIONS = TwoTowerOptions(width=8, batch=16, unknown=0.0)


@pytest.fixture
def variants() -> types.ModuleType:
    return importlib.import_module("benchmarks.recommendation.two_tower_variants")


def _first(dataset: tf.data.Dataset) -> Any:
    return next(iter(dataset.take(1)))


def test_hard_negatives_are_further_columns_of_the_softmax(variants: types.ModuleType) -> None:
    tf.keras.utils.set_random_seed(3)
    towers = variants.WithHardNegatives(SIZES, OPTIONS)
    mined = np.random.default_rng(0).integers(0, 30, (4, 6)).astype(np.int32)
    batch = _first(variants.hard_batches(mined)(queries(), catalogue(), OPTIONS))
    query, item, hard = (
        towers.queries(batch["query"]),
        towers.items(batch["item"]),
        towers.items(batch["hard"]),
    )
    expected = 0.0
    for row, own in enumerate(batch["place"].numpy()):
        # By hand: an item that stands n times in the batch is a negative n times, and none of its own queries.
        logits = [
            float(tf.reduce_sum(query[row] * item[own])) / OPTIONS.temperature
            - np.log(batch["probability"][own])
        ]
        for other in set(range(len(item))) - {own}:
            score = float(tf.reduce_sum(query[row] * item[other])) / OPTIONS.temperature - np.log(
                batch["probability"][other]
            )
            logits += [score] * int(batch["count"][other])
        for place in batch["hard_place"].numpy()[row]:
            logits.append(
                float(tf.reduce_sum(query[row] * hard[place])) / OPTIONS.temperature + np.log(OPTIONS.batch)
            )
        expected -= logits[0] - np.log(np.sum(np.exp(logits)))
    np.testing.assert_allclose(towers.compute_loss(batch), expected, rtol=1e-4)


def test_each_query_gets_hard_negatives_of_its_own_row(variants: types.ModuleType) -> None:
    mined = np.array([[10, 11], [12, 13], [14, 15], [16, 17]], np.int32)
    batch = _first(variants.hard_batches(mined)(queries(), catalogue(), OPTIONS))
    user = {0: {10, 11}, 1: {12, 13}, 2: {14, 15}, 5: {16, 17}}
    hard = tf.gather(batch["hard"]["item_id"], batch["hard_place"]).numpy()
    for who, drawn in zip(batch["query"]["user_id"].numpy(), hard, strict=True):
        assert set(drawn) <= user[int(who)]


def test_mined_items_were_not_taken_and_are_not_the_best(
    variants: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variants, "HARDEST", 3)
    monkeypatch.setattr(variants, "EASIEST", 8)
    towers = model()
    mined = variants.mine(towers, catalogue(), queries())
    best = best_items(towers, catalogue(), queries().rows(tf.range(4, dtype=tf.int64)), 30).numpy()
    for row, found in enumerate(mined):
        left = [item for item in best[row] if item not in queries().targets[row].numpy()]
        assert found.tolist() == left[3:8]


def test_evenly_drawn_items_come_beside_each_querys_own(variants: types.ModuleType) -> None:
    batch = _first(variants.with_evenly_drawn(queries(), catalogue(), OPTIONS))
    plain = _first(variants.batches(queries(), catalogue(), OPTIONS))
    own, before = (tf.gather(one["item"]["item_id"], one["place"]).numpy() for one in (batch, plain))
    assert own.tolist() == before.tolist()
    assert int(tf.reduce_sum(batch["count"])) == OPTIONS.batch + variants.EVEN
    assert len(batch["item"]["item_id"]) == 30  # 1,024 draws of 30 items.
    # Items 3 and 9 are each two of seven targets; 0 is none.
    chance = dict(zip(batch["item"]["item_id"].numpy().tolist(), batch["probability"].numpy(), strict=True))
    whole = OPTIONS.batch + variants.EVEN
    assert chance[9] == pytest.approx((OPTIONS.batch * 2 / 7 + variants.EVEN / 30) / whole)
    assert chance[0] == pytest.approx(variants.EVEN / 30 / whole)


def test_attention_begins_as_the_mean_by_weight(variants: types.ModuleType) -> None:
    asked = queries().rows(tf.range(4, dtype=tf.int64))
    ids = tf.keras.layers.Embedding(SIZES.items, 8)
    found = []
    for kind in (QueryTower, variants.AttentionTower):
        tf.keras.utils.set_random_seed(5)
        tower = kind(SIZES, ids)
        bag, total = tower._history(asked["history"], asked["history_weight"])
        found.append((bag.numpy(), total.numpy()))
    for plain, attended in zip(*found, strict=True):
        np.testing.assert_allclose(attended, plain, rtol=1e-5)
    assert np.abs(found[0][0]).max() > 0
