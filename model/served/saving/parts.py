"""A model that was saved, saved again with what its variables hold now."""

from __future__ import annotations

import os

import tensorflow as tf
from tensorflow.python.saved_model import fingerprinting_utils

_VARIABLES = "variables"


def save_again(module: tf.Module, saved: str, folder: str) -> None:
    """Writes the SavedModel of a module whose variables have changed since it was saved, and nothing else of it.

    Saving a large module takes seconds that go into its graph, which is the same. A checkpoint of the module and the
    variables of its SavedModel name the same things by the same keys.

    Args:
        module: that was saved.
        saved: the folder of its SavedModel, whose graph may have been rewritten since.
        folder: for the new one.
    """
    for path, _, files in tf.io.gfile.walk(saved):
        inside = os.path.relpath(path, saved)
        if inside == _VARIABLES:
            continue
        target = os.path.normpath(os.path.join(folder, inside))
        tf.io.gfile.makedirs(target)
        for name in files:
            tf.io.gfile.copy(os.path.join(path, name), os.path.join(target, name), overwrite=True)
    tf.train.Checkpoint(root=module).write(os.path.join(folder, _VARIABLES, _VARIABLES))
    fingerprinting_utils.write_fingerprint(folder)
