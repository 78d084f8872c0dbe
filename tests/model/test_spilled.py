"""What a large shop needs later lies in files until then, and is the same when it is read."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aisle.model import spilled
from aisle.model.retrieval.state import make_state
from aisle.model.spilled import Spilled, SpilledRows
from aisle.model.two_tower import inputs
from aisle.model.two_tower.inputs import Catalogue
from aisle.model.two_tower.kin import kin_of
from tests.model.small_towers import catalogue

TABLES = hnp.arrays(
    np.float32, st.tuples(st.integers(0, 7), st.integers(1, 3)), elements=st.floats(-9, 9, width=32)
)


@given(table=TABLES, at_once=st.integers(1, 4), data=st.data())
def test_rows_in_a_file_are_those_of_the_table(
    table: npt.NDArray[np.float32],
    at_once: int,
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    asked = data.draw(st.lists(st.integers(0, len(table) - 1), max_size=9) if len(table) else st.just([]))
    part = slice(data.draw(st.integers(0, len(table))), data.draw(st.integers(0, len(table) + 3)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spilled, "_AT_ONCE", at_once)
        rows = SpilledRows(tf.constant(table), tmp_path_factory.mktemp("rows") / "rows")
        np.testing.assert_array_equal(rows[np.array(asked, np.int64)], table[np.array(asked, np.int64)])
        np.testing.assert_array_equal(rows[part], table[part])
        np.testing.assert_array_equal(rows.tensor().numpy(), table)
    assert (len(rows), rows.shape) == (len(table), table.shape)


def test_a_state_read_again_is_the_same(tmp_path: pathlib.Path) -> None:
    took = {"user_id": ["u", "u", "v"], "session_id": ["1", "2", "3"], "item_id": ["a", "b", "a"]}
    frame = pl.DataFrame({**took, "timestamp": [1, 2, 3], "weight": [1.0, 5.0, 1.0]})
    users = pl.DataFrame({"user_id": ["u"], "country": ["Norway"]})
    state = make_state(frame, users, ["a", "b"], now=10)
    read = Spilled(state, tmp_path / "state.npz").read()
    assert (read.users, read.countries, read.now, read.visit_gap) == (
        ["u", "v"],
        ["Norway", ""],
        10,
        state.visit_gap,
    )
    for field in dataclasses.fields(state):
        one, other = getattr(state, field.name), getattr(read, field.name)
        if field.name == "tables":
            assert {name: list(kept) for name, kept in one.items()} == {
                name: list(kept) for name, kept in other.items()
            }
            pairs = [(kept[name], other[source][name]) for source, kept in one.items() for name in kept]
        else:
            pairs = [(one, other)] if isinstance(one, np.ndarray) else []
        for before, after in pairs:
            assert before.dtype == after.dtype
            np.testing.assert_array_equal(before, after)


def _spilled(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    monkeypatch.setattr(inputs, "_HELD", 30 * 5 * 4 - 1)
    return catalogue().spill(path)


def test_texts_of_a_large_catalogue_alone_go_to_a_file(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = catalogue()
    assert whole.spill(tmp_path / "held") is whole
    assert not (tmp_path / "held").exists()
    large = _spilled(tmp_path / "texts", monkeypatch)
    assert "text" not in large.features
    assert (tmp_path / "texts").stat().st_size == 30 * 5 * 4
    np.testing.assert_array_equal(large.texts(), whole.texts())


def test_towers_begin_alike_wherever_the_texts_are(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, large = catalogue(), _spilled(tmp_path / "texts", monkeypatch)
    vectors = np.random.default_rng(3).normal(size=(31, 4)).astype(np.float32)
    times = np.array([2.0] * 20 + [0.0] * 11, np.float32)
    held, read = (kin_of(one.described, vectors, times, 3, seed=1) for one in (whole, large))
    assert np.abs(held).sum() > 0
    np.testing.assert_array_equal(held, read)


class _Model:
    def __init__(self, told: int | None) -> None:
        self.items = self
        self.catalogue = told


def test_a_model_that_learns_what_texts_say_has_them_in_memory(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = _spilled(tmp_path / "texts", monkeypatch)
    assert large.read_by(_Model(30)) is large  # type: ignore[arg-type]
    learns = large.read_by(_Model(None))  # type: ignore[arg-type]
    np.testing.assert_array_equal(learns.features["text"], catalogue().features["text"])
