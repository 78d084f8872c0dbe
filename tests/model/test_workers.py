"""Training by several processes, and in mixed precision, comes to what one process in float32 comes to."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from aisle.model.training import workers
from aisle.model.training.workers import Part
from aisle.model.two_tower.inputs import batches
from aisle.model.two_tower.training import compiled
from aisle.schema.errors import InputError
from tests.model import worker_training as training
from tests.model.small_towers import SIZES, catalogue, queries
from tests.model.two_workers import trained_by_two

PARTS = {"two_tower": training.TOWER, "features_head": training.HEAD}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What this process comes to."""
    folder = tmp_path_factory.mktemp("alone")
    return {part: getattr(training, part)(folder / part) for part in PARTS}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes comes to that train together, the chief first."""
    return trained_by_two(tmp_path_factory.mktemp("both"), list(PARTS))


@pytest.mark.parametrize("part", PARTS)
def test_two_workers_reach_the_losses_and_the_weights_of_one(
    part: str, alone: dict[str, Any], both: list[dict[str, Any]]
) -> None:
    chief, other = (found[part] for found in both)
    assert chief.keys() == alone[part].keys()
    for name, values in alone[part].items():
        np.testing.assert_allclose(chief[name], values, rtol=1e-4, atol=1e-6, err_msg=name)
    assert other["weights"] == chief["weights"]


def test_the_chief_alone_writes_the_curves(both: list[dict[str, Any]]) -> None:
    assert [found["chief"] for found in both] == [True, False]
    for part in PARTS:
        assert [set(found[part]) > {"weights"} for found in both] == [True, False]


@pytest.mark.parametrize("part", PARTS)
def test_mixed_precision_comes_to_nearly_the_same_loss(
    part: str, alone: dict[str, Any], tmp_path: pathlib.Path
) -> None:
    mixed = PARTS[part].model_copy(update={"mixed_precision": True})
    found = getattr(training, part)(tmp_path, mixed)
    assert found["loss"] != alone[part]["loss"]
    np.testing.assert_allclose(found["loss"], alone[part]["loss"], rtol=0.01)


def test_what_is_exported_of_mixed_precision_is_float32() -> None:
    options = training.TOWER.model_copy(update={"mixed_precision": True})
    batch = next(iter(batches(queries(), catalogue(), options)))
    model = compiled(SIZES, options)
    model.compute_loss(batch)

    def kinds(towers: Any) -> set[str]:
        graph = tf.function(towers.compute_loss).get_concrete_function(batch).graph
        return {tensor.dtype.name for op in graph.get_operations() for tensor in op.outputs}

    assert "bfloat16" in kinds(model)
    exported = model.alone(batch)
    assert "bfloat16" not in kinds(exported)
    assert {weight.dtype.name for weight in exported.weights} == {"float32"}
    for mine, its in zip(model.get_weights(), exported.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)


@given(st.integers(0, 20), st.integers(1, 5))
def test_the_parts_of_a_batch_hold_each_row_once_and_differ_by_one_at_most(rows: int, parts: int) -> None:
    found = [Part(number, parts).of(tf.range(rows)).numpy().tolist() for number in range(parts)]
    assert sorted(sum(found, [])) == list(range(rows))
    assert max(map(len, found)) - min(map(len, found)) <= 1


@pytest.mark.parametrize("told", ["worker", "[1]", '{"cluster": 3}'])
def test_a_tf_config_that_is_none_is_told(told: str) -> None:
    with pytest.raises(InputError, match="TF_CONFIG is .*expected JSON"):
        workers._workers(told)


def test_one_worker_trains_as_none_does() -> None:
    alone = {
        "cluster": {"worker": ["localhost:1"], "ps": ["localhost:2"]},
        "task": {"type": "worker", "index": 0},
    }
    assert workers._workers(json.dumps(alone)) == workers._workers("") == 1
    assert workers._workers('{"cluster": {"chief": ["a:1"], "worker": ["b:1", "c:1"]}}') == 3


def test_a_process_that_has_computed_before_it_met_the_others_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tf.zeros(1)
    cluster = {"worker": ["localhost:1", "localhost:2"]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}}))
    with pytest.raises(InputError, match="TF_CONFIG names several workers, .* a process of its own"):
        workers.strategy.__wrapped__()
