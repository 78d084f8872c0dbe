"""Teaches an OrderTower what comes next, at every place of every sequence at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from aisle.model.options import TwoTowerOptions
from aisle.model.two_tower.order import OrderTower, sampled_softmax
from aisle.model.two_tower.order_validation import Validation
from aisle.model.two_tower.sequences import Ints, Packed, pack

BLOCKS = 2
DROPOUT = 0.4
RATE = 0.001
DRAWN = 2048
"""Items drawn a step, which stand for all others."""
_ROWS = 32
"""Packed rows a step."""
_VALIDATIONS = 30
"""Of the whole training at least; also every other time that all sequences were gone through."""
_PATIENCE = 6


def learn(
    sequences: list[Ints], items: int, options: TwoTowerOptions, validation: Validation
) -> tuple[OrderTower, int]:
    """Trains until the validation's queries are no longer foretold better.

    Args:
        sequences: of item ids; see `sequences_of`.
        items: the size of their vocabulary.
        options: `order_width`, `order_steps` and `seed`.
        validation: by which the best moment is told, and the share.

    Returns:
        The tower as it was best, and after how many steps that was.
    """
    tower, step = _begun(sequences, items, options)
    best, weights, steps, waited = validation.value(tower), _values(tower), 0, 0
    epoch = -(-len(pack(sequences, np.random.default_rng(options.seed)).ids) // _ROWS)
    every = max(1, min(options.order_steps // _VALIDATIONS, 2 * epoch))
    for number, batch in enumerate(_batches(sequences, items, options), 1):
        step(*batch)
        if number % every == 0:
            value = validation.value(tower)
            waited = 0 if value > best else waited + 1
            if not waited:
                best, weights, steps = value, _values(tower), number
            if waited == _PATIENCE:
                break
    for variable, kept in zip(tower.variables, weights, strict=True):
        variable.assign(kept)
    validation.set_share(tower)
    return tower, steps


def learn_again(
    sequences: list[Ints], items: int, options: TwoTowerOptions, like: OrderTower, steps: int
) -> OrderTower:
    """Trains for so many steps, on sequences that go on further; the share is that of `like`."""
    tower, step = _begun(sequences, items, options)
    for _, batch in zip(range(steps), _batches(sequences, items, options), strict=False):
        step(*batch)
    tower.share.assign(like.share)
    return tower


def _begun(
    sequences: list[Ints], items: int, options: TwoTowerOptions
) -> tuple[OrderTower, Callable[..., tf.Tensor]]:
    """A tower as it begins, and what takes a step of its training."""
    tf.keras.utils.set_random_seed(options.seed)
    tower = OrderTower(items, options.order_width, BLOCKS, DROPOUT)
    tower.seen.assign(np.minimum(np.bincount(np.concatenate(sequences), minlength=items), 1))
    optimizer = tf.keras.optimizers.Adam(RATE, beta_2=0.98)
    optimizer.build(tower.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(ids: tf.Tensor, segments: tf.Tensor, targets: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            followed = targets >= 0
            states = tf.boolean_mask(tower.states(ids, segments, training=True), followed)
            loss = sampled_softmax(states, tower.vectors, tf.boolean_mask(targets, followed), drawn)
        slopes = [tf.convert_to_tensor(one) for one in tape.gradient(loss, tower.trainable_variables)]
        optimizer.apply_gradients(zip(slopes, tower.trainable_variables, strict=True))
        return loss

    return tower, step


def _batches(sequences: list[Ints], items: int, options: TwoTowerOptions) -> Iterator[tuple[Ints, ...]]:
    """`order_steps` batches: ids, segments, targets and the items drawn."""
    rng = np.random.default_rng(options.seed)
    left = options.order_steps
    while left > 0:
        packed: Packed = pack(sequences, rng)
        for start in range(0, len(packed.ids), _ROWS):
            if left <= 0:
                break
            part = slice(start, start + _ROWS)
            drawn = rng.choice(items, min(DRAWN, items), replace=False, shuffle=False).astype(np.int32)
            yield packed.ids[part], packed.segments[part], packed.targets[part], drawn
            left -= 1


def _values(tower: OrderTower) -> list[tf.Tensor]:
    return [variable.numpy() for variable in tower.variables]
