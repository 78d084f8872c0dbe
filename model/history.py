"""Keeps a training's curves where TensorBoard and the Evaluator find them."""

from __future__ import annotations

import json
import os

import tensorflow as tf

HISTORY_FILE = "history.json"


def callbacks(folder: str) -> list[tf.keras.callbacks.Callback]:
    """TensorBoard's log of every epoch, and a stop at the first loss that is not a number."""
    return [
        tf.keras.callbacks.TensorBoard(log_dir=folder, write_graph=False),
        tf.keras.callbacks.TerminateOnNaN(),
    ]


def finish(history: tf.keras.callbacks.History, folder: str) -> None:
    """Writes the curves as JSON.

    Raises:
        FloatingPointError: a loss was not a number: nothing may be exported from such a training.
    """
    curves = {name: [float(value) for value in values] for name, values in history.history.items()}
    if any(value != value for value in curves["loss"]):
        raise FloatingPointError("the training's loss became NaN; lower the learning rate or check the data")
    tf.io.gfile.makedirs(folder)
    with tf.io.gfile.GFile(os.path.join(folder, HISTORY_FILE), "w") as file:
        file.write(json.dumps(curves))
