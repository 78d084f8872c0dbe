"""The TFX Trainer's `run_fn` of the ranking head: reads, trains, exports."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from aisle.model import history
from aisle.model.options import RankingOptions
from aisle.model.ranking.export import Labels, RankingModule
from aisle.model.ranking.numbers import Ensemble, FeatureHead, bin_edges, ranking_loss
from aisle.model.ranking.reading.late_interaction import LateInteraction
from aisle.model.ranking.reading.probe import titles_tell
from aisle.model.ranking.reading.text_head import RankingHead
from aisle.model.ranking.reading.text_trainer import shrink, train_text
from aisle.model.ranking.rows import choose, judged_rows, numbers, read_rows, targets
from aisle.model.text.bert import Tokenizer, load_bert
from aisle.model.text.chosen_bert import chosen_bert
from aisle.schema import features as f
from aisle.schema.errors import InputError

_PROJECTED = 2000
"""Of so many titles the projection of word pieces is fitted."""


def run_fn(fn_args: FnArgs) -> None:
    """Trains the ranking head and exports it to `fn_args.serving_model_dir`.

    Args:
        fn_args: `train_files` and `eval_files` hold ranking examples; `custom_config` holds
            `options` (a RankingOptions as JSON) and `bert` (a folder or "");
            `base_model` is the BERT that this run pretrained, or None.
    """
    options = RankingOptions.from_json(fn_args.custom_config["options"])
    folder = chosen_bert(fn_args.base_model or fn_args.custom_config["bert"])
    tf.keras.utils.set_random_seed(options.seed)
    train, valid = read_rows(fn_args.train_files), read_rows(fn_args.eval_files)
    labels = _labels(train)
    if not options.propensity:
        train, valid = ({**rows, f.WEIGHT.name: tf.ones_like(rows[f.WEIGHT.name])} for rows in (train, valid))
    features = train_features(train, valid, options, fn_args.model_run_dir)
    head, reads_history = None, False
    if labels.search or options.text != "never":
        head = make_head(train, features, options, folder)
        if options.text == "auto" and not titles_tell(head, train, valid, options):
            options = options.model_copy(update={"text": "never"})
    if head is not None and (labels.search or options.text != "never"):
        reads_history = train_text(head, train, valid, options, fn_args.model_run_dir)
        shrink(head, train, options)
    if not (labels.search or reads_history):
        head = None
    module = RankingModule(features, head, options, labels, reads_history)
    module.calibrate(valid)
    tf.saved_model.save(module, fn_args.serving_model_dir, signatures={"serving_default": module.serve})


def make_head(
    train: dict[str, tf.Tensor], features: Ensemble, options: RankingOptions, bert: str
) -> RankingHead:
    """The head before its text is trained, the projection fitted to the training candidates' titles.

    Args:
        train: ranking examples as tensors.
        features: trained.
        options: of the head.
        bert: the folder of the pretrained BERT.
    """
    pretrained = load_bert(bert, options.layers or None, options.dropout)
    reader = LateInteraction(
        pretrained, Tokenizer(bert), options.word_width, options.frozen, options.adapter_rank
    )
    titles = tf.unique(train[f.TITLE.name])[0]
    reader.fit_projection(titles[:_PROJECTED])
    clicked = (train[f.QUERY.name].numpy() != b"") & ~judged_rows(train)
    return RankingHead(
        reader,
        features,
        bool(clicked.any()),
        anchor=options.anchor,
        adversarial=options.adversarial,
    )


def train_features(
    train: dict[str, tf.Tensor], valid: dict[str, tf.Tensor], options: RankingOptions, folder: str
) -> Ensemble:
    """Trains the part that reads only numbers: some heads, each kept as it was at its best epoch.

    What people judged is left out where there is anything else.
    """
    train, valid = _unjudged(train), _unjudged(valid)
    values, labels = numbers(train), targets(train)
    edges = bin_edges(values.numpy(), options.bins)
    # The last one learns in the place of each of the others: its training is traced once.
    *heads, learner = [FeatureHead(edges, options.width, options.dropout) for _ in range(options.members + 1)]
    count = len(values)
    batch = max(16, min(2048, count // 50))
    steps = max(1, count // batch)
    total = steps * options.feature_epochs
    rate = tf.keras.optimizers.schedules.CosineDecay(
        2e-4, total, warmup_target=2e-3, warmup_steps=total // 10
    )
    learner.compile(tf.keras.optimizers.AdamW(rate, weight_decay=1e-4), loss=ranking_loss)
    for model in (*heads, learner):
        model(values[:1])
    learner.optimizer.build(learner.trainable_variables)
    held_out = tf.data.Dataset.from_tensor_slices((numbers(valid), targets(valid))).batch(8192)
    for member, head in enumerate(heads):

        def draw(number: tf.Tensor, seed: int = options.seed + 1000 * member) -> tuple[tf.Tensor, tf.Tensor]:
            rows = tf.random.stateless_uniform([batch], [seed, number], 0, count, tf.int64)
            return tf.gather(values, rows), tf.gather(labels, rows)

        learner.set_weights(head.get_weights())
        for state in learner.optimizer.variables:
            state.assign(tf.zeros_like(state))
        result = learner.fit(
            tf.data.Dataset.counter().map(draw, num_parallel_calls=2).prefetch(8),
            validation_data=held_out,
            epochs=options.feature_epochs,
            steps_per_epoch=steps,
            callbacks=[history.best(options.feature_epochs), *history.callbacks(folder)],
            verbose=2,
        )
        history.finish(result, folder)
        head.set_weights(learner.get_weights())
    return Ensemble(heads)


def _unjudged(rows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    judged = judged_rows(rows)
    return rows if judged.all() else choose(rows, np.flatnonzero(~judged))


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
