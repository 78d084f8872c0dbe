"""What reads histories in order: packing loses nothing, later items change nothing, and cycles are learnt."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.model.options import TwoTowerOptions
from aisle.model.train_two_tower import fit_order
from aisle.model.two_tower.export import Towers
from aisle.model.two_tower.inputs import Catalogue, Queries
from aisle.model.two_tower.model import Sizes, TwoTower
from aisle.model.two_tower.order import OrderTower, sampled_softmax
from aisle.model.two_tower.order_training import learn_again
from aisle.model.two_tower.sequences import LONGEST, NONE, pack, sequences_of
from aisle.model.two_tower.spectrum import Start
from aisle.schema.errors import InputError

ITEMS = 12
SIZES = Sizes(items=ITEMS + 1, categories=1, brands=1, users=4, countries=1, text=1)
sequences = st.lists(st.lists(st.integers(0, ITEMS - 1), min_size=2, max_size=LONGEST), min_size=1)


def tower(dropout: float = 0.0) -> OrderTower:
    tf.keras.utils.set_random_seed(2)
    made = OrderTower(SIZES.items, 8, 2, dropout)
    for variable in made.trainable_variables:  # As if trained: nothing is 0, or alike.
        variable.assign_add(tf.random.normal(variable.shape, stddev=0.3))
    return made


TOWER = tower()


def catalogue() -> Catalogue:
    zeros = tf.zeros(ITEMS)
    none = tf.RaggedTensor.from_row_lengths(tf.zeros(0, tf.int64), np.zeros(ITEMS, np.int64))
    features = {"item_id": tf.range(ITEMS, dtype=tf.int64), "category": none, "brand": zeros, "price": zeros}
    ids = tf.strings.as_string(tf.range(ITEMS))
    return Catalogue(ids, {**features, "text": tf.zeros([ITEMS, 1])})


def queries(
    users: list[int], histories: list[list[int]], targets: list[list[int]], age: list[float]
) -> Queries:
    history = tf.ragged.constant(histories, tf.int64, 1)
    weight = tf.cast(history, tf.float32) * 0.0 + 1.0
    features = {"user_id": tf.constant(users), "country": tf.zeros(len(users), tf.int64)}
    row = tf.zeros(len(users), tf.int64)
    taken = tf.ragged.constant(targets, tf.int64, 1)
    features |= {"history": history, "history_weight": weight}
    return Queries(features, tf.zeros([1, 1]), row, taken, np.array(age, np.float32))


@given(sequences, st.integers(0, 9))
def test_packing_keeps_every_sequence_whole_with_what_follows_each_place(
    some: list[list[int]], seed: int
) -> None:
    packed = pack([np.array(one, np.int32) for one in some], np.random.default_rng(seed))
    found = []
    for ids, segments, targets in zip(packed.ids, packed.segments, packed.targets, strict=True):
        assert (targets[segments == NONE] == NONE).all()
        for number in range(segments.max() + 1):
            (places,) = np.nonzero(segments == number)
            assert (np.diff(places) == 1).all()
            assert targets[places].tolist() == [*ids[places][1:].tolist(), NONE]
            found.append(ids[places].tolist())
    assert sorted(found) == sorted(some)


@settings(max_examples=20)
@given(sequences.filter(lambda some: len(some) < 6))
def test_packed_places_have_the_states_of_padded_histories(some: list[list[int]]) -> None:
    packed = pack([np.array(one, np.int32) for one in some], np.random.default_rng(1))
    states = TOWER.states(packed.ids, packed.segments).numpy()
    for row, place in zip(*np.nonzero((packed.targets == NONE) & (packed.segments != NONE)), strict=True):
        whole = packed.ids[row][(packed.segments[row] == packed.segments[row, place])]
        alone = TOWER(tf.RaggedTensor.from_tensor(whole[None].astype(np.int64)))
        np.testing.assert_allclose(states[row, place], alone[0], atol=2e-4)


@given(st.lists(st.integers(0, ITEMS - 1), min_size=2, max_size=8), st.data())
@settings(max_examples=20)
def test_what_comes_later_changes_no_state_before(items: list[int], data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(items) - 1))
    other = np.array(items)
    other[at:] = (other[at:] + 1) % ITEMS
    one, two = (
        TOWER.states(ids[None], np.zeros((1, len(items)))).numpy()[0] for ids in (np.array(items), other)
    )
    np.testing.assert_allclose(one[:at], two[:at], atol=1e-5)
    assert np.abs(one[at] - two[at]).max() > 1e-4


def test_only_the_latest_items_of_a_history_are_read_and_of_none_nothing() -> None:
    long = np.random.default_rng(3).integers(0, ITEMS, LONGEST + 7)
    found = TOWER(tf.ragged.constant([long.tolist(), long[7:].tolist(), []], tf.int64, 1)).numpy()
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
    assert not found[2].any() and found[0].any()


def test_an_item_that_nobody_took_is_as_likely_as_the_mean_of_the_others() -> None:
    made, others = tower(), np.delete(np.arange(SIZES.items), 4)
    made.seen.assign(tf.one_hot(tf.constant(4), SIZES.items, 0.0, 1.0))
    items = made.items(tf.range(SIZES.items)).numpy()
    (state,) = made(tf.ragged.constant([[1, 2]], tf.int64)).numpy()
    scores = items @ state
    np.testing.assert_allclose([scores[4], scores[others].mean()], 0.0, atol=1e-5)
    np.testing.assert_allclose(np.square(items[others]).sum(1).mean(), 1.0, rtol=1e-5)
    raw = made.vectors.numpy()[others] @ state  # The same but for a constant and a factor.
    np.testing.assert_allclose(np.corrcoef(raw, scores[others])[0, 1], 1.0, atol=1e-5)


def test_the_sampled_softmax_of_all_items_is_the_whole_one() -> None:
    states, vectors = tf.random.normal([5, 4], seed=1), tf.random.normal([7, 4], seed=2)
    targets = tf.constant([0, 3, 3, 6, 1])
    found = sampled_softmax(states, vectors, targets, tf.range(7))
    logits = tf.matmul(states, vectors, transpose_b=True)
    whole = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    np.testing.assert_allclose(found, tf.reduce_mean(whole), rtol=1e-5)


def test_sequences_are_what_each_known_user_took_by_time_in_pieces() -> None:
    many = list(range(LONGEST - 1))
    taken = [[5], [1, 2], [3], [9, 9], [4], [n % ITEMS for n in many], [0, 1, 2]]
    users = [0, 1, 0, SIZES.users - 1, 1, 2, 2]
    found = sequences_of(queries(users, [[]] * 7, taken, [9, 3, 4, 1, 5, 8, 2]), catalogue(), SIZES.users)
    pieces = [one.tolist() for one in found]
    assert pieces[:2] == [[5, 3], [4, 1, 2]]  # And what strangers took is no sequence.
    whole = [*(n % ITEMS for n in many), 0, 1, 2]
    assert pieces[2:] == [whole[:2], whole[2:]]


def cycles(seed: int, count: int, length: int) -> tuple[list[list[int]], list[list[int]]]:
    """Histories that go around the items, and what comes next."""
    start = np.random.default_rng(seed).integers(0, ITEMS, count)
    walks = (start[:, None] + np.arange(length + 1)) % ITEMS
    return walks[:, :-1].tolist(), walks[:, -1:].tolist()


def trained(histories: list[list[int]], targets: list[list[int]], **told: str) -> OrderTower | None:
    """What is learnt of users who went around the items for a while."""
    options = TwoTowerOptions(width=4, order_width=16, order_steps=300, **told)  # type: ignore[arg-type]
    size = Sizes(ITEMS + 1, 1, 1, 300, 1, 1)
    walks, last = cycles(1, 200, 12)
    learnt = queries(
        list(range(200)), [[]] * 200, [a + b for a, b in zip(walks, last, strict=True)], [9.0] * 200
    )
    valid = queries(list(range(len(histories))), histories, targets, [1.0] * len(histories))
    angle = 2 * np.pi * np.arange(ITEMS) / ITEMS
    ring = np.stack([np.cos(angle), np.sin(angle), 0 * angle, 0 * angle], 1)
    start = Start(
        np.append(ring, np.zeros((1, 4)), 0).astype(np.float32), (np.arange(ITEMS + 1) < ITEMS) * 1.0
    )
    model = TwoTower(size, options, start)
    order, _ = fit_order(model, learnt, valid, catalogue(), size, options)
    return order


def test_order_is_learnt_where_it_foretells_what_comes_next() -> None:
    histories, targets = cycles(5, 100, 7)
    order = trained(histories, targets)
    assert order is not None and order.share > 0
    scores = tf.matmul(
        order(tf.ragged.constant(histories, tf.int64)), order.items(tf.range(ITEMS)), transpose_b=True
    )
    assert np.mean(np.argmax(scores, 1) == np.ravel(targets)) > 0.9


def test_a_tower_that_learns_again_keeps_the_share_and_learns_as_long_as_it_is_told() -> None:
    walks, _ = cycles(1, 50, 12)
    options, like = TwoTowerOptions(order_width=8), tower()
    like.share.assign(0.3)
    known = [np.array(walk, np.int32) for walk in walks]
    untrained, more = (learn_again(known, SIZES.items, options, like, steps) for steps in (0, 3))
    np.testing.assert_allclose([untrained.share, more.share], 0.3)
    assert more.seen.numpy().tolist() == [1.0] * ITEMS + [0.0]
    moved = np.abs(more.vectors - untrained.vectors).max()
    assert 0.002 < moved < 0.004  # Adam's steps are of its rate.


def test_an_odd_width_is_refused_as_two_heads_share_it() -> None:
    with pytest.raises(InputError, match="order_width=9 is wrong: Input should be a multiple of 2"):
        TwoTowerOptions.read({"order_width": 9})


@pytest.mark.parametrize("order", ["auto", "never"])
def test_no_order_is_learnt_where_it_says_nothing(order: str) -> None:
    histories, _ = cycles(5, 100, 7)
    shuffled = np.random.default_rng(4).permuted(np.array(histories), axis=1)
    targets = [[int(row[0])] for row in shuffled]  # What came first, rather than last.
    assert trained(shuffled.tolist(), targets, order=order) is None


def test_one_product_of_exported_vectors_says_both_and_a_search_reads_no_order() -> None:
    tf.keras.utils.set_random_seed(3)
    model, made, items = TwoTower(SIZES, TwoTowerOptions(width=4)), tower(), catalogue().features
    made.share.assign(0.5)

    def transform(raw: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
        """Ids are numbers, and there is one user of one country."""
        nobody = tf.zeros(tf.shape(raw["user_id"])[:1], tf.int64)
        ids = tf.strings.to_number(raw["history"].values, tf.int64)
        return {**raw, "user_id": nobody, "country": nobody, "history": raw["history"].with_values(ids)}

    towers = Towers(model, transform, items, made)
    history, text = tf.constant([["", "1", "2"], ["3", "4", "5"]]), tf.zeros([2, 1])
    none, ones = tf.constant(["", ""]), tf.ones([2, 3])
    both = towers.embed_query(none, none, text, history, 0.0 * ones, ones)
    ids = tf.ragged.constant([[1, 2], [3, 4, 5]], tf.int64)
    zeros = tf.zeros(2, tf.int64)
    weight = tf.cast(ids, tf.float32) * 0.0 + 1.0
    asked = {"user_id": zeros, "country": zeros, "history": ids, "history_weight": weight, "text": text}
    bag = tf.matmul(model.queries(asked), model.items(items), transpose_b=True)
    order = tf.matmul(made(ids), made.items(items["item_id"]), transpose_b=True)
    np.testing.assert_allclose(both @ tf.transpose(towers.item_embeddings), bag + order, atol=1e-4)
    assert not towers.embed_query(none, none, text + 1.0, history, 0.0 * ones, ones)[:, 4:].numpy().any()
    assert np.abs(both[:, 4:]).max() > 0.1
