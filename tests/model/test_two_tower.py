"""The two-tower's training: its loss against TFRS's, its optimizer against NumPy, its recall against brute force."""

from __future__ import annotations

import collections
import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs
from hypothesis import given
from hypothesis import strategies as st

from aisle.model.options import TwoTowerOptions
from aisle.model.training.lazy_adam import LazyAdam
from aisle.model.two_tower.export import nearest_texts
from aisle.model.two_tower.in_batch_softmax import in_batch_softmax
from aisle.model.two_tower.inputs import Catalogue, batches
from aisle.model.two_tower.model import ITEM_IDS, QueryTower, TwoTower, counted
from aisle.model.two_tower.recall import BestRecall, best_items
from aisle.model.two_tower.spectrum import Start
from aisle.model.two_tower.training import compiled
from tests.model.small_towers import SIZES, catalogue, queries


def model() -> TwoTower:
    tf.keras.utils.set_random_seed(3)
    return compiled(SIZES, TwoTowerOptions(width=8, batch=64, unknown=0.0, id_rate=1.0))


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_the_loss_and_its_gradients_are_those_of_tfrs_on_repeated_items(temperature: float) -> None:
    draw = np.random.default_rng(0)
    place = tf.constant([0, 1, 1, 2, 0, 3, 3, 3, 4], tf.int32)
    query = tf.math.l2_normalize(tf.constant(draw.normal(size=(9, 4)), tf.float32), 1)
    item = tf.math.l2_normalize(tf.constant(draw.normal(size=(5, 4)), tf.float32), 1)
    probability = tf.constant(draw.random(5), tf.float32)
    task = tfrs.tasks.Retrieval(temperature=temperature, remove_accidental_hits=True)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([query, item])
        ours = in_batch_softmax(query, item, place, tf.math.bincount(place), probability, temperature)
        theirs = task(
            query,
            tf.gather(item, place),
            candidate_sampling_probability=tf.gather(probability, place),
            candidate_ids=place,
        )
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    for found, expected in zip(
        tape.gradient(ours, [query, item]), tape.gradient(theirs, [query, item]), strict=True
    ):
        np.testing.assert_allclose(found, tf.convert_to_tensor(expected), atol=1e-4)


def test_the_loss_stays_finite_where_the_own_item_is_hopeless() -> None:
    query = tf.constant([[1.0, 0.0], [0.0, 1.0]])
    found = in_batch_softmax(
        query, -query, tf.constant([0, 1]), tf.constant([1, 1]), tf.constant([0.5, 0.5]), 0.001
    )
    assert np.isfinite(found)


def test_lazy_adam_moves_touched_rows_as_adam_does_and_leaves_the_others() -> None:
    table = tf.Variable(np.arange(8, dtype=np.float32).reshape(4, 2))
    dense = tf.Variable([1.0, 2.0])
    optimizer = LazyAdam(0.1)
    expected, first, second = table.numpy().astype(float), np.zeros((4, 2)), np.zeros((4, 2))
    other, other_first, other_second = dense.numpy().astype(float), np.zeros(2), np.zeros(2)
    for step in range(1, 4):
        rows = tf.constant([1, 3, 1]) if step == 1 else tf.constant([1])
        values = np.full((len(rows), 2), 0.5 * step, np.float32)
        gradient = np.array([0.3, -step])
        optimizer.apply_gradients(
            [(tf.IndexedSlices(values, rows), table), (tf.constant(gradient, tf.float32), dense)]
        )
        summed = {1: values[rows.numpy() == 1].sum(0)} | ({3: values[1]} if step == 1 else {})
        rate = 0.1 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        for row, slope in summed.items():
            first[row] = 0.9 * first[row] + 0.1 * slope
            second[row] = 0.999 * second[row] + 0.001 * slope**2
            expected[row] -= rate * first[row] / (np.sqrt(second[row]) + 1e-7)
        other_first = 0.9 * other_first + 0.1 * gradient
        other_second = 0.999 * other_second + 0.001 * gradient**2
        other -= rate * other_first / (np.sqrt(other_second) + 1e-7)
    np.testing.assert_allclose(table, expected, rtol=1e-5)
    np.testing.assert_allclose(dense, other, rtol=1e-5)


