"""What training BERT further on a shop's own texts does to its search, before any training on judgements.

    python -m benchmarks.search.pretraining --source ../shared/data/search-relevance [--results docs/experiments.md]

Titles and descriptions train; the judged items of every query are ranked by BERT as it is then: by the cosine of the
mean-pooled query and title, and by late interaction (MaxSim). nDCG@10, gain 2^(grade-1) - 1, mean over the queries.
Each training is looked at on its way too, so a figure at fewer steps is of the same, longer schedule.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from aisle.components.evaluator.measures.metrics import gain, graded_ndcg, paired_interval
from aisle.model.options import PretrainOptions
from benchmarks.search.judged_searches import DEPTH, Searches, read_searches
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table, with_interval
from benchmarks.shared.training import read_clean_label

KINDS = ("mean", "words")


@dataclasses.dataclass(frozen=True)
class Variant:
    """A way to pretrain: `masked` words, or `pairs` of a title and its description."""

    name: str
    objective: str
    options: PretrainOptions


FIGURES = (
    Figure("cosine_ndcg", lambda found: found["rows"][0]["mean"]["ndcg"], least=0.858),
    Figure("maxsim_ndcg", lambda found: found["rows"][0]["words"]["ndcg"], least=0.856),
    Figure("most_gain", lambda found: max(row[kind]["gain"] for row in found["rows"] for kind in KINDS)),
)
"""BERT as it came; what a training gains is an experiment, of which nothing is asked."""


def variants(told: argparse.Namespace) -> list[Variant]:
    """Those that the command line chooses."""
    plain = PretrainOptions(
        steps=max(told.steps), batch=told.batch, pieces=told.pieces, learning_rate=told.rate, anchor=0.0
    )
    held = PretrainOptions.read(plain.model_dump() | {"anchor": told.anchor})
    every = [
        Variant("title and description", "pairs", plain),
        Variant("hidden words", "masked", plain),
        Variant(f"hidden words, anchor {told.anchor:g}", "masked", held),
    ]
    return [variant for variant in every if not told.only or variant.name in told.only]


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="judged searches")
    command.add_argument("--steps", type=int, nargs="+", default=[200, 500], help="after which to look")
    command.add_argument("--batch", type=int, default=16)
    command.add_argument("--pieces", type=int, default=32)
    command.add_argument("--rate", type=float, default=3e-5)
    command.add_argument("--anchor", type=float, default=0.1, help="of the variant that has one")
    command.add_argument("--only", nargs="+", default=None, help="names of variants")
    command.run(measure, {"pretraining": markdown})


def measure(told: argparse.Namespace, scratch: pathlib.Path) -> dict[str, Any]:
    """A row for BERT as it came, and for each variant after each of the steps."""
    from aisle.datasets import judgements as adapter

    adapter.convert(told.source, scratch / "shop")
    searches = read_searches(read_clean_label(scratch / "shop"))
    rows: list[dict[str, Any]] = []
    before: dict[str, npt.NDArray[np.float64]] = {}
    for variant in [None, *variants(told)]:
        for steps, figures in _figures(searches, variant, sorted(told.steps)):
            before = before or figures
            rows.append({"name": variant.name if variant else "as it came", "steps": steps} | {
                kind: {
                    "ndcg": float(values.mean()),
                    "gain": float((values - before[kind]).mean()),
                    "ci": paired_interval(values, before[kind]),
                }
                for kind, values in figures.items()
            })  # fmt: skip
            print(rows[-1], flush=True)
    return {"rows": rows}


def _figures(
    searches: Searches, variant: Variant | None, steps: list[int]
) -> Iterator[tuple[int, dict[str, npt.NDArray[np.float64]]]]:
    """The figures of each query after each of the steps."""
    from aisle.model.text.bert import Tokenizer, load_bert
    from aisle.schema.bert.weights import bert_folder

    folder = bert_folder()
    bert, tokenizer = load_bert(folder), Tokenizer(folder)
    if variant is None:
        yield 0, _judged(searches, bert, tokenizer)
        return
    step = _trainer(variant, searches, bert, tokenizer)
    for number in range(variant.options.steps):
        loss = step(number)
        if number % 20 == 0:
            print(f"{variant.name}: step {number}, loss {loss:.3f}", flush=True)
        if number + 1 in steps:
            yield number + 1, _judged(searches, bert, tokenizer)


def _trainer(variant: Variant, searches: Searches, bert: Any, tokenizer: Any) -> Callable[[int], float]:
    """What does one step and returns its loss."""
    if variant.objective == "pairs":
        return _paired(variant.options, searches, bert, tokenizer)
    from aisle.model.text.masked_language import MaskedLanguageModel
    from aisle.model.text.pretraining import Pretraining, Texts

    texts = Texts.of([*searches.titles, *searches.descriptions], tokenizer, variant.options)
    counts = np.bincount(texts.train.flat_values.numpy(), minlength=tokenizer.size)
    return Pretraining(MaskedLanguageModel(bert, counts), tokenizer, texts, variant.options).step


def _paired(
    options: PretrainOptions, searches: Searches, bert: Any, tokenizer: Any
) -> Callable[[int], float]:
    """Contrastive steps: a title, its description, and the others of the batch."""
    import tensorflow as tf

    from aisle.model.text.pretraining import LengthBuckets, schedule
    from benchmarks.search.paired_texts import pair_losses

    both = [row for row, text in enumerate(searches.descriptions) if text.strip() and searches.titles[row]]
    title, text = (
        tokenizer.pieces(tf.constant([texts[row] for row in both]), options.pieces)
        for texts in (searches.titles, searches.descriptions)
    )
    buckets = LengthBuckets(text.row_lengths().numpy(), options.batch, options.seed)
    optimizer = tf.keras.optimizers.Adam(schedule(options), global_clipnorm=1.0)
    spec = tf.RaggedTensorSpec([None, None], tf.int32)

    @tf.function(input_signature=[spec, spec])
    def train(one: tf.RaggedTensor, other: tf.RaggedTensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(pair_losses(bert, tokenizer.inputs(one), tokenizer.inputs(other)))
        weights = bert.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    optimizer.build(bert.trainable_variables)
    return lambda number: float(
        train(tf.gather(title, buckets.rows(number)), tf.gather(text, buckets.rows(number)))
    )


def _judged(searches: Searches, bert: Any, tokenizer: Any) -> dict[str, npt.NDArray[np.float64]]:
    """nDCG@10 of the judged items of each query, by kind of similarity."""
    import tensorflow as tf

    from aisle.model.ranking.reading.late_interaction import LateInteraction, similarities

    reader = LateInteraction(bert, tokenizer, width=bert.config.hidden_size)
    read = tf.function(reader.__call__, reduce_retracing=True)
    figures: list[list[float]] = []
    for query, grades in zip(searches.queries, searches.grades, strict=True):
        judged = np.flatnonzero(grades > 0)
        titles = [searches.titles[item] for item in judged]
        vectors, count = read(tokenizer.pieces(tf.constant([query]), 20))
        words, counts = read(tokenizer.pieces(tf.constant(titles), 32))
        scores = similarities(vectors, count, words[None], counts[None])[0].numpy()
        worth = gain(grades[judged], 1.0)[None]
        ranked = [worth[:, np.argsort(-scores[:, kind], kind="stable")] for kind in range(len(KINDS))]
        figures.append([float(graded_ndcg(one, worth, DEPTH)[0]) for one in ranked])
    return dict(zip(KINDS, np.array(figures).T, strict=True))


def markdown(found: dict[str, Any]) -> str:
    """The table, with the gain over BERT as it came and its 95 % interval."""
    rows = []
    for row in found["rows"]:
        cells = [row["name"], row["steps"]]
        for one in (row[kind] for kind in KINDS):
            cells += [f"{one['ndcg']:.4f}", with_interval(one["gain"], one["ci"])]
        rows.append(cells)
    return table(("BERT trained by", "steps", "cosine of means", "gain", "MaxSim", "gain"), rows)


if __name__ == "__main__":
    main()
