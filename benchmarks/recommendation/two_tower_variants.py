"""Other ways to make a two-tower than the pipeline's, each of which it is measured against."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.model.options import TwoTowerOptions
from aisle.model.two_tower.inputs import Catalogue, Queries, batches
from aisle.model.two_tower.model import ITEM_IDS, QueryTower, Sizes, TwoTower
from aisle.model.two_tower.recall import best_items
from aisle.model.two_tower.spectrum import Start

HARD = 4
"""Mined negatives of a query in a step."""
EASIEST, HARDEST = 300, 50
"""They are drawn from the ranks between, by the pipeline's trained model: what stands higher may be liked."""
EVEN = 1024
"""Negatives of a batch that are drawn evenly from the catalogue."""
_QUERIES = 512


@dataclasses.dataclass(frozen=True)
class Training:
    """What a training is made of.

    Attributes:
        catalogue: what the item tower is shown.
        queries, valid: to learn from, and to answer.
        options: of the training.
        model: what is trained.
        batches: of queries and items.
    """

    catalogue: Catalogue
    queries: Queries
    valid: Queries
    options: TwoTowerOptions
    model: type[TwoTower] = TwoTower
    batches: Callable[[Queries, Catalogue, TwoTowerOptions], tf.data.Dataset] = batches


class AttentionTower(QueryTower):
    """The history by attention instead of a mean by weight.

    How much a place counts is learnt from its item's embedding, beside the logarithm of its weight (additive
    attention: Yang et al., Hierarchical Attention Networks, NAACL 2016), so that it starts as the weighted mean.
    """

    def __init__(self, sizes: Sizes, ids: tf.keras.layers.Embedding) -> None:
        super().__init__(sizes, ids)
        self._seen_as = tf.keras.layers.Dense(ids.output_dim, activation="tanh")
        self._counts = tf.keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")

    def _history(self, ids: tf.RaggedTensor, weights: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor]:
        distinct, place = tf.unique(ids.flat_values)
        vectors = self.ids(distinct)
        learnt = tf.gather(self._counts(self._seen_as(vectors))[:, 0], place)
        attended = weights.with_flat_values(weights.flat_values * tf.exp(tf.clip_by_value(learnt, -9.0, 9.0)))
        bag, _ = super()._history(ids, attended)
        return bag, tf.reduce_sum(weights, 1)[:, None]


class WithAttention(TwoTower):
    """A two-tower whose history is attended to."""

    def __init__(self, sizes: Sizes, options: TwoTowerOptions, start: Start | None = None) -> None:
        super().__init__(sizes, options, start)
        self.queries = AttentionTower(sizes, self.queries.ids)


class Untied(TwoTower):
    """A two-tower whose history has item embeddings of its own."""

    def __init__(self, sizes: Sizes, options: TwoTowerOptions, start: Start | None = None) -> None:
        super().__init__(sizes, options, start)
        start = start or Start.unknown(sizes.items, options.width, options.seed)
        begin = tf.keras.initializers.Constant(start.vectors)
        own = tf.keras.layers.Embedding(sizes.items, options.width, begin, name="history_" + ITEM_IDS)
        self.queries = QueryTower(sizes, own)


class DrawnAtRandom(TwoTower):
    """A two-tower that begins with the items anywhere, whatever is known of who took what."""

    def __init__(self, sizes: Sizes, options: TwoTowerOptions, start: Start | None = None) -> None:
        del start
        super().__init__(sizes, options)


