"""A pushed version whose two-tower reads with a given BERT, and has nothing else."""

from __future__ import annotations

import pathlib

import tensorflow as tf

from aisle.model.text.bert import SentenceEncoder
from aisle.model.text.lent import write_beside
from aisle.model.transfer.taught import Taught


class _Tower(tf.Module):
    """Holds the encoder as `TwoTowerModule` does."""

    def __init__(self, bert: str) -> None:
        super().__init__()
        encoder = SentenceEncoder(bert)
        self.encoder_weights = list(encoder.bert.variables)
        self.tokenizer = encoder.tokenizer


class _Retriever(tf.Module):
    def __init__(self, tower: tf.Module) -> None:
        super().__init__()
        self.tower = tower


class _Served(tf.Module):
    def __init__(self, tower: tf.Module) -> None:
        super().__init__()
        self.retriever = _Retriever(tower)


def push(bert: str, folder: pathlib.Path) -> str:
    """Writes a SavedModel, what it teaches, and its encoder; returns the folder."""
    tf.saved_model.save(_Tower(bert), f"{folder}-tower")
    tf.saved_model.save(_Served(tf.saved_model.load(f"{folder}-tower")), str(folder))
    Taught(None, None).write(str(folder))
    write_beside([str(folder)], bert)
    return str(folder)
