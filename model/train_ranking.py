"""The TFX Trainer's `run_fn` of the ranking head: reads, trains, exports."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from aisle.model.gain import Gain
from aisle.model.options import RankingOptions
from aisle.model.ranking.export import Labels, RankingModule
from aisle.model.ranking.features_trainer import train_features
from aisle.model.ranking.head_trial import head_gain
from aisle.model.ranking.reading.making import make_head, make_learner
from aisle.model.ranking.reading.probe import titles_tell
from aisle.model.ranking.reading.text_trainer import shrink, train_text
from aisle.model.ranking.rows import read_rows
from aisle.model.ranking.taught_head import UntoldHead, taught_head
from aisle.model.text.chosen_bert import chosen_bert
from aisle.model.training import workers
from aisle.model.transfer.taught import Taught
from aisle.model.transfer.told import tell, told
from aisle.schema import features as f
from aisle.schema.errors import InputError


def run_fn(fn_args: FnArgs) -> None:
    """Trains the ranking head and exports it to `fn_args.serving_model_dir`.

    Where TF_CONFIG names several workers, each runs this; the chief alone writes, and all end when it has.

    Args:
        fn_args: `train_files` and `eval_files` hold ranking examples; `custom_config` holds
            `options` (a RankingOptions as JSON), `bert` (a folder or "") and, where the head may begin with another
            shop's, `taught`, the file of what that teaches; and `untold` where there are no examples, since nothing is
            told of the shop but what it has;
            `base_model` is the folder of the BERT that this run pretrained or took from another shop, if it did, or None.
    """
    workers.strategy()  # Before TensorFlow computes anything.
    options = RankingOptions.from_json(fn_args.custom_config["options"])
    of_encoder = told(fn_args.base_model) if fn_args.base_model else []
    if fn_args.custom_config.get("untold"):
        untold = RankingModule(UntoldHead(), None, options, Labels(False, False), False)
        if workers.is_chief():
            _save(untold, fn_args.serving_model_dir)
            tell(fn_args.serving_model_dir, of_encoder)
    else:
        _train(fn_args, options, of_encoder)
    workers.wait()


def _train(fn_args: FnArgs, options: RankingOptions, of_encoder: list[Gain]) -> None:
    folder = chosen_bert(fn_args.custom_config["bert"], fn_args.base_model)
    tf.keras.utils.set_random_seed(options.seed)
    train, valid = read_rows(fn_args.train_files), read_rows(fn_args.eval_files)
    labels = _labels(train)
    if not options.propensity:
        train, valid = ({**rows, f.WEIGHT.name: tf.ones_like(rows[f.WEIGHT.name])} for rows in (train, valid))
    theirs, gains = None, []
    if path := fn_args.custom_config.get("taught"):
        theirs = Taught.read(path).head
        gains = [head_gain(train, valid, options, theirs)]
    begin = theirs if gains and workers.agree(gains[0].on) else None
    features = train_features(train, valid, options, fn_args.model_run_dir, begin)
    head, reads_history = None, False
    if labels.search or options.text != "never":
        head = make_head(train, features, options, folder)
        if options.text == "auto" and not workers.agree(titles_tell(head, train, valid, options)):
            options = options.model_copy(update={"text": "never"})
    if head is not None and (labels.search or options.text != "never"):
        learner = make_learner(head, train, options, folder)
        reads_history = train_text(head, train, valid, options, fn_args.model_run_dir, learner)
    if not (labels.search or reads_history):
        head = None
    if workers.is_chief():
        if head is not None:
            shrink(head, train, options)
        module = RankingModule(features, head, options, labels, reads_history)
        module.weigh(valid)
        module.calibrate(valid)
        _save(module, fn_args.serving_model_dir)
        Taught(taught_head(features), None).write(fn_args.serving_model_dir)
        tell(fn_args.serving_model_dir, [*of_encoder, *gains])


def _save(module: RankingModule, folder: str) -> None:
    tf.saved_model.save(module, folder, signatures={"serving_default": module.serve})


def _labels(rows: dict[str, tf.Tensor]) -> Labels:
    """What there is to learn.

    Raises:
        InputError: every candidate has the same label.
    """
    click, conversion = rows[f.CLICK.name].numpy(), rows[f.CONVERSION.name].numpy()
    searched = rows["query"].numpy() != b""
    known = [values[values >= 0] for values in (click, conversion)]
    if not any(len(values) and values.min() < values.max() for values in known):
        judged = searched & (rows[f.CLICKED.name].numpy() < 0)
        tables = " and ".join(n for n, some in (("events", ~judged), ("judgements", judged)) if some.any())
        kinds = zip(("click or grade", "conversion"), known, strict=True)
        classes = ", ".join(f"{kind} {values[0]:g}" for kind, values in kinds if len(values))
        raise InputError(
            f"labels of a single class from the table {tables or 'events'}: all {len(click)} candidates have "
            f"{classes or 'none'}; the ranking head needs some that were taken and some that were not: give a "
            "longer span of events, or judgements of several grades"
        )
    return Labels(search=bool(searched.any()), conversion=bool(len(known[1])))