class WithHardNegatives(TwoTower):
    """A two-tower whose queries have negatives of their own, each of which counts as an average item of the batch."""

    def compute_loss(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """As `TwoTower`, given beside it `hard` [h] item features and `hard_place` int [n, HARD], rows of them."""
        query, items = self.queries(inputs["query"]), self.items(self._shown(inputs["item"], training))
        hard = self.items(self._shown(inputs["hard"], training))
        often = tf.math.log(tf.cast(inputs["count"], tf.float32))
        logits = tf.matmul(query, items, transpose_b=True) / self._temperature
        logits += often - tf.math.log(inputs["probability"])
        own = tf.stack([tf.range(tf.size(inputs["place"])), inputs["place"]], 1)
        logits = tf.tensor_scatter_nd_sub(logits, own, tf.gather(often, inputs["place"]))
        more = tf.linalg.matvec(tf.gather(hard, inputs["hard_place"]), query) / self._temperature
        more += tf.math.log(tf.cast(tf.shape(query)[0], tf.float32))
        both = tf.concat([logits, more], 1)
        return tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(inputs["place"], both))

    def _shown(self, features: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
        """The items' features, some without their id in training."""
        if not training:
            return features
        hide = tf.random.uniform(tf.shape(features["item_id"])) < self._unknown
        return {
            **features,
            "item_id": tf.where(hide, tf.cast(self.unknown_id, tf.int64), features["item_id"]),
        }


def with_evenly_drawn(queries: Queries, catalogue: Catalogue, options: TwoTowerOptions) -> tf.data.Dataset:
    """Batches with EVEN items more, drawn evenly (mixed negative sampling: Yang et al., WWW 2020)."""
    count = len(catalogue.ids)
    drawn = np.bincount(queries.targets.values.numpy(), minlength=count) / len(queries.targets.values)
    mixed = tf.constant((options.batch * drawn + EVEN / count) / (options.batch + EVEN), tf.float32)

    def more(step: tf.Tensor, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        own = tf.gather(batch["row"], batch["place"])
        even = tf.random.stateless_uniform([EVEN], [options.seed, step], 0, count, tf.int64)
        distinct, place, often = tf.unique_with_counts(tf.concat([own, even], 0))
        return {
            "query": batch["query"],
            "item": catalogue.rows(distinct),
            "place": place[: options.batch],
            "count": often,
            "probability": tf.gather(mixed, distinct),
        }

    return _with_rows(queries, catalogue, options).enumerate().map(more, num_parallel_calls=2).prefetch(4)


def without_correction(queries: Queries, catalogue: Catalogue, options: TwoTowerOptions) -> tf.data.Dataset:
    """Batches whose items are taken to be drawn alike."""
    return batches(queries, catalogue, options).map(
        lambda batch: {**batch, "probability": tf.fill(tf.shape(batch["probability"]), 1e-3)}
    )


def hard_batches(
    mined: npt.NDArray[np.int32],
) -> Callable[[Queries, Catalogue, TwoTowerOptions], tf.data.Dataset]:
    """Batches with HARD negatives of each query, drawn anew in each step from its row of `mined` (see `mine`)."""

    def made(queries: Queries, catalogue: Catalogue, options: TwoTowerOptions) -> tf.data.Dataset:
        pool = tf.constant(mined)

        def more(step: tf.Tensor, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            shape = [options.batch, HARD]
            place = tf.random.stateless_uniform(shape, [options.seed, step], 0, mined.shape[1], tf.int32)
            hard = tf.gather(tf.gather(pool, batch["asked"]), place, batch_dims=1)
            distinct, hard_place = tf.unique(tf.reshape(hard, [-1]))
            rest = {name: value for name, value in batch.items() if name not in ("row", "asked")}
            return {
                **rest,
                "hard": catalogue.rows(tf.cast(distinct, tf.int64)),
                "hard_place": tf.reshape(hard_place, shape),
            }

        rows = _with_rows(queries, catalogue, options)
        return rows.enumerate().map(more, num_parallel_calls=2).prefetch(4)

    return made


def mine(model: TwoTower, catalogue: Catalogue, queries: Queries) -> npt.NDArray[np.int32]:
    """The items that a trained model ranks from HARDEST to EASIEST for each query, among those not taken after it.

    Returns:
        int32 [queries, EASIEST - HARDEST], rows of the catalogue.
    """
    found = []
    most = int(tf.reduce_max(queries.targets.row_lengths()))
    deep = min(len(catalogue.ids), EASIEST + most)
    for start in range(0, len(queries.text_row), _QUERIES):
        asked = tf.range(start, min(start + _QUERIES, len(queries.text_row)), dtype=tf.int64)
        best = best_items(model, catalogue, queries.rows(asked), deep).numpy().astype(np.int32)
        for row, taken in zip(best, tf.gather(queries.targets, asked).to_list(), strict=True):
            found.append(row[~np.isin(row, taken)][HARDEST:EASIEST])
    return np.stack(found)


def _with_rows(queries: Queries, catalogue: Catalogue, options: TwoTowerOptions) -> tf.data.Dataset:
    """The pipeline's batches, beside them `row` [m], that of each item in the catalogue, and `asked` [n], of each
    query."""
    numbered = dataclasses.replace(
        queries, features={**queries.features, "asked": tf.range(len(queries.text_row), dtype=tf.int64)}
    )
    rows = tf.range(len(catalogue.ids), dtype=tf.int64)
    shown = dataclasses.replace(catalogue, features={**catalogue.features, "row": rows})

    def apart(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        query, item = dict(batch["query"]), dict(batch["item"])
        return {**batch, "asked": query.pop("asked"), "row": item["row"], "query": query, "item": item}

    return batches(numbered, shown, options).map(apart)


def _moved(share: float) -> Callable[[Training, TwoTower | None], Training]:
    """The items' vectors moved by another share of the learning rate."""
    return lambda training, _: dataclasses.replace(
        training, options=training.options.model_copy(update={"id_rate": share})
    )


def _at_random(training: Training, _: TwoTower | None) -> Training:
    return dataclasses.replace(_moved(1.0)(training, None), model=DrawnAtRandom)


def _without_titles(training: Training, _: TwoTower | None) -> Training:
    text = tf.zeros_like(training.catalogue.features["text"])
    features = {**training.catalogue.features, "text": text}
    return dataclasses.replace(training, catalogue=dataclasses.replace(training.catalogue, features=features))


def _without_age(training: Training, _: TwoTower | None) -> Training:
    def alike(queries: Queries) -> Queries:
        ones = tf.ones_like(queries.features["history_weight"])
        return dataclasses.replace(queries, features={**queries.features, "history_weight": ones})

    return dataclasses.replace(training, queries=alike(training.queries), valid=alike(training.valid))


def _with_mined(training: Training, trained: TwoTower | None) -> Training:
    assert trained is not None  # It is the first of VARIANTS.
    mined = mine(trained, training.catalogue, training.queries)
    return dataclasses.replace(training, model=WithHardNegatives, batches=hard_batches(mined))


VARIANTS: dict[str, Callable[[Training, TwoTower | None], Training]] = {
    "aisle": lambda training, _: training,
    "begun at random, moved at the full rate": _at_random,
    "moved from where they begin": _moved(0.05),
    "attention over the history": lambda training, _: dataclasses.replace(training, model=WithAttention),
    "four mined negatives a query": _with_mined,
    "1,024 evenly drawn negatives a batch": lambda training, _: dataclasses.replace(
        training, batches=with_evenly_drawn
    ),
    "without the correction for sampling": lambda training, _: dataclasses.replace(
        training, batches=without_correction
    ),
    "item embeddings of the history's own": lambda training, _: dataclasses.replace(training, model=Untied),
    "without the titles": _without_titles,
    "without the history's age": _without_age,
}
"""What each changes of a training, given the model that the first of them trained."""
