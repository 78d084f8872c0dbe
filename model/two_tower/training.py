"""Begins a two-tower and trains it, by this process alone or with the other workers that TF_CONFIG names."""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from aisle.model.options import TwoTowerOptions
from aisle.model.training import history, workers
from aisle.model.training.lazy_adam import LazyAdam
from aisle.model.two_tower.inputs import Catalogue, Queries, batches, taken
from aisle.model.two_tower.kin import kin_of
from aisle.model.two_tower.model import ITEM_IDS, Sizes, TwoTower
from aisle.model.two_tower.recall import BestRecall
from aisle.model.two_tower.spectrum import Start, start_of

STEPS_PER_CALL = 20
"""Steps that run in the graph before Python has its say again."""


def begun(
    size: Sizes,
    options: TwoTowerOptions,
    queries: Queries,
    catalogue: Catalogue,
    kind: type[TwoTower] = TwoTower,
) -> TwoTower:
    """The model as it begins: its items' vectors where who took what puts them, the others' where what is like them is."""
    tf.keras.utils.set_random_seed(options.seed)
    start = start_of(taken(queries, catalogue, size.items, size.users), options.width, options.seed)
    start = start.tensors()  # Before there is kin, which is as large.
    vectors = np.asarray(start.vectors)
    # Where nobody took anything content has to be learnt: from titles that stand for queries, say.
    start = start.with_kin(kin_of(catalogue.described, vectors, start.times, size.brands - 1, options.seed))
    return compiled(size, options, kind, start.tensors())


def compiled(
    sizes: Sizes, options: TwoTowerOptions, kind: type[TwoTower] = TwoTower, start: Start | None = None
) -> TwoTower:
    """The model, ready to be fitted, by all workers where there are several."""
    # Outside of the scope, in which all workers would agree on each block.
    start = (start or Start.unknown(sizes.items, options.width, options.seed)).tensors()
    with workers.strategy().scope():
        model = kind(sizes, options, start)
        optimizer = LazyAdam(options.learning_rate, {ITEM_IDS: options.id_rate})
        model.compile(optimizer=optimizer, steps_per_execution=STEPS_PER_CALL)
    return model


def endless(queries: Queries, catalogue: Catalogue, options: TwoTowerOptions) -> tf.data.Dataset:
    """What `fit` takes: of each batch the part of this worker."""
    return workers.distributed(functools.partial(batches, queries, catalogue, options))


def fit(
    model: TwoTower,
    batches: tf.data.Dataset,
    valid: Queries,
    catalogue: Catalogue,
    options: TwoTowerOptions,
    run_dir: str,
) -> int:
    """Trains on endless batches until the validation's recall no longer rises.

    Args:
        model: as begun.
        batches: of `endless`.
        valid: asked for their recall.
        catalogue: what they are asked of.
        options: of the training.
        run_dir: receives the curves.

    Returns:
        After how many steps it was best.
    """
    best, epoch = BestRecall(model, catalogue, valid, options.patience), options.steps_per_epoch
    epoch = epoch or max(1, options.steps // 10)
    result = model.fit(
        batches,
        epochs=-(-options.steps // epoch),
        steps_per_epoch=epoch,
        callbacks=[best, *history.callbacks(run_dir)],
        verbose=0,
    )
    history.finish(result, run_dir)
    return best.epochs * epoch


def alone(model: TwoTower, queries: Queries, catalogue: Catalogue, options: TwoTowerOptions) -> TwoTower:
    """A trained model of this process alone and of float32: itself, where it is that already."""
    if workers.are_one() and not options.mixed_precision:
        return model
    return model.alone(next(iter(batches(queries, catalogue, options))))
