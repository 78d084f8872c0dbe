"""A SavedModel in parts: what its variables hold as of each moment, and the graph, which is the same.

A large shop has no room to trace a graph beside the tables that it reads, and tracing takes most of the time. A checkpoint of a module
and the variables of its SavedModel name the same things by the same keys, whether it was traced or not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import tensorflow as tf
from tensorflow.python.saved_model import fingerprinting_utils

_VARIABLES = "variables"
_LARGE = 1 << 20
_TEXT = 24
"""Bytes of what is let go, and of a text, whose type tells no size."""


def write_variables(module: tf.Module, folder: str) -> None:
    """Writes what the variables of a module hold now. Args: `folder`: of a SavedModel that lacks nothing but `write_graph`."""
    tf.train.Checkpoint(root=module).write(os.path.join(folder, _VARIABLES, _VARIABLES))


def variables_of(module: tf.Module) -> list[tf.Variable]:
    """All variables of a module, those of loaded models in it, too."""
    return [part for part in tf.train.TrackableView(module).descendants() if isinstance(part, tf.Variable)]


def let_go(variables: Iterable[tf.Variable]) -> None:
    """Empties those that are large: what has them can be traced and saved, but not asked until they are assigned to again.

    For what is traced their shapes and types stay as they were.
    """
    for part in variables:
        if int(tf.size(part)) * (part.dtype.size or _TEXT) >= _LARGE:
            nothing = tf.constant([], part.dtype, [0])
            # Other than `assign`, which asks for the same shape.
            tf.raw_ops.AssignVariableOp(resource=part.handle, value=nothing)


def write_graph(saved: str, folder: str) -> None:
    """Writes all of a SavedModel but its variables, which are there already, into another's folder.

    Args:
        saved: the folder of a SavedModel of the module.
        folder: that `write_variables` was given.
    """
    for path, _, files in tf.io.gfile.walk(saved):
        inside = os.path.relpath(path, saved)
        if inside == _VARIABLES:
            continue
        target = os.path.normpath(os.path.join(folder, inside))
        tf.io.gfile.makedirs(target)
        for name in files:
            tf.io.gfile.copy(os.path.join(path, name), os.path.join(target, name), overwrite=True)
    fingerprinting_utils.write_fingerprint(folder)
