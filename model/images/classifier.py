"""What pictures show, learnt from many photos of each thing: the later stages of the network tuned, and a linear layer on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from aisle.model.images.efficientnet import WIDTH, EfficientNet
from aisle.model.images.views import Views
from aisle.schema.errors import InputError

HELD = 3
"""Stages that stay as they are: they see edges and colours, and would take half of the time."""
_FASTER = 10.0
"""How much faster than the network the new layer learns."""
_DECAY, _SMOOTHED, _DROPPED, _STEEPEST = 0.01, 0.1, 0.2, 5.0


@dataclasses.dataclass(frozen=True)
class Tuning:
    """How long and how fast a network is tuned.

    Example:
        >>> Tuning(passes=3).batch
        32

    Attributes:
        passes: over the photos; a pass over 2,640 of them takes a minute and a half of a processor.
        batch: photos of a step.
        rate: the highest learning rate of the network's own weights; it rises over a tenth of the steps, and falls as a cosine.
        seed: of the order of the photos, of their views and of the new layer.
    """

    passes: int = 12
    batch: int = 32
    rate: float = 3e-4
    seed: int = 1


class PictureClassifier(tf.Module):
    """Says what a picture shows, of things of which there are many photos.

    In training no photo is seen twice in the same way (`Views`). What the photos of one day have in common, light and shelf, tells
    things apart on that day alone.

    Source: Szegedy et al., Rethinking the Inception Architecture, CVPR 2016, for views and smoothed labels; Loshchilov and Hutter,
    Decoupled Weight Decay Regularization, ICLR 2019.

    Example:
        .. code-block:: python

            classifier = PictureClassifier.learn(read_weights(), photos, shown)  # With `pip install 'aisle[images]'`.
            classifier(tf.constant(photos[:1])).shape  # [1, k], of k things
    """

    def __init__(self, weights: Mapping[str, NDArray[Any]], things: int, seed: int = 1) -> None:
        """Args: `weights` as `read_weights` has them; how many `things` there are; `seed` of the new layer."""
        super().__init__()
        self._network = EfficientNet(weights)
        drawn = np.random.default_rng(seed).normal(0, 0.01, (WIDTH, things))
        self._weight, self._bias = tf.Variable(drawn.astype(np.float32)), tf.Variable(tf.zeros([things]))

    @classmethod
    def learn(
        cls,
        weights: Mapping[str, NDArray[Any]],
        pictures: NDArray[np.uint8],
        shown: NDArray[np.integer],
        tuning: Tuning | None = None,
    ) -> PictureClassifier:
        """Learns from labelled photos.

        Args:
            weights: to begin with, as `read_weights` has them.
            pictures: [n, side, side, 3] RGB, of a side that 32 divides; a `numpy.memmap` where they are too many for memory.
            shown: what each shows, whole numbers from 0, [n].
            tuning: how long and how fast; as `Tuning` has it where None.

        Raises:
            InputError: there are no pictures, or others than labels, or fewer than two things.
        """
        tuning = tuning or Tuning()
        if len(pictures) != len(shown) or len(np.unique(shown)) < 2 or np.min(shown) < 0:
            raise InputError(
                f"{len(pictures)} pictures of {len(np.unique(shown))} things with {len(shown)} labels can't be learnt "
                "from; expected a whole number from 0 for each picture, and two things at least"
            )
        model = cls(weights, int(shown.max()) + 1, tuning.seed)
        train = model._trainer(tuning, tuning.passes * _steps(len(pictures), tuning))
        views = Views(tuning.seed)
        for rows in _batches(len(pictures), tuning):
            kept = views.kept((len(rows), WIDTH), 1 - _DROPPED)
            boxes, light = views.boxes(len(rows)), views.light(len(rows))
            train(*map(tf.constant, (pictures[rows], boxes, light, shown[rows].astype(np.int64), kept)))
        return model

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)])
    def __call__(self, pictures: tf.Tensor) -> tf.Tensor:
        """Logits of each picture and its mirror image, on average: uint8 [n, h, w, 3] to float32 [n, k]."""
        seen = (self._seen(pictures) + self._seen(tf.reverse(pictures, [2]))) / 2
        return self._logits(seen)

    def _seen(self, pictures: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(self._network(pictures, HELD)[-1], [1, 2])

    def _logits(self, seen: tf.Tensor) -> tf.Tensor:
        return tf.matmul(seen, self._weight) + self._bias

    def _trainer(self, tuning: Tuning, steps: int) -> Any:
        """A function of a step: pictures, how they are viewed, what they show, and which features are kept."""
        network, layer = self._network.weights_from(HELD), [self._weight, self._bias]
        slow, fast = _optimizer(tuning.rate, steps), _optimizer(tuning.rate * _FASTER, steps)
        slow.build(network)
        fast.build(layer)

        @tf.function(reduce_retracing=True)
        def train(
            pictures: tf.Tensor, boxes: tf.Tensor, light: tf.Tensor, shown: tf.Tensor, kept: tf.Tensor
        ) -> None:
            viewed = Views.of(pictures, boxes, light)
            wanted = tf.one_hot(shown, self._bias.shape[0])
            wanted += _SMOOTHED * (1 / self._bias.shape[0] - wanted)
            with tf.GradientTape() as tape:
                logits = self._logits(self._seen(viewed) * kept)
                loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(wanted, logits))
            gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, network + layer), _STEEPEST)
            slow.apply_gradients(zip(gradients[: len(network)], network, strict=True))
            fast.apply_gradients(zip(gradients[len(network) :], layer, strict=True))

        return train


def _optimizer(rate: float, steps: int) -> Any:
    warm = max(1, steps // 10)
    decay = tf.keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm), alpha=0.01, warmup_target=rate, warmup_steps=warm
    )
    return tf.keras.optimizers.AdamW(decay, weight_decay=_DECAY)


def _steps(count: int, tuning: Tuning) -> int:
    return count // min(tuning.batch, count)


def _batches(count: int, tuning: Tuning) -> Iterator[NDArray[np.int64]]:
    """The rows of each step; what is left of a pass is left out of it."""
    size = min(tuning.batch, count)
    for number in range(tuning.passes):
        order = np.random.default_rng([tuning.seed, number]).permutation(count)
        for step in range(_steps(count, tuning)):
            # Ascending: a file that is mapped into memory is read in order.
            yield np.sort(order[step * size : (step + 1) * size])
