"""Trains the part of the ranking head that reads numbers, from the beginning or from another shop's."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.options import RankingOptions
from aisle.model.ranking.numbers import Ensemble, FeatureHead, bin_edges, ranking_loss
from aisle.model.ranking.rows import choose, judged_rows, numbers, targets
from aisle.model.ranking.taught_head import edges_from
from aisle.model.training import history, workers
from aisle.model.training.workers import Part
from aisle.model.transfer.taught import HeadWeights

Rows = dict[str, tf.Tensor]
_ASKED = 8192
"""Validation's rows at a time, which every worker reads all of."""
_RATE, _GENTLE = 2e-3, 0.25
"""Of AdamW at its peak, and by what share of it a head moves that has learnt elsewhere."""


def train_features(
    train: Rows, valid: Rows, options: RankingOptions, folder: str, theirs: HeadWeights | None = None
) -> Ensemble:
    """Trains the part that reads only numbers: some heads, each kept as it was at its best epoch.

    What people judged is left out where there is anything else. A head that begins with another shop's weights stays as it
    began where no epoch is better.

    Args:
        train: ranking examples as tensors.
        valid: the same.
        options: of the head.
        folder: receives the curves.
        theirs: what the heads begin with; None begins at random.
    """
    train, valid = _unjudged(train), _unjudged(valid)
    values, labels = numbers(train), targets(train)
    heads = _begun(values, options, theirs)
    count = len(values)
    batch = max(16, min(2048, count // 50))
    steps = max(1, count // batch)
    # One learns in the place of each of them, with the other workers: its training is traced once.
    with workers.strategy().scope():
        width = options.width if theirs is None else theirs.width
        learner = FeatureHead(heads[0].edges, width, options.dropout, options.mixed_precision)
    for head in heads:
        head(values[:1])
    with workers.strategy().scope():
        learner(values[:1])
        learner.compile(_optimizer(steps * options.feature_epochs, theirs is not None), loss=ranking_loss)
        learner.optimizer.build(learner.trainable_variables)
    told = tf.data.Dataset.from_tensor_slices((numbers(valid), targets(valid))).batch(_ASKED)
    held_out, asked = workers.distributed(lambda part: told), -(-len(numbers(valid)) // _ASKED)
    for member, head in enumerate(heads):

        def draws(part: Part, seed: int = options.seed + 1000 * member) -> tf.data.Dataset:
            def draw(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                rows = part.of(tf.random.stateless_uniform([batch], [seed, number], 0, count, tf.int64))
                return tf.gather(values, rows), tf.gather(labels, rows)

            return tf.data.Dataset.counter().map(draw, num_parallel_calls=2).prefetch(8)

        learner.set_weights(head.get_weights())
        for state in learner.optimizer.variables:
            state.assign(tf.zeros_like(state))
        before = np.inf if theirs is None else learner.evaluate(held_out, steps=asked, verbose=0)
        result = learner.fit(
            workers.distributed(draws),
            validation_data=held_out,
            validation_steps=asked,
            epochs=options.feature_epochs,
            steps_per_epoch=steps,
            callbacks=[history.best(options.feature_epochs), *history.callbacks(folder)],
            verbose=2,
        )
        history.finish(result, folder)
        if min(result.history["val_loss"]) < before:
            head.set_weights(learner.get_weights())
    return Ensemble(heads)


def _begun(values: tf.Tensor, options: RankingOptions, theirs: HeadWeights | None) -> list[FeatureHead]:
    """The heads as they begin."""
    if theirs is None:
        edges = bin_edges(values.numpy(), options.bins)
        return [FeatureHead(edges, options.width, options.dropout) for _ in range(options.members)]
    edges = edges_from(theirs, values.numpy())
    heads = [FeatureHead(edges, theirs.width, options.dropout) for _ in range(options.members)]
    for place, head in enumerate(heads):
        head(values[:1])
        head.set_weights(theirs.members[place % len(theirs.members)])
    return heads


def _optimizer(total: int, gentle: bool) -> tf.keras.optimizers.Optimizer:
    """AdamW that warms up over a tenth of all steps, then falls to nothing."""
    peak = _RATE * (_GENTLE if gentle else 1.0)
    rate = tf.keras.optimizers.schedules.CosineDecay(
        peak / 10, total, warmup_target=peak, warmup_steps=total // 10
    )
    return tf.keras.optimizers.AdamW(rate, weight_decay=1e-4)


def _unjudged(rows: Rows) -> Rows:
    judged = judged_rows(rows)
    return rows if judged.all() else choose(rows, np.flatnonzero(~judged))
