"""What the reviews of items are worth to a ranking head: heads that read their numbers, and heads that don't.

    python -m benchmarks.reviews.ranking [--users 1500 --items 800 --days 90] [--seed 1] [--test]

A simulated shop, whose items have a quality that everybody agrees on: it moves clicks, purchases and what is written. Three
numbers of each item as of each moment, no review after it: how many there are, how likely one is a good one by its words, and
the lower bound of that. On the same candidates, by the mean over three heads; what is kept is chosen on the 30 days before
the test, `--test` measures on the test. Nothing is asked: no number is shipped that doesn't win here.
"""

from __future__ import annotations

import argparse
import os
import pathlib

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import polars as pl

from aisle.components.reviews.items import lower_bound, told
from aisle.components.reviews.learnable import known_texts
from aisle.components.reviews.options import ReviewOptions
from aisle.components.reviews.written import with_labels, written
from aisle.datasets.simulator import SimulatorOptions
from aisle.model.options import TwoTowerOptions
from aisle.model.retrieval import sources
from aisle.model.retrieval.sources.source import Arrays, Inputs, Past, Score, TableSource, Tensors
from benchmarks.labels.worth import TOWER_STEPS, item_ids, labelled_shop, shown, write_shop
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table
from benchmarks.shared.training import clean_tables, read_tables, train_two_tower

NUMBERS = ("reviews_count", "reviews_good", "reviews_at_least")
FIGURES = tuple(
    Figure(f"gain_{part.replace(', ', '_')}", lambda found, part=part: found["gains"][part]["gain"])  # type: ignore[misc]
    for part in ("recommended", "recommended, new", "searched", "pages")
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    for name, default in {"users": 1_500, "items": 800, "days": 90, "seed": 1}.items():
        command.add_argument(f"--{name}", type=int, default=default)
    command.add_argument(
        "--heads", type=int, nargs="+", default=[1, 2, 3], help="seeds of the heads; figures are their mean"
    )
    command.add_argument("--test", action="store_true", help="measure on the test, not on the days before it")
    command.run(measured, {"reviews-ranking": markdown})


def measured(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """By part, what the numbers of reviews add to the shipped head: the `gain` and its interval, `ci`."""
    simulated = SimulatorOptions(users=told.users, items=told.items, days=told.days, seed=told.seed)
    write_shop(scratch / "shop", None, simulated)
    labelled = labelled_shop(scratch / "shop", told.test)
    scored = scored_reviews(scratch / "shop", labelled.splits.end)
    tower = train_two_tower(labelled, scratch, TwoTowerOptions(seed=told.seed, steps=TOWER_STEPS))
    sources.SOURCES.append(of_reviews(scored, item_ids(tower)))
    # What derives from the registry comes after what is added to it.
    from benchmarks.labels.heads import Trial, gains_of

    trial = Trial.make(labelled, tower, simulated, scratch, told.seed)
    without = trial.measured(list(NUMBERS), told.heads)
    return {
        "reviews": len(scored),
        "shipped": {part: float(np.nanmean(values)) for part, values in without.items()},
        "gains": gains_of(trial.measured([], told.heads), without),
    }


def scored_reviews(folder: pathlib.Path, end: int) -> pl.DataFrame:
    """The reviews before a moment, each judged by models of others: `item_id`, `timestamp`, `told`."""
    from aisle.model.reviews.sentiment import learn

    events = pl.DataFrame(pl.from_arrow(clean_tables(read_tables(folder)).tables["events"]))
    options = ReviewOptions()
    reviews = with_labels(written(events.filter(pl.col("timestamp") < end), options).reviews, options)
    known = known_texts(reviews)
    texts = known["text"].to_list()
    probability = learn(texts, known["good"].to_numpy()).probability
    judged = reviews.with_columns(
        pl.col("text")
        .replace_strict(texts, probability, default=None, return_dtype=pl.Float64)
        .alias("probability")
    )
    return judged.select("item_id", "timestamp", told().alias("told")).drop_nulls()


def of_reviews(scored: pl.DataFrame, ids: list[str]) -> TableSource:
    """NUMBERS as a source, as they would stand in `model/retrieval/sources/`.

    Args:
        scored: the reviews.
        ids: of the catalogue, in order.
    """
    rows = scored.join(pl.DataFrame({"item_id": ids}).with_row_index("row"), "item_id")

    def build(past: Past) -> Arrays:
        # What is known ends before the moment asked for: no review after it counts.
        last = past.known["timestamp"].max() if len(past.known) else 0
        before = rows.filter(pl.col("timestamp") <= last)
        usual = before["told"].mean()
        found = before.group_by("row").agg(pl.len().alias("count"), pl.col("told").mean().alias("good"))
        found = found.with_columns(lower_bound(pl.col("good"), pl.col("count")).alias("least"))
        values = np.tile(np.array([0.0, usual or 0.0, 0.0], np.float32), (past.count, 1))
        values[found["row"].to_numpy()] = found.select("count", "good", "least").to_numpy()
        return dict(zip(NUMBERS, values.T, strict=True))

    def score(inputs: Inputs, kept: Tensors) -> Tensors:
        return {name: inputs.everywhere(kept[name]) for name in NUMBERS}

    return TableSource("reviews", tuple(Score(name) for name in NUMBERS), score, build)


def markdown(found: Found) -> str:
    """What the numbers add to each part, with its interval."""
    rows = [(part, f"{found['shipped'][part]:.4f}", shown(gain)) for part, gain in found["gains"].items()]
    return table(("", "without", "gain by the numbers of reviews"), rows)


if __name__ == "__main__":
    main()
