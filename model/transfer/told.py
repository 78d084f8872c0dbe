"""What a model says of the parts that it took from another shop."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from aisle.model.gain import Gain
from aisle.schema.contract import EXTRA_FOLDER, TRANSFER_FILE


def tell(folder: str, gains: Sequence[Gain]) -> None:
    """Writes into a model's `assets.extra` which parts are on, and what each won; nothing where none was tried."""
    if gains:
        extra = os.path.join(folder, EXTRA_FOLDER)
        tf.io.gfile.makedirs(extra)
        with tf.io.gfile.GFile(os.path.join(extra, TRANSFER_FILE), "w") as file:
            file.write(json.dumps([gain.record() for gain in gains]))


def told(folder: str) -> list[Gain]:
    """What a model says of it, none where it says nothing."""
    path = os.path.join(folder, EXTRA_FOLDER, TRANSFER_FILE)
    if not tf.io.gfile.exists(path):
        return []
    with tf.io.gfile.GFile(path) as file:
        found: list[dict[str, Any]] = json.loads(file.read())
    return [Gain(**one) for one in found]