def test_a_variable_may_move_by_a_share_of_the_rate() -> None:
    slow, quick = tf.Variable([[1.0]], name=f"{ITEM_IDS}/table"), tf.Variable([[1.0]], name="other")
    gradient = tf.IndexedSlices(tf.constant([[2.0]]), tf.constant([0]), tf.constant([1, 1]))
    LazyAdam(0.5, {ITEM_IDS: 0.1}).apply_gradients([(gradient, slow), (gradient, quick)])
    np.testing.assert_allclose([slow[0, 0], quick[0, 0]], [0.95, 0.5], rtol=1e-5)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.floats(0, 300), st.floats(0.1, 2)), max_size=6), min_size=1
    )
)
def test_a_place_counts_half_for_its_item_at_all_and_half_for_how_lately(
    rows: list[list[tuple[int, float, float]]],
) -> None:
    items, age, weight = (
        tf.ragged.constant([[place[n] for place in row] for row in rows], dtype, 1)
        for n, dtype in enumerate((tf.int64, tf.float32, tf.float32))
    )
    found = counted(items, weight, age).to_list()
    for row, given_row in zip(found, rows, strict=True):
        times = collections.Counter(item for item, _, _ in given_row)
        expected = [w * (1 / times[item] + 0.5 ** (days / 60)) / 2 for item, days, w in given_row]
        np.testing.assert_allclose(row, expected, rtol=1e-4)


def test_a_history_is_the_mean_of_its_items_weighted_by_count_and_age() -> None:
    ids = tf.keras.layers.Embedding(SIZES.items, 8)
    tower = QueryTower(SIZES, ids)
    two = {
        "user_id": tf.constant([0, 0], tf.int64),
        "country": tf.constant([0, 0], tf.int64),
        "text": tf.zeros([2, 5]),
        "history": tf.ragged.constant([[1, 2], [1, 2, 2]], dtype=tf.int64),
        "history_weight": tf.ragged.constant([[1.0, 2.0], [1.0, 1.0, 1.0]]),
    }
    found = tower(two).numpy()
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)
    table = ids(tf.constant([1, 2])).numpy()
    bag = (table[0] + 2 * table[1]) / 3
    parts = np.concatenate([bag, [np.log1p(3.0)], tower._user(0), tower._country(0), tower._text.bias])
    rest = tower._out(tower._hidden(parts[None].astype(np.float32))).numpy()[0]
    out = bag + np.exp(-3.0) * rest / np.linalg.norm(rest)
    np.testing.assert_allclose(found[0], out / np.linalg.norm(out), rtol=1e-4)
    worded = tower({**two, "text": tf.ones([2, 5])}).numpy()
    parts[-8:] = tower._text(tf.ones([1, 5]))[0]
    rest = tower._out(tower._hidden(parts[None].astype(np.float32))).numpy()[0]
    out = bag + rest / np.linalg.norm(rest)
    np.testing.assert_allclose(worded[0], out / np.linalg.norm(out), rtol=1e-4)


def test_an_item_that_nobody_took_is_its_content_and_one_that_many_took_is_its_id() -> None:
    vectors = np.random.default_rng(0).normal(size=(31, 8)).astype(np.float32)
    times = np.where(np.arange(31) == 1, 1e6, np.where(np.arange(31) == 2, 3.0, 0.0)).astype(np.float32)
    towers = compiled(SIZES, TwoTowerOptions(width=8), start=Start(vectors, times))
    features = {name: tf.gather(value, [1, 1, 1]) for name, value in catalogue().features.items()}
    many, few, none = towers.items({**features, "item_id": tf.constant([1, 2, 5], tf.int64)}).numpy()
    np.testing.assert_allclose(many, vectors[1], atol=1e-4)
    np.testing.assert_allclose(few, vectors[2] + none * np.exp(-3.0), rtol=1e-4, atol=1e-6)
    assert np.linalg.norm(none) == pytest.approx(
        np.quantile(np.linalg.norm(vectors[1:3], axis=1), 0.1), rel=1e-4
    )


def test_a_query_text_that_several_share_gives_what_each_alone_gives() -> None:
    every, towers = queries(), model().queries
    together = towers(every.rows(tf.range(4))).numpy()
    alone = {**every.features, "text": tf.gather(every.texts, every.text_row)}
    np.testing.assert_allclose(together, towers(alone), atol=1e-6)


