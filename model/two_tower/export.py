"""Exports the trained two-tower as a SavedModel that needs neither Keras nor TFX to use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from aisle.model.text.bert import SentenceEncoder
from aisle.model.two_tower.model import QueryTower, TwoTower, counted, embedded
from aisle.model.two_tower.order import OrderTower
from aisle.schema import features as f

NEIGHBOURS = 10
_COMPARED = 100_000
"""Of a larger catalogue every text is compared with every other in hours: an item's neighbour is itself there."""
_BLOCK = 512


class Towers(tf.Module):
    """The towers of one training, as they are exported: the model they are of may go.

    Example:
        .. code-block:: python

            towers = Towers(model, transform.transform_features_layer(), catalogue.features)
            towers.item_embeddings  # float32 [n, width]

    Attributes:
        item_embeddings: float32 [n, width], the item tower's vector of each item; beside it, the one that the order of
            a history meets, where there is an order tower.
    """

    def __init__(
        self,
        model: TwoTower,
        transform: Callable[..., Any],
        item_features: dict[str, tf.Tensor],
        order: OrderTower | None = None,
    ) -> None:
        """Args: `transform`: the layer of TF-Transform. `order`: None reads no order."""
        super().__init__()
        vectors = embedded(model, item_features)
        if order is not None:
            vectors = tf.concat([vectors, order.items(item_features["item_id"])], 1)
        self.item_embeddings, self.order = tf.Variable(vectors, trainable=False), order
        # Keras would trace every layer's own functions if it met the models; their weights are enough.
        self.tower_weights = list(model.queries.variables)
        one = tf.TensorSpec([None], tf.string)
        strings, floats = tf.TensorSpec([None, None], tf.string), tf.TensorSpec([None, None], tf.float32)
        text = tf.TensorSpec([None, model.text_width], tf.float32)
        self.embed_query = tf.function(
            _query_embedding(model.queries, transform, order),
            input_signature=[one, one, text, strings, floats, floats],
        )


class TwoTowerModule(tf.Module):
    """The exported two-tower.

    Example:
        .. code-block:: python

            tower = tf.saved_model.load(folder)  # As `export` wrote it.
            text = tower.embed_text(tf.constant(["red mug"]))  # float32 [1, text width]
            nearest = tf.argmax(tf.matmul(text, tower.text_embeddings, transpose_b=True), 1)
            tf.gather(tower.item_ids, nearest)

    Attributes:
        item_ids: string [n], the catalogue.
        item_embeddings: float32 [n, width], the item tower's vector of each item.
        text_embeddings: float32 [n, text width], what each item says: see `SentenceEncoder.encode_items`.
        text_neighbours: int32 [n, NEIGHBOURS or fewer], the items that say the most alike; see `nearest_texts`.
        reads_order: whether its vectors read histories in their order, too (bool []).
        held_out: the Towers that have not seen the validation window, where there are such.
    """

    def __init__(
        self,
        towers: Towers,
        transform: tf.keras.layers.Layer,
        encoder: SentenceEncoder,
        item_ids: tf.Tensor,
        texts: tf.Tensor,
        held_out: Towers | None = None,
    ) -> None:
        """Args: `transform`: the layer of TF-Transform. `texts`: their embeddings. `held_out`: if others than `towers`."""
        super().__init__()
        self.transform = transform
        self.item_ids = tf.Variable(item_ids, trainable=False)
        self.text_embeddings = tf.Variable(texts, trainable=False)
        self.text_neighbours = tf.Variable(nearest_texts(texts), trainable=False)
        self.reads_order = tf.Variable(towers.order is not None, trainable=False)
        self.towers = towers
        self.item_embeddings, self.embed_query = towers.item_embeddings, towers.embed_query
        if held_out is not None:
            self.held_out = held_out
        self.encoder_weights = list(encoder.bert.variables)
        self.tokenizer = encoder.tokenizer

        def embed_text(text: tf.Tensor) -> tf.Tensor:
            return encoder(text)

        self.embed_text = tf.function(embed_text, input_signature=[tf.TensorSpec([None], tf.string)])


def export(module: TwoTowerModule, folder: str) -> None:
    """Writes it; `serving_default` maps texts to sentence embeddings."""
    tf.saved_model.save(module, folder, signatures={"serving_default": module.embed_text})


def _query_embedding(
    queries: QueryTower, transform_layer: Callable[..., Any], order: OrderTower | None
) -> Callable[..., tf.Tensor]:
    """The query tower on raw features: strings [b], text [b, text width], history [b, h] to [b, width]."""

    def embed_query(
        user_id: tf.Tensor,
        country: tf.Tensor,
        text: tf.Tensor,
        history: tf.Tensor,
        age: tf.Tensor,
        weight: tf.Tensor,
    ) -> tf.Tensor:
        mask = history != ""

        def sparse(values: tf.Tensor) -> tf.SparseTensor:
            return tf.ragged.boolean_mask(values, mask).to_sparse()

        out = transform_layer(
            {
                f.USER_ID.name: tf.sparse.from_dense(user_id[:, None]),
                f.COUNTRY.name: tf.sparse.from_dense(country[:, None]),
                f.HISTORY.name: sparse(history),
                f.HISTORY_AGE.name: sparse(age),
                f.HISTORY_WEIGHT.name: sparse(weight),
            }
        )
        items, age, weight = (
            tf.RaggedTensor.from_sparse(out[name]) for name in ("history", "history_age", "history_weight")
        )
        query = queries(
            {
                "user_id": out["user_id"],
                "country": out["country"],
                "text": text,
                "history": items,
                "history_weight": counted(items, weight, age),
            }
        )
        if order is None:
            return query
        asked = tf.reduce_any(text != 0, axis=1)[:, None]  # Who searches wants what the words say.
        return tf.concat([query, tf.where(asked, 0.0, order(items))], 1)

    return embed_query


def nearest_texts(embeddings: tf.Tensor) -> tf.Tensor:
    """The other items with the most alike texts: float32 [n, d] to int32 [n, NEIGHBOURS or fewer].

    Of a single item, or of more than `_COMPARED`, each is its own neighbour: [n, 1].

    Example:
        >>> nearest_texts(tf.constant([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]))[:, 0].numpy().tolist()
        [1, 0, 1]
    """
    count = embeddings.shape[0]
    if not 1 < count <= _COMPARED:
        return tf.range(count)[:, None]
    parts = []
    for start in range(0, count, _BLOCK):
        cosines = tf.matmul(embeddings[start : start + _BLOCK], embeddings, transpose_b=True)
        itself = tf.one_hot(tf.range(start, start + len(cosines)), count, on_value=9.0)
        parts.append(tf.math.top_k(cosines - itself, min(NEIGHBOURS, count - 1)).indices)
    return tf.concat(parts, 0)
