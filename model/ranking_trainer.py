"""The TFX Trainer's `run_fn` of the ranking head: reads, trains, exports."""

from __future__ import annotations

import dataclasses
import json
import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from aisle.model import history
from aisle.model.options import RankingOptions
from aisle.model.ranking import FeatureHead, RankingHead, model_inputs, probabilities, ranking_loss
from aisle.model.text import Tokenizer, load_bert
from aisle.schema import features as f
from aisle.schema.errors import InputError
from aisle.schema.weights import bert_folder

INPUT_SPEC = {
    feature.name: tf.io.FixedLenFeature([], tf.string if feature.dtype is f.Dtype.BYTES else tf.float32)
    for feature in f.RANKING_INPUTS
}
_LABEL_SPEC = {label.name: tf.io.FixedLenFeature([], tf.float32) for label in (f.CLICK, f.CONVERSION)}


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
    tokenizer = Tokenizer(folder)
    train = _examples(fn_args.train_files)
    labels = _labels(train)
    normalization = tf.keras.layers.Normalization()
    normalization.adapt(_numbers(train))
    valid = _examples(fn_args.eval_files)
    head = RankingHead(
        load_bert(folder, options.layers or None), _train_features(train, valid, normalization)
    )
    steps = _schedule(options, len(train["title"]))
    head.compile(tf.keras.optimizers.AdamW(steps, weight_decay=0.01, clipnorm=1.0), loss=ranking_loss)
    _train(head, train, valid, tokenizer, options, fn_args.model_run_dir)
    module = RankingModule(head, tokenizer, options, labels)
    tf.saved_model.save(module, fn_args.serving_model_dir, signatures={"serving_default": module.serve})


def _train_features(
    train: dict[str, tf.Tensor], valid: dict[str, tf.Tensor], normalization: tf.keras.layers.Normalization
) -> FeatureHead:
    """Trains the part that reads only numbers, which takes seconds."""
    head = FeatureHead(normalization)
    head.compile(tf.keras.optimizers.Adam(1e-3), loss=ranking_loss)
    stop = tf.keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    held_out = (_numbers(valid), _targets(valid))
    head.fit(
        _numbers(train),
        _targets(train),
        validation_data=held_out,
        epochs=30,
        batch_size=64,
        callbacks=[stop],
        verbose=0,
    )
    return head


def _train(
    head: RankingHead,
    train: dict[str, tf.Tensor],
    valid: dict[str, tf.Tensor],
    tokenizer: Tokenizer,
    options: RankingOptions,
    folder: str,
) -> None:
    """Trains text and features together; keeps what was there before where that was better."""
    held_out = _batches(valid, tokenizer, options, shuffle=False)
    before, start = head.evaluate(held_out, verbose=0), head.get_weights()
    result = head.fit(
        _batches(train, tokenizer, options, shuffle=True),
        validation_data=held_out,
        epochs=options.epochs,
        callbacks=[
            tf.keras.callbacks.EarlyStopping(patience=options.patience, restore_best_weights=True),
            *history.callbacks(folder),
        ],
        verbose=2,
    )
    history.finish(result, folder)
    best = min(result.history["val_loss"])
    print(f"ranking head: validation loss {before:.4f} by features alone, {best:.4f} with text")
    if best > before:
        head.set_weights(start)


class RankingModule(tf.Module):
    """The exported ranking head.

    Attributes:
        searches: whether it learnt from queries (bool []); else its score says nothing of one.
    """

    def __init__(
        self, head: RankingHead, tokenizer: Tokenizer, options: RankingOptions, labels: Labels
    ) -> None:
        super().__init__()
        self.head_weights = list(head.variables)
        self.searches = tf.Variable(labels.search, trainable=False)
        text = tf.TensorSpec([None], tf.string)
        numbers = tf.TensorSpec([None, len(f.CANDIDATE_FEATURES)], tf.float32)

        def score(
            query: tf.Tensor, history_titles: tf.Tensor, title: tf.Tensor, features: tf.Tensor
        ) -> tf.Tensor:
            inputs = model_inputs(tokenizer, options, query, history_titles, title, features)
            click, conversion = probabilities(head(inputs, training=False))
            # A search is ranked by relevance; a recommendation by what will be bought, where that was learnt.
            return tf.where(query != "", click, conversion) if labels.conversion else click

        self.score = tf.function(score, input_signature=[text, text, text, numbers])

        def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            rows = tf.io.parse_example(examples, INPUT_SPEC)
            return {
                "scores": self.score(rows["query"], rows["history_titles"], rows["title"], _numbers(rows))
            }

        self.serve = tf.function(serve, input_signature=[tf.TensorSpec([None], tf.string, name="examples")])


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
    known = [values[values >= 0] for values in (click, conversion)]
    if not any(len(values) and values.min() < values.max() for values in known):
        raise InputError(
            f"the ranking head has labels of a single class ({len(click)} candidates): "
            "it needs candidates that were taken and candidates that were not"
        )
    return Labels(search=bool((rows["query"].numpy() != b"").any()), conversion=bool(len(known[1])))


def _numbers(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    return tf.stack([rows[feature.name] for feature in f.CANDIDATE_FEATURES], axis=1)


def _targets(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    return tf.stack([rows[f.CLICK.name], rows[f.CONVERSION.name]], axis=1)


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
