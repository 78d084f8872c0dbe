"""Where items that nobody took stand, against the mean written out item by item."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.model.options import TwoTowerOptions
from aisle.model.two_tower import kin
from aisle.model.two_tower.kin import kin_of
from aisle.model.two_tower.model import Sizes, TwoTower
from aisle.model.two_tower.spectrum import Start

ITEMS, UNBRANDED = 12, 3


def shop(seed: int) -> tuple[dict[str, tf.Tensor], np.ndarray, np.ndarray]:
    """Features, vectors by id and how many took each id; the last id is of those that nobody took."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(0, 3, ITEMS)
    features = {
        "item_id": tf.constant(np.minimum(np.arange(ITEMS), 8), tf.int64),
        "text": tf.constant(draw.normal(size=(ITEMS, 4)) * (draw.random((ITEMS, 1)) < 0.8), tf.float32),
        "category": tf.RaggedTensor.from_row_lengths(draw.integers(0, 4, lengths.sum()), lengths),
        "brand": tf.constant(draw.integers(0, UNBRANDED + 1, ITEMS)),
    }
    times = np.append(draw.integers(1, 20, 8), 0).astype(np.float32)
    return features, draw.normal(size=(9, 5)).astype(np.float32), times


def cosines(features: dict[str, tf.Tensor], taken: np.ndarray) -> np.ndarray:
    """What is alike between each two items, part by part."""
    text = features["text"].numpy().astype(float)
    said = text.any(1)
    text[said] /= np.linalg.norm(text[said], axis=1, keepdims=True)
    text[said] -= text[said & taken].mean(0) if np.any(said & taken) else 0.0
    facts = [
        ({row: set(ids) for row, ids in enumerate(features["category"].to_list())}),
        {row: {b} - {UNBRANDED} for row, b in enumerate(features["brand"].numpy().tolist())},
    ]
    parts = [text]
    for told in facts:
        table = np.zeros((ITEMS, 5))
        for row, ids in told.items():
            for one in ids:
                table[row, one] = np.log(ITEMS / sum(one in others for others in told.values()))
        parts.append(table)
    parts = [part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12) for part in parts]
    whole = np.concatenate(parts, 1)
    whole /= np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-12)
    return whole @ whole.T


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_an_item_stands_where_the_others_that_are_described_alike_do(seed: int) -> None:
    features, vectors, times = shop(seed)
    item = features["item_id"].numpy()
    often = times[item]
    alike = cosines(features, often > 0)

    def mean(row: int, sharpness: float) -> np.ndarray:
        others = [other for other in range(ITEMS) if other != row and often[other] > 0]
        weight = np.array([np.exp(sharpness * alike[row, one]) * np.log1p(often[one]) for one in others])
        return weight @ vectors[item[others]] / weight.sum()

    known, told = np.flatnonzero(often > 0), {}
    for sharpness in kin.SHARPNESS:
        guess = np.stack([mean(row, sharpness) for row in known])
        weight, truth = np.log1p(often[known]), vectors[item[known]]
        told[sharpness] = (weight @ (guess * truth).sum(1)) ** 2 / (weight @ (guess * guess).sum(1))
    best = max(told, key=lambda sharpness: told[sharpness])
    found = kin_of(features, vectors, times, UNBRANDED, seed=1)
    for row in range(ITEMS):
        expected = mean(row, best) if often[row] < 10 else np.zeros(5)
        np.testing.assert_allclose(found[row], expected, atol=1e-4)


def test_where_nothing_was_taken_nothing_is_told() -> None:
    features, vectors, times = shop(1)
    assert not kin_of(features, vectors, np.zeros_like(times), UNBRANDED, seed=1).any()


def test_a_large_catalogue_is_compared_with_some_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    features, vectors, times = shop(2)
    monkeypatch.setattr(kin, "_MOST_COMPARED", 1)
    found = kin_of(features, vectors, times, UNBRANDED, seed=1)
    unsold = found[8:]  # All of them stand where the only one that they are compared with does.
    assert np.any(np.all(np.isclose(unsold[0], vectors), axis=1))
    np.testing.assert_allclose(unsold, np.broadcast_to(unsold[0], unsold.shape), atol=1e-6)


def test_what_nobody_took_is_its_kin_as_long_as_what_few_took() -> None:
    features, vectors, times = shop(3)
    told = kin_of(features, vectors, times, UNBRANDED, seed=1)
    start = Start(vectors, times).with_kin(told.copy())
    towers = TwoTower(Sizes(9, 4, 4, 2, 2, 4), TwoTowerOptions(width=5), start)
    rows = tf.range(ITEMS, dtype=tf.int64)
    found = towers.items({"item_id": features["item_id"], "row": rows}).numpy()
    there = np.square(told).sum(1) > 0
    factor = start.new_length / np.sqrt(np.square(told[there]).sum(1).mean())
    np.testing.assert_allclose(found[8:], told[8:] * factor, rtol=1e-4)
    known = vectors[:8] + np.exp(-times[:8, None]) * told[:8] * factor
    np.testing.assert_allclose(found[:8], known, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("rows", "texts"), [(3, 5), (1, 1), (5, 3)])
def test_a_catalogue_in_blocks_says_what_it_does_at_once(
    rows: int, texts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    features, vectors, times = shop(4)
    whole = kin_of(features, vectors, times, UNBRANDED, seed=1)
    monkeypatch.setattr(kin, "_BLOCK", rows)
    monkeypatch.setattr(kin, "_TEXTS_AT_ONCE", texts)
    assert whole.any()
    np.testing.assert_allclose(kin_of(features, vectors, times, UNBRANDED, seed=1), whole, atol=1e-6)
