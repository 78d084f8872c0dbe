"""What retrieval asks of an exported two-tower, loaded or made for a test."""

from __future__ import annotations

from typing import Protocol

import tensorflow as tf


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
