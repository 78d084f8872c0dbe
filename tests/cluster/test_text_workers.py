"""The part of the ranking head that reads is trained by two processes, and in mixed precision, as by one in float32."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

from tests.model import worker_training as training
from tests.model.two_workers import trained_by_two


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What this process comes to."""
    return training.text_head(tmp_path_factory.mktemp("alone"))


def test_two_workers_reach_the_losses_and_the_weights_of_one(
    alone: dict[str, Any], tmp_path: pathlib.Path
) -> None:
    chief, other = (found["text_head"] for found in trained_by_two(tmp_path, ["text_head"]))
    for name, values in alone.items():
        np.testing.assert_allclose(chief[name], values, rtol=1e-3, atol=1e-5, err_msg=name)
    assert other["weights"] == chief["weights"]


def test_mixed_precision_comes_to_nearly_the_same_loss(alone: dict[str, Any], tmp_path: pathlib.Path) -> None:
    found = training.text_head(tmp_path, training.TEXT.model_copy(update={"mixed_precision": True}))
    assert found["loss"] != alone["loss"]
    np.testing.assert_allclose(found["loss"], alone["loss"], rtol=0.01)
