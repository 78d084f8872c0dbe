"""The TFX Trainer's `run_fn` of the ranking head: reads, trains, exports."""

from __future__ import annotations

import dataclasses
import json
import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from aisle.model import history
from aisle.model.calibration import AS_IT_IS, fit_platt, platt
from aisle.model.options import RankingOptions
from aisle.model.ranking import (
    Ensemble,
    FeatureHead,
    RankingHead,
    bin_edges,
    log_odds,
    model_inputs,
    ranking_loss,
)
from aisle.model.text import Tokenizer, load_bert
from aisle.schema import features as f
from aisle.schema.errors import InputError
from aisle.schema.weights import bert_folder

INPUT_SPEC = {
    feature.name: tf.io.FixedLenFeature([], tf.string if feature.dtype is f.Dtype.BYTES else tf.float32)
    for feature in f.RANKING_INPUTS
}
_CALIBRATED = 256
"""Validation examples that are scored at once."""
_LABELS = (f.CLICK, f.CONVERSION, f.CLICKED, f.WEIGHT)
_LABEL_SPEC = {label.name: tf.io.FixedLenFeature([], tf.float32) for label in _LABELS}


@dataclasses.dataclass(frozen=True)
class Labels:
    """Which labels the training candidates had, so that the served score is one that was learnt."""

    search: bool
    conversion: bool


def run_fn(fn_args: FnArgs) -> None:
    """Trains the ranking head and exports it to `fn_args.serving_model_dir`.

    Args:
        fn_args: `train_files` and `eval_files` hold ranking examples; `custom_config` holds
            `options` (a RankingOptions as JSON) and `bert` (a folder or "").
    """
    options = RankingOptions(**json.loads(fn_args.custom_config["options"]))
    folder = fn_args.custom_config.get("bert") or bert_folder()
    tf.keras.utils.set_random_seed(options.seed)
    train, valid = _examples(fn_args.train_files), _examples(fn_args.eval_files)
    labels = _labels(train)
    if not options.propensity:
        train, valid = ({**rows, f.WEIGHT.name: tf.ones_like(rows[f.WEIGHT.name])} for rows in (train, valid))
    features = train_features(train, valid, options, fn_args.model_run_dir)
    tokenizer = Tokenizer(folder)
    head, reads_history = None, False
    if labels.search or options.text != "never":
        head = RankingHead(load_bert(folder, options.layers or None), features)
        reads_history = train_text(head, train, valid, tokenizer, options, fn_args.model_run_dir)
    if not (labels.search or reads_history):
        head = None
    module = RankingModule(features, head, tokenizer, options, labels, reads_history)
    module.calibrate(valid)
    tf.saved_model.save(module, fn_args.serving_model_dir, signatures={"serving_default": module.serve})


