"""What retrieval asks of an exported two-tower, loaded or made for a test."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.model.spilled import SpilledRows

_READ = (
    *("item_ids", "text_embeddings", "text_neighbours", "reads_order"),
    *("transform", "tokenizer", "encoder_weights"),
)
"""The parts of an exported two-tower that have variables, but for its towers."""
_VALUE = ".ATTRIBUTES/VARIABLE_VALUE"
"""What stands behind a variable's name in a checkpoint."""


class Tower(Protocol):
    """A TwoTowerModule.

    Example:
        >>> tower: Tower = bundle.retriever.tower
        >>> (text,) = tower.embed_text(tf.constant(["jogging trainers"]))
        >>> tower.item_ids[tf.argmax(tf.linalg.matvec(tower.text_embeddings, text))].numpy().decode()
        'shoe'

    Attributes:
        item_ids: of the catalogue, string [n].
        item_embeddings: of the items, float32 [n, d].
        text_embeddings: of their titles and descriptions, float32 [n, t].
        text_neighbours: the items with the texts most alike to each, int32 [n, m].
    """

    item_ids: tf.Tensor
    item_embeddings: tf.Tensor
    text_embeddings: tf.Tensor
    text_neighbours: tf.Tensor

    def embed_text(self, text: tf.Tensor) -> tf.Tensor:
        """Texts as vectors: string [b] to float32 [b, t]."""

    def embed_query(
        self,
        user_id: tf.Tensor,
        country: tf.Tensor,
        text: tf.Tensor,
        history: tf.Tensor,
        age: tf.Tensor,
        weight: tf.Tensor,
    ) -> tf.Tensor:
        """Users as vectors, of who they are and what they took: float32 [b, d]."""


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """A loaded two-tower as it was before it saw the validation window: see Tower for its attributes.

    Example:
        >>> tower = HeldOut(bundle.retriever.tower, bundle.retriever.tower)
        >>> tower.item_ids.shape == tower.item_embeddings.shape[:1]
        True

    Attributes:
        whole: as loaded.
        towers: its part that has not seen the window.
    """

    whole: Any
    towers: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.towers if name in ("item_embeddings", "embed_query") else self.whole, name)


def catalogue_of(folder: str) -> list[str]:
    """The ids of the catalogue of an exported two-tower, of which nothing else is read."""
    return [item.decode() for item in _variable(folder, "item_ids")]


def _variable(folder: str, name: str) -> Any:
    return tf.train.load_variable(_variables(folder), f"{name}/{_VALUE}")


def texts_of(folder: str, path: pathlib.Path) -> SpilledRows:
    """The embeddings of an exported two-tower's texts, of which nothing else is read, in a file.

    Args:
        folder: of the two-tower.
        path: of a file that there isn't yet.
    """
    return SpilledRows(_variable(folder, "text_embeddings"), path)


def vectors_of(folder: str, name: str) -> npt.NDArray[np.float32]:
    """A table of the items' vectors, [n, d], that has not seen the validation window; of the two-tower nothing else is read.

    Args:
        folder: of an exported two-tower.
        name: `item_embeddings` or `text_embeddings`.
    """
    there = {key for key, _ in tf.train.list_variables(_variables(folder))}
    before = f"held_out/{name}"
    return np.asarray(_variable(folder, before if f"{before}/{_VALUE}" in there else name))


def load_held_out(folder: str) -> Tower:
    """Loads what the ranking head learns from: the towers that have not seen the validation window.

    Those that have are not even read: two tables as large as the catalogue.

    Args:
        folder: of an exported two-tower; one whose towers were not trained again is loaded whole.
    """
    return held_out(_loaded(folder, (*_READ, "held_out")))


def load_served(folder: str) -> Tower:
    """Loads what a served model holds: without the towers that have not seen the validation window, which serve nobody.

    Args:
        folder: of an exported two-tower, see `load_held_out`.
    """
    return served(_loaded(folder, (*_READ, "item_embeddings", "towers")))


def _loaded(folder: str, parts: tuple[str, ...]) -> Any:
    """A two-tower of which some parts are read; all of one whose towers were not trained again."""
    if not any(name.startswith("held_out/") for name, _ in tf.train.list_variables(_variables(folder))):
        return tf.saved_model.load(folder)
    options = tf.saved_model.LoadOptions(experimental_skip_checkpoint=True)
    loaded = tf.saved_model.load(folder, options=options)
    read = tf.train.Checkpoint(**{name: getattr(loaded, name) for name in parts})
    read.read(_variables(folder)).assert_existing_objects_matched().expect_partial()
    return loaded


def _variables(folder: str) -> str:
    return os.path.join(folder, "variables", "variables")


def held_out(loaded: Any) -> Tower:
    """What the ranking head learns from: the towers that have not seen the validation window.

    Args:
        loaded: an exported two-tower; one whose towers were not trained again is returned as it is, else it loses those
            that have seen the window, which nothing here asks: half a gigabyte, twice, of a million items.
    """
    towers = getattr(loaded, "held_out", None)
    if towers is None:
        return loaded  # type: ignore[no-any-return]
    del loaded.towers, loaded.item_embeddings, loaded.embed_query
    return HeldOut(loaded, towers)


def served(loaded: Any) -> Tower:
    """What a served model holds: without the towers that serve nobody."""
    if hasattr(loaded, "held_out"):
        del loaded.held_out
    return loaded  # type: ignore[no-any-return]
