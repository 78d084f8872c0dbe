"""The TFX Trainer's `run_fn` of the two-tower: reads, trains, exports."""

from __future__ import annotations

import gc
import os
import pathlib
import tempfile

from aisle.schema.splits import ITEMS, TRAIN

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from aisle.model.options import TwoTowerOptions
from aisle.model.preprocessing import (
    BRAND_VOCABULARY,
    CATEGORY_VOCABULARY,
    COUNTRY_VOCABULARY,
    ITEM_VOCABULARY,
    USER_VOCABULARY,
)
from aisle.model.text.bert import SentenceEncoder
from aisle.model.text.chosen_bert import chosen_bert
from aisle.model.training import workers
from aisle.model.training.memory import give_back
from aisle.model.two_tower.export import Towers, TwoTowerModule, export
from aisle.model.two_tower.inputs import Catalogue, Queries, joined, read_catalogue, read_queries
from aisle.model.two_tower.model import Sizes, TwoTower
from aisle.model.two_tower.order import OrderTower
from aisle.model.two_tower.order_training import learn, learn_again
from aisle.model.two_tower.order_validation import Validation
from aisle.model.two_tower.sequences import sequences_of
from aisle.model.two_tower.training import alone, begun, endless, fit


def run_fn(fn_args: FnArgs) -> None:
    """Trains the two-tower and exports it to `fn_args.serving_model_dir`.

    Where TF_CONFIG names several workers, each runs this; the chief alone writes, and all end when it has.

    Args:
        fn_args: `train_files` hold the splits `items` and `train`, `eval_files` the split `eval`;
            `custom_config` holds `options` (a TwoTowerOptions as JSON) and `bert` (a folder or "");
            `base_model` is the folder of the BERT that this run pretrained or took from another shop, if it did, or None.
    """
    workers.strategy()  # Before TensorFlow computes anything.
    train(fn_args, SentenceEncoder(chosen_bert(fn_args.custom_config["bert"], fn_args.base_model)))


def train(fn_args: FnArgs, encoder: SentenceEncoder) -> None:
    """As `run_fn`, with the encoder of the titles and queries given."""
    options = TwoTowerOptions.from_json(fn_args.custom_config["options"])
    transform = tft.TFTransformOutput(fn_args.transform_output)
    layer = transform.transform_features_layer()
    with tempfile.TemporaryDirectory() as folder:
        catalogue = read_catalogue(_matching(fn_args.train_files, ITEMS), transform, encoder)
        # Of a large catalogue there is no room for both models, nor for more than is exported while it is.
        catalogue = catalogue.spill(pathlib.Path(folder) / "texts")
        give_back()
        towers, held_out = _towers(fn_args, options, catalogue, transform, layer, encoder)
        gc.collect()
        give_back()
        if towers is not None:
            module = TwoTowerModule(towers, layer, encoder, catalogue.ids, catalogue.texts(), held_out)
            export(module, fn_args.serving_model_dir)
    workers.wait()


def _towers(
    fn_args: FnArgs,
    options: TwoTowerOptions,
    catalogue: Catalogue,
    transform: tft.TFTransformOutput,
    layer: tf.keras.layers.Layer,
    encoder: SentenceEncoder,
) -> tuple[Towers | None, Towers | None]:
    """What serves, where this is the chief, and what has not seen the validation window, where that is another.

    A function of its own, as `_learnt` is: the queries are kept until it ends.
    """
    splits = [_matching(fn_args.train_files, TRAIN), fn_args.eval_files]
    queries, valid = read_queries(splits, transform, catalogue, encoder)
    give_back()
    size = sizes(transform, encoder.width)
    towers, order, steps = _learnt(queries, valid, catalogue, size, options, layer, fn_args.model_run_dir)
    gc.collect()
    give_back()
    if not options.refit:
        return towers, None
    every = joined(queries, valid)
    del queries, valid
    return _learnt_again(every, catalogue, size, options, layer, order, steps), towers


def _learnt(
    queries: Queries,
    valid: Queries,
    catalogue: Catalogue,
    size: Sizes,
    options: TwoTowerOptions,
    layer: tf.keras.layers.Layer,
    run_dir: str,
) -> tuple[Towers | None, OrderTower | None, tuple[int, int]]:
    """The towers, where this is the chief, what reads the order, and the steps of both.

    A function of its own: whoever looks at a frame's variables, as AutoGraph does, keeps what they were until it ends.
    """
    model = begun(size, options, queries, catalogue)
    catalogue = catalogue.read_by(model)
    steps = fit(model, endless(queries, catalogue, options), valid, catalogue, options, run_dir)
    model = alone(model, queries, catalogue, options)
    if not workers.is_chief():
        return None, None, (steps, 0)
    order, order_steps = fit_order(model, queries, valid, catalogue, size, options)
    return Towers(model, layer, catalogue.features, order), order, (steps, order_steps)


def _learnt_again(
    every: Queries,
    catalogue: Catalogue,
    size: Sizes,
    options: TwoTowerOptions,
    layer: tf.keras.layers.Layer,
    order: OrderTower | None,
    steps: tuple[int, int],
) -> Towers | None:
    """The towers that learnt of all queries for as many steps, where this is the chief."""
    model = begun(size, options, every, catalogue)
    catalogue = catalogue.read_by(model)
    model.fit(endless(every, catalogue, options), steps_per_epoch=steps[0], verbose=0)
    model = alone(model, every, catalogue, options)
    if not workers.is_chief():
        return None
    if order is not None:
        known = sequences_of(every, catalogue, size.users)
        order = learn_again(known, size.items, options, order, steps[1])
    return Towers(model, layer, catalogue.features, order)


def fit_order(
    model: TwoTower,
    queries: Queries,
    valid: Queries,
    catalogue: Catalogue,
    size: Sizes,
    options: TwoTowerOptions,
) -> tuple[OrderTower | None, int]:
    """What reads histories in order, beside a trained model, and the steps it took; None where that wins nothing."""
    sequences = sequences_of(queries, catalogue, size.users)
    if options.order == "never" or not sequences or not len(valid.text_row):
        return None, 0
    validation = Validation(model, catalogue, valid)
    if options.order == "auto" and not validation.order_speaks():
        return None, 0
    order, steps = learn(sequences, size.items, options, validation)
    return (order, steps) if order.share > 0 else (None, 0)


def sizes(transform: tft.TFTransformOutput, text: int) -> Sizes:
    """The sizes of the vocabularies; `text`: of the sentence embeddings."""

    def size(name: str) -> int:
        return int(transform.vocabulary_size_by_name(name)) + 1

    return Sizes(
        items=size(ITEM_VOCABULARY),
        categories=size(CATEGORY_VOCABULARY),
        brands=size(BRAND_VOCABULARY),
        users=size(USER_VOCABULARY),
        countries=size(COUNTRY_VOCABULARY),
        text=text,
    )


def _matching(patterns: list[str], split: str) -> list[str]:
    return [pattern for pattern in patterns if f"Split-{split}" in pattern]