def train_features(
    train: dict[str, tf.Tensor], valid: dict[str, tf.Tensor], options: RankingOptions, folder: str
) -> Ensemble:
    """Trains the part that reads only numbers: some heads, each kept as it was at its best epoch."""
    numbers, targets = _numbers(train), _targets(train)
    edges = bin_edges(numbers.numpy(), options.bins)
    count = len(numbers)
    batch = max(16, min(2048, count // 50))
    steps = max(1, count // batch)
    total = steps * options.feature_epochs
    held_out = tf.data.Dataset.from_tensor_slices((_numbers(valid), _targets(valid))).batch(8192)
    heads = []
    for member in range(options.members):
        head = FeatureHead(edges, options.width)
        rate = tf.keras.optimizers.schedules.CosineDecay(
            2e-4, total, warmup_target=2e-3, warmup_steps=total // 10
        )
        head.compile(tf.keras.optimizers.AdamW(rate, weight_decay=1e-4), loss=ranking_loss)

        def draw(number: tf.Tensor, seed: int = options.seed + 1000 * member) -> tuple[tf.Tensor, tf.Tensor]:
            rows = tf.random.stateless_uniform([batch], [seed, number], 0, count, tf.int64)
            return tf.gather(numbers, rows), tf.gather(targets, rows)

        result = head.fit(
            tf.data.Dataset.counter().map(draw, num_parallel_calls=2).prefetch(8),
            validation_data=held_out,
            epochs=options.feature_epochs,
            steps_per_epoch=steps,
            callbacks=[_best(options.feature_epochs), *history.callbacks(folder)],
            verbose=2,
        )
        history.finish(result, folder)
        heads.append(head)
    return Ensemble(heads)


def train_text(
    head: RankingHead,
    train: dict[str, tf.Tensor],
    valid: dict[str, tf.Tensor],
    tokenizer: Tokenizer,
    options: RankingOptions,
    folder: str,
) -> bool:
    """Trains the text on what the features leave open; returns whether recommendations should read it."""
    train, valid = _readable(train, options), _readable(valid, options)
    steps = _schedule(options, len(train["title"]))
    head.compile(tf.keras.optimizers.AdamW(steps, weight_decay=0.01, clipnorm=1.0), loss=ranking_loss)
    held_out = _batches(valid, tokenizer, options, shuffle=False)
    before = head.evaluate(held_out, verbose=0) if len(valid["title"]) else 0.0
    start = head.get_weights()
    result = head.fit(
        _batches(train, tokenizer, options, shuffle=True),
        validation_data=held_out,
        epochs=options.epochs,
        callbacks=[_best(options.patience), *history.callbacks(folder)],
        verbose=2,
    )
    history.finish(result, folder)
    if min(result.history["val_loss"]) > before:
        head.set_weights(start)
    return options.text != "never" and _reads_history(head, valid, tokenizer, options)


def _reads_history(
    head: RankingHead, valid: dict[str, tf.Tensor], tokenizer: Tokenizer, options: RankingOptions
) -> bool:
    """Whether the titles make recommendations better by enough to be worth their reading."""
    recommended = _choose(valid, tf.where(valid["query"] == "")[:, 0])
    if not len(recommended["title"]):
        return False
    with_text = head.evaluate(_batches(recommended, tokenizer, options, shuffle=False), verbose=0)
    alone = float(tf.reduce_mean(ranking_loss(_targets(recommended), head.features(_numbers(recommended)))))
    reads = options.text == "always" or with_text <= alone * (1 - options.text_gain)
    print(
        f"ranking head: validation loss of recommendations {alone:.4f} by numbers alone, {with_text:.4f} "
        f"with titles: {'they are read' if reads else 'they are not read'}"
    )
    return reads


def _best(patience: int) -> tf.keras.callbacks.Callback:
    return tf.keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)


def _readable(rows: dict[str, tf.Tensor], options: RankingOptions) -> dict[str, tf.Tensor]:
    """Every candidate of a search, and at most `text_rows` of recommendations."""
    query = rows["query"].numpy()
    searched, recommended = np.flatnonzero(query != b""), np.flatnonzero(query == b"")
    if options.text == "never":
        recommended = recommended[:0]
    drawn = np.random.default_rng(options.seed).permutation(recommended)[: options.text_rows]
    return _choose(rows, tf.constant(np.sort(np.concatenate([searched, drawn]))))


def _choose(rows: dict[str, tf.Tensor], chosen: tf.Tensor) -> dict[str, tf.Tensor]:
    return {name: tf.gather(values, chosen) for name, values in rows.items()}


class RankingModule(tf.Module):
    """The exported ranking head.

    Attributes:
        searches: whether it learnt from queries (bool []); else its score says nothing of one.
        reads_history: whether a recommendation's score needs its texts (bool []).
        calibration: scale and shift of the log odds of recommendations and of searches (float32 [2, 2]).
    """

    def __init__(
        self,
        features: Ensemble,
        head: RankingHead | None,
        tokenizer: Tokenizer,
        options: RankingOptions,
        labels: Labels,
        reads_history: bool,
    ) -> None:
        super().__init__()
        # Keras would trace every layer's own functions if it met the models; their weights are enough.
        self.head_weights = [*features.variables, *(head.variables if head else ())]
        self.searches = tf.Variable(labels.search, trainable=False)
        self.reads_history = tf.Variable(reads_history, trainable=False)
        self.calibration = tf.Variable([AS_IT_IS, AS_IT_IS], trainable=False, dtype=tf.float32)
        self._labels, self._options = labels, options
        text = tf.TensorSpec([None], tf.string)
        numbers = tf.TensorSpec([None, len(f.CANDIDATE_FEATURES)], tf.float32)

        def chosen(query: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
            click, conversion = log_odds(logits)
            searched = query != ""
            # A search is ranked by relevance; a recommendation by what will be bought, where that was learnt.
            odds = tf.where(searched, click, conversion) if labels.conversion else click
            return platt(odds, tf.gather(self.calibration, tf.cast(searched, tf.int32)))

        def score_numbers(query: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
            return chosen(query, features(values))

        def score(
            query: tf.Tensor, history_titles: tf.Tensor, title: tf.Tensor, values: tf.Tensor
        ) -> tf.Tensor:
            if head is None:
                return score_numbers(query, values)
            inputs = model_inputs(tokenizer, options, query, history_titles, title, values)
            return chosen(query, head(inputs, training=False))

        self.score_numbers = tf.function(score_numbers, input_signature=[text, numbers])
        self.score = tf.function(score, input_signature=[text, text, text, numbers])

        def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            rows = tf.io.parse_example(examples, INPUT_SPEC)
            values = _numbers(rows)
            scores = self.score(rows["query"], rows["history_titles"], rows["title"], values)
            if not reads_history:
                scores = tf.where(rows["query"] != "", scores, self.score_numbers(rows["query"], values))
            return {"scores": scores}

        self.serve = tf.function(serve, input_signature=[tf.TensorSpec([None], tf.string, name="examples")])

    def calibrate(self, valid: dict[str, tf.Tensor]) -> None:
        """Fits `calibration` to what was observed in validation, searches and recommendations apart.

        Weights by position, grades of judges and averaged heads all leave scores that are good for an order
        alone. A search is fitted to the clicks on what was shown, where there are such.
        """
        searched = valid["query"].numpy() != b""
        click, conversion, clicked = (valid[label.name].numpy() for label in _LABELS[:3])
        if (searched & (clicked >= 0)).any():
            click = np.where(searched, clicked, click)
        target = np.where(searched | (not self._labels.conversion), click, conversion)
        lines = [AS_IT_IS, AS_IT_IS]
        for kind, reads in enumerate((bool(self.reads_history), True)):
            chosen = np.flatnonzero((searched == bool(kind)) & (target >= 0))
            if reads:
                chosen = np.random.default_rng(self._options.seed).permutation(chosen)[
                    : self._options.text_rows
                ]
            if len(chosen):
                lines[kind] = fit_platt(
                    self._scores(_choose(valid, tf.constant(chosen)), reads), target[chosen]
                )
        self.calibration.assign(lines)

    def _scores(self, rows: dict[str, tf.Tensor], reads: bool) -> np.ndarray:
        """The scores of examples, as yet uncalibrated, in batches: [n]."""
        found = []
        for start in range(0, len(rows["title"]), _CALIBRATED):
            part = {name: values[start : start + _CALIBRATED] for name, values in rows.items()}
            texts = (part["query"], part["history_titles"], part["title"])
            score = (
                self.score(*texts, _numbers(part)) if reads else self.score_numbers(texts[0], _numbers(part))
            )
            found.append(score.numpy())
        return np.concatenate(found)


def _examples(patterns: list[str]) -> dict[str, tf.Tensor]:
    files = [path for pattern in patterns for path in tf.io.gfile.glob(pattern)]
    records = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    return dict(
        tf.io.parse_example(tf.constant(records, tf.string, [len(records)]), {**INPUT_SPEC, **_LABEL_SPEC})
    )


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


def _numbers(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    return tf.stack([rows[feature.name] for feature in f.CANDIDATE_FEATURES], axis=1)


def _targets(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """Click, conversion and weight, as `ranking_loss` reads them: float32 [n, 3]."""
    return tf.stack([rows[f.CLICK.name], rows[f.CONVERSION.name], rows[f.WEIGHT.name]], axis=1)


def _schedule(options: RankingOptions, rows: int) -> tf.keras.optimizers.schedules.LearningRateSchedule:
    """Warms up over a tenth of the steps, then falls to nothing, as BERT's fine-tuning does."""
    steps = max(10, options.epochs * rows // options.batch)
    return tf.keras.optimizers.schedules.CosineDecay(
        options.learning_rate / 10, steps, warmup_target=options.learning_rate, warmup_steps=steps // 10
    )


def _batches(
    rows: dict[str, tf.Tensor], tokenizer: Tokenizer, options: RankingOptions, shuffle: bool
) -> tf.data.Dataset:
    data = {
        "texts": tuple(rows[name] for name in ("query", "history_titles", "title")),
        "features": _numbers(rows),
        "labels": _targets(rows),
    }
    batches = tf.data.Dataset.from_tensor_slices(data)
    if shuffle:
        batches = batches.shuffle(len(rows["title"]), seed=options.seed)

    def prepare(batch: dict[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        query, titles, title = batch["texts"]
        return model_inputs(tokenizer, options, query, titles, title, batch["features"]), batch["labels"]

    return batches.batch(options.batch).map(prepare, num_parallel_calls=2).prefetch(4)
