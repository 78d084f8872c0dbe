"""Low-rank updates: what is trained, and that merging them changes nothing."""

from __future__ import annotations

import pathlib

import numpy as np
import tensorflow as tf

from aisle.model.ranking.reading.late_interaction import LateInteraction
from aisle.model.text.bert import Tokenizer, load_bert
from tests.model.small_bert import make_small_bert


def make_reader(folder: pathlib.Path, **given: int) -> LateInteraction:
    bert = make_small_bert(folder, layers=3)
    reader = LateInteraction(load_bert(bert), Tokenizer(bert), width=8, **given)
    reader(reader.tokenizer.pieces(tf.constant(["mug"]), 4))
    return reader


def read(reader: LateInteraction) -> np.ndarray:
    return reader(reader.tokenizer.pieces(tf.constant(["red mug", "mini fridge"]), 4))[0].numpy()


def test_an_update_starts_at_nothing_and_is_all_that_is_trained(tmp_path: pathlib.Path) -> None:
    plain, adapted = make_reader(tmp_path / "a"), make_reader(tmp_path / "b", adapter_rank=2, frozen=1)
    np.testing.assert_allclose(read(adapted), read(plain), atol=1e-6)
    # Queries and values of two layers, 16 wide: two matrices of rank 2 each.
    assert sum(int(tf.size(variable)) for variable in adapted.tuned) == 2 * 2 * 2 * 16 * 2


def test_a_merged_update_reads_as_it_did_beside_the_weights(tmp_path: pathlib.Path) -> None:
    reader = make_reader(tmp_path / "a", adapter_rank=2)
    before = read(reader)
    for number, variable in enumerate(reader.tuned):
        variable.assign(tf.random.stateless_normal(variable.shape, [1, number]))
    adapted = read(reader)
    reader.finish()
    assert np.abs(adapted - before).max() > 0.01
    np.testing.assert_allclose(read(reader), adapted, atol=1e-4)
    assert not any("low_rank" in layer.name for layer in reader.bert.submodules if hasattr(layer, "name"))


def test_half_an_update_is_half_way_between_the_weights(tmp_path: pathlib.Path) -> None:
    def kernel(reader: LateInteraction) -> np.ndarray:
        return reader.bert.bert.encoder.layer[1].attention.self_attention.query.kernel.numpy()

    ends = []
    for share in (0.0, 0.5, 1.0):
        reader = make_reader(tmp_path / str(share), adapter_rank=2)
        for number, variable in enumerate(reader.tuned):
            variable.assign(tf.random.stateless_normal(variable.shape, [1, number]))
        reader.finish(share)
        ends.append(kernel(reader))
    assert np.abs(ends[2] - ends[0]).max() > 0.01
    np.testing.assert_allclose(ends[1], (ends[0] + ends[2]) / 2, atol=1e-6)
