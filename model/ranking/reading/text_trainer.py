"""Trains the part of the ranking head that reads."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.options import READER_LAYERS, RankingOptions
from aisle.model.ranking.numbers import ranking_loss
from aisle.model.ranking.reading.candidate_lists import Lists, drawn_lists, whole_lists
from aisle.model.ranking.reading.distillation import distil
from aisle.model.ranking.reading.text_head import RankingHead
from aisle.model.ranking.rows import choose, judged_rows, numbers, targets
from aisle.model.text.bert import Tokenizer
from aisle.model.training import history, workers
from aisle.model.training.workers import Part

_TOKENIZED = 4096


def train_text(
    head: RankingHead,
    train: dict[str, tf.Tensor],
    valid: dict[str, tf.Tensor],
    options: RankingOptions,
    folder: str,
    learner: RankingHead | None = None,
) -> bool:
    """Trains the text on what the numbers leave open; returns whether recommendations should read it.

    Args:
        head: as made; it gets the weights of the epoch with the lowest validation loss, which may be none, or goes
            `options.learnt` of the way to them where no searches with their clicks were learnt from.
        train: ranking examples as tensors, to learn from.
        valid: those that decide when to stop.
        options: of the training.
        folder: for the training's curves.
        learner: what is trained in the place of `head`, by all workers or in mixed precision; None trains the head itself.
    """
    train, valid = _readable(train, options), _readable(valid, options)
    rng = np.random.default_rng(options.seed)
    drawn = _draw(train, options, rng)
    steps = max(1, -(-len(drawn) // (options.epochs * options.lists)))
    learner = learner or head
    with workers.strategy().scope():
        slow = tf.keras.optimizers.AdamW(_schedule(options, steps), weight_decay=0.01, clipnorm=1.0)
        learner.compile(slow)
    tokenizer = head.reader.tokenizer
    whole = _batches(valid, _whole(valid, options), tokenizer, options)
    held_out, asked = workers.distributed(lambda part: whole), int(whole.cardinality())
    there = len(valid["title"]) > 0
    before = learner.evaluate(held_out, steps=asked, verbose=0) if there else 0.0
    start = learner.get_weights()
    result = learner.fit(
        workers.distributed(lambda part: _batches(train, drawn, tokenizer, options, part)),
        validation_data=held_out if there else None,
        validation_steps=asked if there else None,
        epochs=options.epochs,
        steps_per_epoch=steps,
        callbacks=[history.best(options.patience), *history.callbacks(folder)]
        if there
        else history.callbacks(folder),
        verbose=2,
    )
    history.finish(result, folder)
    worse = there and min(result.history["val_loss"]) > before
    head.set_weights(start if worse else learner.get_weights())
    learnt = 1.0 if head.clicked else options.learnt
    _go_part_of_the_way(head, start, learnt)
    head.reader.finish(learnt)
    return options.text != "never" and workers.agree(_reads_history(head, valid, options))


def _go_part_of_the_way(head: RankingHead, start: list[np.ndarray], learnt: float) -> None:
    """Sets the weights between those before and after the training; low-rank updates are left to `finish`.

    What a hundred queries teach is half right for others: between both ends, the gain of each adds up (WiSE-FT: Wortsman et
    al., Robust fine-tuning of zero-shot models, CVPR 2022).
    """
    whole = {id(variable) for variable in head.reader.adapters}
    ends = zip(head.weights, start, head.get_weights(), strict=True)
    head.set_weights(
        [end if id(variable) in whole else begin + learnt * (end - begin) for variable, begin, end in ends]
    )


def shrink(head: RankingHead, train: dict[str, tf.Tensor], options: RankingOptions) -> None:
    """Puts a reader of `ranker.size` in the place of a trained one that has more layers.

    Args:
        head: trained.
        train: ranking examples as tensors, whose texts teach it.
        options: of the training.
    """
    layers = READER_LAYERS.get(options.size, 0)
    if not 0 < layers < len(head.reader.bert.bert.encoder.layer):
        return
    tokenizer = head.reader.tokenizer
    query, title = (
        tokenizer.pieces(tf.unique(text)[0], limit)
        for text, limit in (
            (_read_first(train), options.query_pieces),
            (train["title"], options.title_pieces),
        )
    )
    head.reader = distil(head.reader, layers, query, title, options.distil_steps, options.seed)


def _read_first(rows: dict[str, tf.Tensor]) -> tf.Tensor:
    """What is read beside the titles: the query, or the history where it is empty."""
    return tf.where(rows["query"] == "", rows["history_titles"], rows["query"])


def _reads_history(head: RankingHead, valid: dict[str, tf.Tensor], options: RankingOptions) -> bool:
    """Whether the titles make recommendations better by enough to be worth their reading."""
    recommended = choose(valid, np.flatnonzero(valid["query"].numpy() == b""))
    if not len(recommended["title"]):
        return False
    alone, with_text = losses_of_both_parts(head, recommended, options)
    reads = options.text == "always" or with_text <= alone * (1 - options.text_gain)
    print(
        f"ranking head: validation loss of recommendations {alone:.4f} by numbers alone, {with_text:.4f} "
        f"with titles: {'they are read' if reads else 'they are not read'}"
    )
    return reads


def losses_of_both_parts(
    head: RankingHead, rows: dict[str, tf.Tensor], options: RankingOptions
) -> tuple[float, float]:
    """The mean loss of some examples by numbers alone, and by the whole head."""

    @tf.function(reduce_retracing=True)
    def both(inputs: dict[str, tf.Tensor], labels: dict[str, tf.Tensor]) -> tf.Tensor:
        there = labels["there"]
        outcome = tf.boolean_mask(labels["outcome"], there)
        alone = head.numbers(tf.boolean_mask(inputs["features"], there))
        whole = tf.boolean_mask(head(inputs), there)
        return tf.stack([tf.reduce_sum(ranking_loss(outcome, logits)) for logits in (alone, whole)])

    batches = _batches(rows, _whole(rows, options), head.reader.tokenizer, options)
    alone, whole = np.sum([both(*batch).numpy() for batch in batches], 0) / len(rows["title"])
    return float(alone), float(whole)


def _readable(rows: dict[str, tf.Tensor], options: RankingOptions) -> dict[str, tf.Tensor]:
    """Every candidate of a search, and at most `text_rows` of recommendations."""
    query = rows["query"].numpy()
    searched, recommended = np.flatnonzero(query != b""), np.flatnonzero(query == b"")
    if options.text == "never":
        recommended = recommended[:0]
    drawn = np.random.default_rng(options.seed).permutation(recommended)[: options.text_rows]
    return choose(rows, np.sort(np.concatenate([searched, drawn])))


def _questions(rows: dict[str, tf.Tensor]) -> np.ndarray:
    """A number for each query, or history, of the examples: [n]."""
    both = tf.strings.join([rows["query"], rows["history_titles"]], "\n").numpy()
    return np.unique(both.astype(object), return_inverse=True)[1]


def _whole(rows: dict[str, tf.Tensor], options: RankingOptions) -> Lists:
    return whole_lists(_questions(rows), judged_rows(rows), options.list_size)


def _draw(rows: dict[str, tf.Tensor], options: RankingOptions, rng: np.random.Generator) -> Lists:
    click = rows["click"].numpy()
    return drawn_lists(_questions(rows), judged_rows(rows), click, options.list_size, options.epochs, rng)


def _schedule(options: RankingOptions, steps: int) -> tf.keras.optimizers.schedules.LearningRateSchedule:
    """Warms up over a tenth of the steps, then falls by a cosine to a fortieth of its peak."""
    total = max(10, steps * options.epochs)
    return tf.keras.optimizers.schedules.CosineDecay(
        options.learning_rate / 10, total, warmup_target=options.learning_rate, warmup_steps=total // 10
    )


def _batches(
    rows: dict[str, tf.Tensor],
    lists: Lists,
    tokenizer: Tokenizer,
    options: RankingOptions,
    part: Part | None = None,
) -> tf.data.Dataset:
    """Batches of lists, their texts as word pieces: a part of each without end, or all of them once."""
    query, title = (
        _tokenize(tokenizer, text, limit)
        for text, limit in ((_read_first(rows), options.query_pieces), (rows["title"], options.title_pieces))
    )
    features, outcome = numbers(rows), targets(rows)

    def prepare(chosen: tf.Tensor, judged: tf.Tensor) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        there = chosen >= 0
        chosen = tf.maximum(chosen, 0)
        inputs = {
            "query": tf.gather(query, chosen[:, 0]),
            "title": tf.gather(title, tf.reshape(chosen, [-1])),
            "features": tf.gather(features, chosen),
        }
        return inputs, {"outcome": tf.gather(outcome, chosen), "there": there, "judged": judged}

    every = tf.data.Dataset.from_tensor_slices((lists.rows, lists.judged))
    if part is None:
        return every.batch(max(1, options.lists // 2)).map(prepare, num_parallel_calls=2).prefetch(4)
    if part.parts > 1:
        every = every.repeat()  # No batch is too short to be parted.
    batches = every.batch(options.lists).map(
        lambda chosen, judged: prepare(part.of(chosen), part.of(judged)), num_parallel_calls=2
    )
    return batches.repeat().prefetch(4)


def _tokenize(tokenizer: Tokenizer, texts: tf.Tensor, limit: int) -> tf.RaggedTensor:
    """The word pieces of many texts, the same text only once: string [n] to int32 [n, (p)]."""
    unique, place = tf.unique(texts)
    parts = [
        tokenizer.pieces(unique[start : start + _TOKENIZED], limit)
        for start in range(0, max(len(unique), 1), _TOKENIZED)
    ]
    return tf.gather(tf.concat(parts, 0), place)
