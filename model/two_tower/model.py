"""The two-tower retrieval model: a query and an item meet as vectors of one space."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs

from aisle.model import tracing  # noqa: F401  Before anything is traced.
from aisle.model.options import TwoTowerOptions
from aisle.model.stored import taken_out
from aisle.model.training.precision import Dense
from aisle.model.two_tower.in_batch_softmax import in_batch_softmax
from aisle.model.two_tower.spectrum import Start

HALF_LIFE_DAYS = 60.0
"""A history item of this age counts half as much as one of today, beside what it counts at any age."""
ITEM_IDS = "item_ids"
"""The name of the items' vectors among the weights."""


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How many of each thing the vocabularies hold, one place for unknown ones included.

    Example:
        >>> sizes = Sizes(items=3, categories=2, brands=2, users=2, countries=2, text=384)
        >>> ids = tf.keras.layers.Embedding(sizes.items, 8)  # Of two items, and one for all others.
        >>> ids(tf.constant([0, 1, 2])).shape.as_list()
        [3, 8]
    """

    items: int
    categories: int
    brands: int
    users: int
    countries: int
    text: int


class ItemTower(tf.keras.Model):
    """Maps an item's id, text, categories, brand and price to the space.

    Content speaks for what nobody took, and hardly for what a few users did: an id's vector is the shorter the less is
    known of it. That of content is as long as those of items that few took. It is told by the items described alike
    (`kin_of`) where `start` has them, else it is learnt.

    Example:
        >>> sizes = Sizes(items=3, categories=2, brands=2, users=2, countries=2, text=4)
        >>> ids = tf.keras.layers.Embedding(sizes.items, 8)
        >>> tower = ItemTower(sizes, ids, Start.unknown(sizes.items, 8, seed=1))
        >>> category = tf.ragged.constant([[0, 1], [], [0]], dtype=tf.int64)
        >>> items = {"item_id": tf.constant([0, 1, 2]), "category": category, "brand": tf.constant([0, 1, 1])}
        >>> vectors = tower({**items, "price": tf.constant([0.5, 0.0, 0.0]), "text": tf.ones([3, 4])})
        >>> vectors.shape.as_list()
        [3, 8]

    Attributes:
        new_length: of the vector of what nobody took, which content tells.
        catalogue: of how many items `start` told what is described alike; None of none.
    """

    def __init__(
        self, sizes: Sizes, ids: tf.keras.layers.Embedding, start: Start, mixed: bool = False
    ) -> None:
        super().__init__(name="item_tower")
        width = ids.output_dim
        self._ids = ids
        self.new_length = start.new_length
        self._times = self.add_weight(
            name="times",
            shape=[sizes.items],
            initializer=tf.keras.initializers.Constant(start.times),
            trainable=False,
        )
        self._kin, self.catalogue = None, None
        if start.kin is not None:
            self.catalogue = len(start.kin)
            self._kin = self.add_weight(
                name="kin",
                shape=start.kin.shape,
                initializer=_beginning(start.kin),
                trainable=False,
            )
            return
        self._category = tf.keras.layers.Embedding(sizes.categories + 1, 16)
        self._brand = tf.keras.layers.Embedding(sizes.brands, 16)
        self._text = Dense(width, mixed=mixed)
        self._out = Dense(width, mixed=mixed)

    def call(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Embeds items: `item_id` [n], `category` ragged [n, (c)], `brand` [n], `price` [n],
        `text` float32 [n, text width] to float32 [n, width]; `row` [n] of the catalogue instead of the last four,
        where the catalogue tells what is described alike."""
        times = tf.gather(self._times, tf.cast(inputs["item_id"], tf.int64))[:, None]
        ids = tf.where(times > 0, self._ids(inputs["item_id"]), 0.0)
        return ids + tf.exp(-times) * self._content(inputs)

    def _content(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        if self._kin is not None:
            return tf.gather(self._kin, inputs["row"])
        category = tf.math.divide_no_nan(
            tf.reduce_sum(self._category(inputs["category"]), 1),
            tf.cast(inputs["category"].row_lengths(), tf.float32)[:, None],
        )
        content = tf.concat(
            [self._text(inputs["text"]), category, self._brand(inputs["brand"]), inputs["price"][:, None]], 1
        )
        return self.new_length * tf.math.l2_normalize(self._out(content), axis=1)


class QueryTower(tf.keras.Model):
    """Maps a user, their history and the query's text to the space; item ids are the item tower's.

    Who asks for nothing in words is what they took: the more that is, the less anything else is heard.

    Example:
        >>> sizes = Sizes(items=3, categories=2, brands=2, users=2, countries=2, text=4)
        >>> tower = QueryTower(sizes, tf.keras.layers.Embedding(sizes.items, 8))
        >>> history = tf.ragged.constant([[0, 1], [1, 0], []], dtype=tf.int64)
        >>> taken = {"history": history, "history_weight": tf.ones_like(history, tf.float32)}
        >>> vectors = tower({**taken, "user_id": tf.zeros(3), "country": tf.zeros(3), "text": tf.zeros([3, 4])})
        >>> first, swapped, empty = vectors.numpy()  # Weights say what order doesn't.
        >>> [bool(np.allclose(first, other, atol=1e-5)) for other in (swapped, empty)]
        [True, False]

    Attributes:
        ids: the items' vectors.
    """

    def __init__(self, sizes: Sizes, ids: tf.keras.layers.Embedding, mixed: bool = False) -> None:
        super().__init__(name="query_tower")
        width = ids.output_dim
        self.ids = ids
        self._user = tf.keras.layers.Embedding(sizes.users, 16)
        self._country = tf.keras.layers.Embedding(sizes.countries, 8)
        self._text = Dense(width, mixed=mixed)
        self._hidden = Dense(2 * width, "gelu", mixed)
        self._out = Dense(width, mixed=mixed)

    def call(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Embeds queries: float32 [n, width] of length 1.

        Args:
            inputs: `user_id` [n], `country` [n], ragged [n, (h)] `history` and `history_weight` (see `counted`),
                `text` float32 [n, text width]; or, given `text_row` [n], `text` [m, text width] whose rows it names.
        """
        bag, total = self._history(inputs["history"], inputs["history_weight"])
        text = self._text(inputs["text"])
        asked = tf.reduce_any(inputs["text"] != 0, axis=1)
        if "text_row" in inputs:
            text, asked = tf.gather(text, inputs["text_row"]), tf.gather(asked, inputs["text_row"])
        parts = [
            bag,
            tf.math.log1p(total),
            self._user(inputs["user_id"]),
            self._country(inputs["country"]),
            text,
        ]
        heard = tf.where(asked[:, None], 1.0, tf.exp(-total))
        rest = tf.math.l2_normalize(self._out(self._hidden(tf.concat(parts, 1))), axis=1)
        return tf.math.l2_normalize(bag + heard * rest, axis=1)

    def _history(self, ids: tf.RaggedTensor, weights: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The weighted mean of each row's embeddings, zeros without any, and the sum of its weights.

        Each distinct id is looked up once and a sparse product sums, so that neither this nor its gradient ever holds
        a vector for each place of each history.

        Args:
            ids: ragged int64 [n, (h)].
            weights: ragged float32 [n, (h)].

        Returns:
            float32 [n, width] and [n, 1].
        """
        distinct, place = tf.unique(ids.flat_values)
        row = ids.to_sparse().indices[:, 0]  # Quicker than `value_rowids`.
        matrix = tf.SparseTensor(
            tf.stack([row, tf.cast(place, tf.int64)], 1),
            weights.flat_values,
            [ids.nrows(), tf.size(distinct, tf.int64)],
        )
        total = tf.math.unsorted_segment_sum(weights.flat_values, row, ids.nrows())[:, None]
        return tf.math.divide_no_nan(tf.sparse.sparse_dense_matmul(matrix, self.ids(distinct)), total), total


class TwoTower(tfrs.Model):
    """Both towers, trained by in-batch softmax with the sampling-probability correction from where `Start` begins.

    Source: Yi et al., Sampling-Bias-Corrected Neural Modeling for Large Corpus Item
    Recommendations, RecSys 2019.

    Example:
        >>> model = TwoTower(Sizes(3, 1, 1, 3, 1, 1), TwoTowerOptions(width=8, unknown=0.0))
        >>> model.compile(tf.keras.optimizers.Adam(0.01))
        >>> two, none, rows = tf.zeros(2), tf.ragged.constant([[], []]), tf.constant([0, 1], tf.int64)
        >>> item = {"item_id": rows, "category": none, "brand": two, "price": two, "text": tf.zeros([2, 1])}
        >>> query = {"user_id": rows, "country": two, "history": none, "history_weight": none, "text": item["text"]}
        >>> batch = {"query": query, "item": item, "place": rows, "count": [1, 1], "probability": [0.5, 0.5]}
        >>> losses = [float(model.train_step(batch)["loss"]) for _ in range(5)]
        >>> losses[-1] < losses[0]
        True

    Attributes:
        unknown_id: of the items that nobody took.
        width: of the vectors.
        text_width: of the sentence embeddings.
    """

    def __init__(self, sizes: Sizes, options: TwoTowerOptions, start: Start | None = None) -> None:
        """Args: `start`: of the items' vectors; None draws them at random."""
        super().__init__()
        start = (start or Start.unknown(sizes.items, options.width, options.seed)).tensors()
        begin = _beginning(start.vectors)
        ids = tf.keras.layers.Embedding(sizes.items, options.width, begin, name=ITEM_IDS)
        ids.trainable = options.id_rate > 0
        with tf.name_scope(ITEM_IDS):
            ids.build([None])
        ids.embeddings_initializer = None  # Which would hold the vectors a second time.
        self.items = ItemTower(sizes, ids, start, options.mixed_precision)
        self.queries = QueryTower(sizes, ids, options.mixed_precision)
        self._temperature = options.temperature
        self._unknown = options.unknown
        self._made_of = sizes, options
        self.unknown_id, self.width, self.text_width = sizes.items - 1, options.width, sizes.text

    def compute_loss(self, inputs: dict[str, Any], training: bool = False) -> tf.Tensor:
        """The softmax loss of a batch of `query` [n] and `item` [m] features.

        Args:
            inputs: the towers' inputs, where each item is there once; `place` [n], the row in `item` of each query's
                own; `count` [m], how many queries have it; `probability` [m] of its being drawn.
            training: whether ids are hidden.
        """
        item = dict(inputs["item"])
        if training:
            hide = tf.random.uniform(tf.shape(item["item_id"])) < self._unknown
            item["item_id"] = tf.where(hide, tf.cast(self.unknown_id, tf.int64), item["item_id"])
        return in_batch_softmax(
            self.queries(inputs["query"]),
            self.items(item),
            inputs["place"],
            inputs["count"],
            inputs["probability"],
            self._temperature,
            self._made_of[1].mixed_precision,
        )

    def alone(self, batch: dict[str, Any]) -> TwoTower:
        """The same weights in a model of this process alone and of float32, which is what is exported.

        Args:
            batch: as `compute_loss` takes it; any.
        """
        sizes, options = self._made_of
        start = Start.blank(sizes.items, options.width, self.items.catalogue)
        other = type(self)(sizes, options.model_copy(update={"mixed_precision": False}), start)
        other.compute_loss(batch)
        other.set_weights(self.get_weights())
        other.items.new_length = self.items.new_length
        return other


def embedded(model: TwoTower, features: dict[str, tf.Tensor], batch: int = 4096) -> tf.Tensor:
    """The item tower's vectors of a catalogue, some at a time: its features [n] to float32 [n, width]."""
    found = tf.Variable(tf.zeros([len(features["item_id"]), model.width]), trainable=False)
    for start in range(0, len(features["item_id"]), batch):
        vectors = model.items({name: value[start : start + batch] for name, value in features.items()})
        found.scatter_update(tf.IndexedSlices(vectors, tf.range(start, start + len(vectors))))
    return taken_out(found)


def _beginning(values: tf.Tensor) -> Callable[..., tf.Tensor]:
    """What a weight begins with, as Keras asks for it; the weight shares the tensor's memory until it changes."""
    return lambda *_, **__: values


def counted(items: tf.RaggedTensor, weight: tf.RaggedTensor, age: tf.RaggedTensor) -> tf.RaggedTensor:
    """What a history's places count as: half for an item having been taken at all, half for how lately and how often.

    Args:
        items: of each row [n, (h)], int64.
        weight: how strong each taking was.
        age: of each in days.

    Example:
        >>> items = tf.ragged.constant([[7, 8, 8]], dtype=tf.int64)
        >>> age = tf.ragged.constant([[0.0, 60.0, 0.0]])
        >>> counts = counted(items, weight=tf.ones_like(age), age=age)
        >>> counts.to_tensor().numpy().astype(float).round(3).tolist()  # The second and third are one item.
        [[1.0, 0.5, 0.75]]
    """
    flat = items.flat_values
    most = tf.reduce_max(tf.concat([flat, [0]], 0)) + 1
    _, place, times = tf.unique_with_counts(items.value_rowids() * most + flat)
    lately = tf.exp(age.flat_values * (-math.log(2.0) / HALF_LIFE_DAYS))
    return weight.with_flat_values(
        weight.flat_values * 0.5 * (lately + 1.0 / tf.cast(tf.gather(times, place), tf.float32))
    )