def test_a_batch_has_each_item_once_and_its_chance_in_the_pairs() -> None:
    batch = next(iter(batches(queries(), catalogue(), TwoTowerOptions(batch=256, seed=2))))
    items = batch["item"]["item_id"].numpy()
    assert sorted(items) == [1, 3, 4, 5, 9]
    assert batch["count"].numpy().sum() == 256
    np.testing.assert_array_equal(np.bincount(batch["place"]), batch["count"])
    chance = dict(zip(items, batch["probability"].numpy(), strict=True))
    assert chance == pytest.approx({1: 1 / 7, 3: 2 / 7, 4: 1 / 7, 5: 1 / 7, 9: 2 / 7})


def test_training_learns_the_targets_and_moves_no_item_it_never_met() -> None:
    towers, items = model(), catalogue()
    towers.compute_loss(next(iter(batches(queries(), items, TwoTowerOptions(batch=64)))))
    before = towers.items._ids.embeddings.numpy()
    losses = towers.fit(
        batches(queries(), items, TwoTowerOptions(batch=64)), epochs=2, steps_per_epoch=40, verbose=0
    ).history["loss"]
    assert losses[1] < losses[0]
    moved = np.any(towers.items._ids.embeddings.numpy() != before, axis=1)
    assert set(np.flatnonzero(moved)) == {1, 2, 3, 4, 5, 7, 9, 30}


def test_the_best_items_in_blocks_are_those_of_all_scores() -> None:
    towers, items = model(), catalogue()
    asked = queries().rows(tf.range(4))
    scores = towers.queries(asked).numpy() @ towers.items(items.features).numpy().T
    for block in (7, 30, 100):
        found = best_items(towers, items, asked, 9, block).numpy()
        np.testing.assert_array_equal(found, np.argsort(-scores, axis=1)[:, :9])
    assert best_items(towers, items, asked, 50, 7).shape == (4, 30)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_the_best_weights_are_put_back(rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    towers = compiled(SIZES, TwoTowerOptions(width=8, batch=4, unknown=0.0, id_rate=rate))
    asked, known = queries(), catalogue()
    options = TwoTowerOptions(batch=4, steps=1)
    best = BestRecall(towers, known, asked, patience=9)
    best.set_model(towers)
    kept, recalls = [], iter([0.1, 0.1, 0.4, 0.4, 0.2, 0.2])
    monkeypatch.setattr(best, "_recall", lambda _: next(recalls))
    for epoch in range(3):
        towers.fit(batches(asked, known, options), steps_per_epoch=3, verbose=0)
        best.on_epoch_end(epoch)
        kept.append(towers.get_weights())
    best.on_train_end()
    assert best.epochs == 2
    assert not all(np.array_equal(one, other) for one, other in zip(kept[1], kept[2], strict=True))
    for found, expected in zip(towers.get_weights(), kept[1], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_model_alone_says_what_it_said_among_others() -> None:
    vectors, times = np.full((31, 8), 3.0, np.float32), (np.arange(31) < 5).astype(np.float32)
    known, asked = catalogue(), queries()
    for kin in (None, np.full((30, 8), 0.25, np.float32)):
        towers = compiled(SIZES, TwoTowerOptions(width=8, batch=4), start=Start(vectors, times, kin))
        item = known.rows(tf.range(30, dtype=tf.int64)) | {"row": tf.range(30, dtype=tf.int64)}
        known_rows = Catalogue(known.ids, {**known.features, "row": item["row"]})
        batch = next(iter(batches(asked, known_rows, TwoTowerOptions(batch=4))))
        towers.compute_loss(batch)
        np.testing.assert_array_equal(towers.alone(batch).items(item), towers.items(item))


def test_an_items_neighbours_are_the_others_with_the_most_alike_titles() -> None:
    angle = np.deg2rad([0.0, 50.0, 10.0, 11.0])
    vectors = tf.constant(np.stack([np.cos(angle), np.sin(angle)], 1), tf.float32)
    assert nearest_texts(vectors).numpy().tolist() == [[2, 3, 1], [3, 2, 0], [3, 0, 1], [2, 0, 1]]
    assert nearest_texts(vectors[:1]).numpy().tolist() == [[0]]
