"""Of a two-tower that was trained again, what has seen the validation window isn't read for the ranking head."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from aisle.model.ranking import candidates
from aisle.model.ranking.questions import Window
from aisle.model.retrieval import retriever, tower
from aisle.model.retrieval.tower import catalogue_of, load_held_out, load_served, texts_of, vectors_of
from aisle.model.spilled import SpilledRows
from aisle.model.transfer.lent import Lent


class _Towers(tf.Module):
    def __init__(self, said: float) -> None:
        super().__init__()
        self.item_embeddings = tf.Variable([[said], [2 * said]])
        self.tower_weights = [tf.Variable(said)]
        self.embed_query = tf.function(
            lambda user: self.tower_weights[0] * tf.cast(tf.strings.length(user), tf.float32),
            input_signature=[tf.TensorSpec([None], tf.string)],
        )


class _Exported(tf.Module):
    def __init__(self, held_out: _Towers | None) -> None:
        super().__init__()
        self.transform, self.tokenizer = tf.Module(), tf.Module()
        self.encoder_weights = [tf.Variable(5.0)]
        self.item_ids = tf.Variable(["mug", "lamp"])
        self.text_embeddings, self.text_neighbours = tf.Variable([[1.0], [0.5]]), tf.Variable([[1], [0]])
        self.reads_order = tf.Variable(False)
        self.towers = _Towers(1.0)
        self.item_embeddings, self.embed_query = self.towers.item_embeddings, self.towers.embed_query
        if held_out is not None:
            self.held_out = held_out
        self.embed_text = tf.function(
            lambda text: self.encoder_weights[0] * tf.cast(tf.strings.length(text), tf.float32)[:, None],
            input_signature=[tf.TensorSpec([None], tf.string)],
        )


def _said(folder: pathlib.Path, load: Callable[[str], Any] = load_held_out) -> list[Any]:
    found = load(str(folder))
    asked = tf.constant(["ann"])
    return [
        found.item_embeddings.numpy().ravel().tolist(),
        found.embed_query(asked).numpy().tolist(),
        found.embed_text(asked).numpy().ravel().tolist(),
        found.text_embeddings.numpy().ravel().tolist(),
        found.text_neighbours.numpy().ravel().tolist(),
        bool(found.reads_order.numpy()),
    ]


def test_what_has_not_seen_the_window_answers_and_the_rest_is_not_read(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tf.saved_model.save(_Exported(_Towers(10.0)), str(tmp_path))
    read, whole = [], tower.held_out

    def watched(loaded: Any) -> Any:
        read.append(loaded.towers.item_embeddings.is_initialized().numpy())
        return whole(loaded)

    monkeypatch.setattr(tower, "held_out", watched)
    assert _said(tmp_path) == [[10.0, 20.0], [30.0], [15.0], [1.0, 0.5], [1, 0], False]
    assert read == [False]
    assert catalogue_of(str(tmp_path)) == ["mug", "lamp"]
    np.testing.assert_array_equal(texts_of(str(tmp_path), tmp_path / "texts")[:2], [[1.0], [0.5]])


def test_a_tower_that_was_trained_once_is_loaded_whole(tmp_path: pathlib.Path) -> None:
    tf.saved_model.save(_Exported(None), str(tmp_path))
    assert _said(tmp_path)[:2] == [[1.0, 2.0], [3.0]]
    assert _said(tmp_path, load_served)[:2] == [[1.0, 2.0], [3.0]]
    np.testing.assert_array_equal(vectors_of(str(tmp_path), "item_embeddings"), [[1.0], [2.0]])


def test_what_is_served_has_seen_the_window_and_holds_nothing_else(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tf.saved_model.save(_Exported(_Towers(10.0)), str(tmp_path))
    read, whole = [], tower.served

    def watched(loaded: Any) -> Any:
        read.append(loaded.held_out.item_embeddings.is_initialized().numpy())
        return whole(loaded)

    monkeypatch.setattr(tower, "served", watched)
    assert _said(tmp_path, load_served) == [[1.0, 2.0], [3.0], [15.0], [1.0, 0.5], [1, 0], False]
    assert read == [False]
    assert not hasattr(load_served(str(tmp_path)), "held_out")
    # The window chooses by what has not seen it.
    np.testing.assert_array_equal(vectors_of(str(tmp_path), "item_embeddings"), [[10.0], [20.0]])
    np.testing.assert_array_equal(vectors_of(str(tmp_path), "text_embeddings"), [[1.0], [0.5]])


def test_lengths_are_measured_in_blocks_and_leave_nothing_to_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retriever, "_AT_ONCE", 2)
    vectors = tf.Variable([[3.0, 4.0], [0.0, 0.0], [6.0, 8.0]])
    _ = tf.gather(vectors, [0])  # From now on a read would copy.
    np.testing.assert_array_equal(retriever._lengths(vectors), [5.0, 0.0, 10.0])
    reads = [np.asarray(vectors.read_value()) for _ in range(2)]
    assert reads[0].ctypes.data == reads[1].ctypes.data
    np.testing.assert_array_equal(retriever._lengths(tf.constant([[1.0, 0.0]])), [1.0])


def test_states_are_as_of_each_window_and_what_came_before_all_windows_goes(tmp_path: pathlib.Path) -> None:
    took = {"user_id": ["ann"] * 3, "session_id": ["1", "2", "3"], "item_id": ["mug", "lamp", "mug"]}
    took_frame = pl.DataFrame(
        {**took, "timestamp": [10, 20, 30], "weight": [1.0] * 3, "event": ["click"] * 3}
    )
    users = pl.DataFrame({"user_id": ["ann"], "country": ["Norway"]})
    tags = pl.DataFrame(schema={"item_id": pl.String, "tag": pl.String})
    frames = {"interactions": took_frame, "events": took_frame, "users": users, "tags": tags}
    asked = [Window(30, 40, "test", True), Window(20, 30, "eval", True)]
    texts = SpilledRows(tf.eye(2), tmp_path / "texts")
    states = [
        one.read() for one in candidates._states(frames, asked, ["mug", "lamp"], texts, Lent(), tmp_path)
    ]
    assert [(state.now, state.history.tolist()) for state in states] == [(30, [0, 1]), (20, [0])]
    assert set(frames) == {"interactions", "events"}
    assert (
        frames["interactions"]["timestamp"].to_list() == frames["events"]["timestamp"].to_list() == [20, 30]
    )
