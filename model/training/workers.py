"""Several processes that train one model together, as TF_CONFIG names them."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from collections.abc import Callable

import tensorflow as tf

from aisle.schema.errors import InputError

VARIABLE = "TF_CONFIG"
"""The environment variable that names the processes and says which of them this one is."""


@dataclasses.dataclass(frozen=True)
class Part:
    """What one replica reads of each batch that all of them learn from.

    Example:
        >>> Part(1, 3).of(tf.constant([0, 1, 2, 3, 4])).numpy().tolist()
        [1, 4]

    Attributes:
        number: of the part, from 0.
        parts: how many there are.
    """

    number: int = 0
    parts: int = 1

    def of(self, rows: tf.Tensor) -> tf.Tensor:
        """Every `parts`th row, from the one of the part's number."""
        return rows[self.number :: self.parts]


WHOLE = Part()
"""All of each batch."""


@functools.cache
def strategy() -> tf.distribute.Strategy:
    """How this process trains: with the other workers where TF_CONFIG names more than one, else alone.

    The first call waits until all workers are there, and must come before TensorFlow computes anything.

    Raises:
        InputError: TF_CONFIG can't be read, or TensorFlow has begun.
    """
    if _workers(os.environ.get(VARIABLE, "")) < 2:
        return tf.distribute.get_strategy()
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise InputError(
            f"{VARIABLE} names several workers, but TensorFlow has computed in this process before it met them; "
            "expected a training in a process of its own: run the Trainer's step of a compiled pipeline on each"
        ) from error


def are_one() -> bool:
    """Whether one replica trains, in this process."""
    return int(strategy().num_replicas_in_sync) == 1


def is_chief() -> bool:
    """Whether this process is the one that writes."""
    return bool(strategy().extended.should_checkpoint)


def distributed(make: Callable[[Part], tf.data.Dataset]) -> tf.data.Dataset:
    """Batches for `fit`, of which each replica reads its part.

    Args:
        make: the batches of a part; the same number of each.
    """
    chosen = strategy()

    def of_this_process(context: tf.distribute.InputContext) -> tf.data.Dataset:
        parts = chosen.num_replicas_in_sync
        here = parts // context.num_input_pipelines
        made = [make(Part(here * context.input_pipeline_id + number, parts)) for number in range(here)]
        # A process hands one element after the other to its replicas.
        return made[0] if here == 1 else tf.data.Dataset.choose_from_datasets(made, _in_turn(here))

    return chosen.distribute_datasets_from_function(of_this_process)


def mean(value: float) -> float:
    """The mean over all workers, the same in each, so that all decide alike."""
    return value if are_one() else float(_mean(tf.constant(value, tf.float64)))


def agree(yes: bool) -> bool:
    """What most workers say, so that all do the same."""
    return mean(float(yes)) > 0.5


def wait() -> None:
    """Returns when every worker has come here."""
    mean(0.0)


@tf.function
def _mean(value: tf.Tensor) -> tf.Tensor:
    chosen = strategy()
    return chosen.reduce("MEAN", chosen.run(tf.identity, (value,)), axis=None)


def _in_turn(count: int) -> tf.data.Dataset:
    return tf.data.Dataset.range(count).repeat()


def _workers(told: str) -> int:
    """How many processes train.

    Raises:
        InputError: `told` is no TF_CONFIG.
    """
    if not told:
        return 1
    try:
        cluster = json.loads(told).get("cluster", {})
        return sum(len(cluster.get(kind, ())) for kind in ("chief", "worker"))
    except (ValueError, AttributeError, TypeError) as error:
        raise InputError(
            f"{VARIABLE} is {told[:100]!r}; expected JSON as "
            '{"cluster": {"worker": ["HOST:PORT", …]}, "task": {"type": "worker", "index": 0}}'
        ) from error
