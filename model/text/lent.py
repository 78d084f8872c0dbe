"""The encoder that a shop's model reads with, for another shop: its weights are in the model, the rest of its folder beside it."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Iterable

import numpy as np
import tensorflow as tf
from transformers import BertConfig, TFBertModel

from aisle.model.text.bert import load_bert
from aisle.schema.bert.files import check_bert
from aisle.schema.bert.weights import CONFIG, READING, VOCABULARIES, vocabulary_file
from aisle.schema.contract import ENCODER_FOLDER, EXTRA_FOLDER
from aisle.schema.errors import InputError

_STORED = re.compile(r"(?:^|/)encoder_weights/(\d+)/\.ATTRIBUTES/VARIABLE_VALUE$")
"""A weight by its place, as `TwoTowerModule` holds them and TensorFlow names them in a checkpoint."""
_MEND = "run aisle on that shop again, or begin without --from"


def write_beside(folders: Iterable[str], bert: str) -> None:
    """Writes into the `assets.extra` of each model what its encoder's folder holds but the weights, which the model has.

    Args:
        folders: of the served model.
        bert: the folder of its encoder.
    """
    names = [CONFIG, vocabulary_file(pathlib.Path(bert)), READING]
    for folder in folders:
        beside = os.path.join(folder, EXTRA_FOLDER, ENCODER_FOLDER)
        tf.io.gfile.makedirs(beside)
        for name in names:
            if os.path.isfile(os.path.join(bert, name)):
                tf.io.gfile.copy(os.path.join(bert, name), os.path.join(beside, name), overwrite=True)


def write_encoder(model: str, folder: str) -> bool:
    """Writes the folder of the encoder that a served model reads with; False where the model doesn't tell it.

    Args:
        model: a pushed version.
        folder: receives `config.json`, `model.safetensors`, the vocabulary and `reading.json`; it exists.

    Raises:
        InputError: what the model holds of it is damaged.
    """
    beside = pathlib.Path(model) / EXTRA_FOLDER / ENCODER_FOLDER
    if not beside.is_dir():
        return False
    try:
        config = BertConfig.from_pretrained(str(beside))
        bert = TFBertModel(config, add_pooling_layer=False)
        bert(tf.constant([[0]]))
        bert.set_weights(_weights(os.path.join(model, "variables", "variables")))
        bert.save_pretrained(folder, safe_serialization=True)
        for name in (vocabulary_file(beside), READING):
            if name and (beside / name).is_file():
                (pathlib.Path(folder) / name).write_bytes((beside / name).read_bytes())
        check_bert(folder)
    except (OSError, ValueError, KeyError, TypeError, tf.errors.OpError, InputError) as error:
        said = " ".join(str(error).split())[:200].replace(folder, str(beside))
        raise InputError(f"the encoder of the model {model} can't be read ({said}): {_MEND}") from error
    return True


def same_encoder(one: str, other: str) -> bool:
    """Whether two folders hold the same encoder: one vocabulary, one way to read, and the same weights.

    Raises:
        InputError: a folder can't be used.
    """
    folders = pathlib.Path(one), pathlib.Path(other)
    for name in (*VOCABULARIES, READING):
        first, second = (
            (folder / name).read_bytes() if (folder / name).is_file() else b"" for folder in folders
        )
        if first != second:
            return False
    weights, others = (load_bert(str(folder)).get_weights() for folder in folders)
    pairs = zip(weights, others, strict=False)
    return len(weights) == len(others) and all(np.array_equal(ours, theirs) for ours, theirs in pairs)


def _weights(checkpoint: str) -> list[np.ndarray]:
    """Those of the encoder in a served model, in the order of its variables.

    Raises:
        ValueError: some are missing.
    """
    reader = tf.train.load_checkpoint(checkpoint)
    places = {
        int(found.group(1)): name
        for name in reader.get_variable_to_shape_map()
        if (found := _STORED.search(name))
    }
    if not places or sorted(places) != list(range(len(places))):
        raise ValueError(f"of its weights there are {len(places)}, not all")
    return [reader.get_tensor(places[place]) for place in range(len(places))]
