"""Reads a BERT folder, trains it on the shop's texts, writes a BERT folder."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from aisle.model.options import PretrainOptions
from aisle.model.text.bert import Tokenizer, load_bert
from aisle.model.text.masked_language import MaskedLanguageModel
from aisle.model.text.pretraining import Pretraining, Texts
from aisle.model.training import history
from aisle.schema.bert.weights import CONFIG, READING, WEIGHTS, sha256, vocabulary_file
from aisle.schema.errors import InputError


def pretrain(
    texts: list[str], bert: str, options: PretrainOptions, code: str, checkpoints: str, folder: str, logs: str
) -> None:
    """Trains BERT on texts.

    A run that was killed goes on from its last checkpoint, and ends with the weights it would have had.

    Args:
        texts: to learn from.
        bert: the folder of the pretrained BERT.
        options: of the training.
        code: what the code is known by: checkpoints of other code are not used.
        checkpoints: a folder that outlives a killed run; emptied in the end.
        folder: receives `config.json`, `model.safetensors`, and the vocabulary and `reading.json` of `bert`.
        logs: receives the curves.

    Raises:
        InputError: the BERT folder, the texts or a checkpoint can't be used.
        AisleError: a loss is not a finite number; nothing is written to `folder`.
    """
    tf.keras.utils.set_random_seed(options.seed)
    tokenizer, loaded = Tokenizer(bert), load_bert(bert)
    most = loaded.config.max_position_embeddings - 2
    if options.pieces > most:
        raise InputError(
            f"pretrain.pieces={options.pieces} is wrong: this BERT reads at most {most} of a text"
        )
    pieces = Texts.of(texts, tokenizer, options)
    counts = np.bincount(pieces.train.flat_values.numpy(), minlength=tokenizer.size)
    training = Pretraining(MaskedLanguageModel(loaded, counts), tokenizer, pieces, options)
    own = _own(checkpoints, _fingerprint(texts, bert, options, code))
    curves = training.run(own, logs)
    history.save(curves, logs)
    with tempfile.TemporaryDirectory() as scratch:
        loaded.save_pretrained(scratch, safe_serialization=True)
        tf.io.gfile.makedirs(folder)
        kept = [(name, bert) for name in _kept(bert)]
        for name, source in ((CONFIG, scratch), (WEIGHTS, scratch), *kept):
            tf.io.gfile.copy(os.path.join(source, name), os.path.join(folder, name), overwrite=True)
    if tf.io.gfile.isdir(own):  # None where there were fewer steps than between checkpoints.
        tf.io.gfile.rmtree(own)


def _fingerprint(texts: list[str], bert: str, options: PretrainOptions, code: str) -> str:
    """Of everything that the weights in the end depend on."""
    digest = hashlib.blake2b(code.encode(), digest_size=8)
    weights = [sha256(str(pathlib.Path(bert) / name)) for name in (CONFIG, WEIGHTS, *_kept(bert))]
    how = options.model_dump() | {"checkpoint_steps": None}
    digest.update(json.dumps([how, weights, sorted(set(texts))], sort_keys=True).encode())
    return digest.hexdigest()


def _kept(bert: str) -> list[str]:
    """The files of a BERT's folder that no training changes."""
    folder = pathlib.Path(bert)
    return [vocabulary_file(folder), *([READING] if (folder / READING).is_file() else [])]


def _own(checkpoints: str, fingerprint: str) -> str:
    """The folder of this training's checkpoints; those of others are of no use any more and are deleted."""
    if tf.io.gfile.isdir(checkpoints):
        for name in tf.io.gfile.listdir(checkpoints):
            if name.rstrip("/") != fingerprint:
                tf.io.gfile.rmtree(os.path.join(checkpoints, name))
    return os.path.join(checkpoints, fingerprint)
