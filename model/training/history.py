"""Keeps a training's curves where TensorBoard and the Evaluator find them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence

import tensorflow as tf

from aisle.model.training import workers
from aisle.schema.errors import AisleError
from aisle.schema.training import HISTORY_FILE


def callbacks(folder: str) -> list[tf.keras.callbacks.Callback]:
    """TensorBoard's log of every epoch, which the chief writes, and a stop at the first loss that is not a number."""
    log = [tf.keras.callbacks.TensorBoard(log_dir=folder, write_graph=False)] if workers.is_chief() else []
    return [*log, tf.keras.callbacks.TerminateOnNaN()]


def best(patience: int) -> tf.keras.callbacks.Callback:
    """Keeps the weights of the epoch with the lowest validation loss, and stops `patience` epochs after it."""
    return tf.keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)


def finish(history: tf.keras.callbacks.History, folder: str) -> None:
    """Writes the curves of a Keras training, where this process is the chief.

    Raises:
        AisleError: a loss was not a finite number: nothing may be exported from such a training.

    Example:
        >>> result = tf.keras.callbacks.History()
        >>> result.history = {"loss": [0.7, float("nan")]}
        >>> finish(result, folder="")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        aisle.schema.errors.AisleError: the training's loss became nan in epoch 2, and nothing was exported; ...
    """
    curves = {name: [float(value) for value in values] for name, values in history.history.items()}
    for epoch, value in enumerate(curves["loss"], 1):
        if not math.isfinite(value):
            raise AisleError(
                f"the training's loss became {value:g} in epoch {epoch}, and nothing was exported; expected a finite "
                "number: lower retrieval.learning_rate or ranker.learning_rate, or check the data"
            )
    if workers.is_chief():
        save(curves, folder)


def save(curves: Mapping[str, Sequence[float]], folder: str) -> None:
    """Writes curves by name as JSON."""
    tf.io.gfile.makedirs(folder)
    with tf.io.gfile.GFile(os.path.join(folder, HISTORY_FILE), "w") as file:
        file.write(json.dumps(curves))
