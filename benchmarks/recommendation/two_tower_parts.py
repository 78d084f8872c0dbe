"""What the parts of the two-tower are worth, and what was tried instead, in the validation window of Online Retail.

    python -m benchmarks.recommendation.two_tower_parts --source ../shared/data/online-retail [--seeds 1] [--results docs/experiments.md]

Each variant trains from the start, by the pipeline's loop, on the same transformed examples, and answers the queries of
the 30 days before the test with 20 items of the whole catalogue. Items that first sell in the first of these weeks,
ranked among all that had never sold, show what content alone does. The test is not looked at.
"""

from __future__ import annotations

import pathlib
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from aisle.components.evaluator.measures.metrics import hits, paired_interval, recall, relevant_items
from aisle.components.labeler.labelled import Labelled
from aisle.schema.tables import MICROSECONDS_PER_DAY
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.measured import K
from benchmarks.shared.results import table, with_interval
from benchmarks.shared.training import canonical, read_clean_label, transform

if TYPE_CHECKING:
    import tensorflow as tf

    from aisle.model.two_tower.model import TwoTower
    from benchmarks.recommendation.two_tower_variants import Training

OURS = "aisle"

Floats = npt.NDArray[np.float64]


FIGURES = (
    Figure("recall", lambda found: found["systems"][OURS]["all"]["recall"], least=0.222),
    Figure("unsold_recall", lambda found: found["systems"][OURS]["cold"]["recall"], least=0.32),
)
"""One seed is off by about 0.002 either way, of the few unsold items by ten times that."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="UCI Online Retail", seeds=(1,))
    command.add_argument("--variants", nargs="+", default=None, help="names; the first is always there")
    command.run(
        lambda told, scratch: measure(told.source, scratch, told.seeds, told.variants),
        {"two-tower-parts": markdown},
    )


def measure(
    source: pathlib.Path, scratch: pathlib.Path, seeds: list[int], chosen: list[str] | None
) -> dict[str, Any]:
    """Every variant with every seed; see `markdown` for the shape."""
    import tensorflow_transform as tft

    from aisle.model.options import TwoTowerOptions
    from aisle.model.text.bert import SentenceEncoder
    from aisle.model.train_two_tower import sizes
    from aisle.model.two_tower.inputs import read_catalogue, read_queries
    from aisle.schema.bert.weights import bert_folder
    from benchmarks.recommendation.two_tower_variants import VARIANTS, Training

    labelled = read_clean_label(canonical(source, scratch))
    examples, folder = transform(labelled, scratch)
    graph, encoder = tft.TFTransformOutput(folder), SentenceEncoder(bert_folder())
    catalogue = read_catalogue([f"{examples}/Split-items/*"], graph, encoder)
    splits = [[f"{examples}/Split-{split}/*"] for split in ("train", "eval")]
    queries, valid = read_queries(splits, graph, catalogue, encoder)
    ours, *_ = names = [
        name for name in VARIANTS if chosen is None or name in (next(iter(VARIANTS)), *chosen)
    ]
    values: dict[str, list[dict[str, Floats]]] = {name: [] for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for seed in seeds:
        model = None
        for name in names:
            training = Training(catalogue, queries, valid, TwoTowerOptions(seed=seed))
            training = VARIANTS[name](training, model)
            trained, spent = train(training, sizes(graph, encoder.width), str(scratch / "run"))
            model = model or trained
            values[name].append(answered(trained, training, labelled))
            seconds[name].append(spent)
            told = {part: round(float(np.nanmean(each)), 4) for part, each in values[name][-1].items()}
            print(f"seed {seed}, {name}: {told}, {spent:.0f} s", flush=True)
    means = {
        name: {part: np.mean([one[part] for one in many], 0) for part in many[0]}
        for name, many in values.items()
    }
    return {
        "seeds": seeds,
        "queries": {part: int((~np.isnan(each)).sum()) for part, each in means[ours].items()},
        "systems": {
            name: {
                part: {"recall": float(np.nanmean(each)), "ci": paired_interval(each, means[ours][part])}
                for part, each in parts.items()
            }
            | {"seconds": float(np.mean(seconds[name]))}
            for name, parts in means.items()
        },
    }


def train(training: Training, sizes: Any, run: str) -> tuple[TwoTower, float]:
    """The trained model, and how many seconds of CPU it took."""
    from aisle.model.two_tower.training import begun, fit

    started = time.process_time()
    model = begun(sizes, training.options, training.queries, training.catalogue, training.model)
    endless = training.batches(training.queries, training.catalogue, training.options)
    fit(model, endless, training.valid, training.catalogue, training.options, run)
    return model, time.process_time() - started


def answered(model: TwoTower, training: Training, labelled: Labelled) -> dict[str, Floats]:
    """Recall@20 of each query of the validation: of all items, and of the first week's new ones among the unsold."""
    import tensorflow as tf

    from aisle.model.two_tower.inputs import Catalogue
    from aisle.model.two_tower.recall import best_items

    asked = training.valid.rows(tf.range(len(training.valid.text_row), dtype=tf.int64))
    taken = _matrix(training.valid.targets, len(training.catalogue.ids))
    best = best_items(model, training.catalogue, asked, K).numpy()
    unsold, week = _unsold(training, labelled)
    fresh = Catalogue(tf.gather(training.catalogue.ids, unsold), training.catalogue.rows(tf.constant(unsold)))
    first = taken[:, unsold].multiply(week[unsold][None]).tocsr()
    cold = best_items(model, fresh, asked, K).numpy()
    return {
        "all": recall(hits(best, taken), relevant_items(taken)),
        "cold": recall(hits(cold, first), relevant_items(first)),
    }


def _matrix(targets: tf.RaggedTensor, items: int) -> sparse.csr_matrix:
    """Non-zero where a query took an item: [queries, items]."""
    shape = (int(targets.nrows()), items)
    row, column = targets.value_rowids().numpy(), targets.values.numpy()
    return sparse.csr_matrix((np.ones(len(row)), (row, column)), shape)


def _unsold(training: Training, labelled: Labelled) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The rows of what had never sold when the validation starts, and whether each item first sells in its first
    week."""
    start = labelled.splits.eval_start
    sold = pl.DataFrame(pl.from_arrow(labelled.tables["interactions"]))
    first = sold.group_by("item_id").agg(pl.col("timestamp").min().alias("first"))
    ids = pl.DataFrame({"item_id": [item.decode() for item in training.catalogue.ids.numpy()]})
    since = (
        ids.join(first, on="item_id", how="left", maintain_order="left")["first"].fill_null(2**62).to_numpy()
    )
    return np.flatnonzero(since >= start), (since >= start) & (since < start + 7 * MICROSECONDS_PER_DAY)


def markdown(found: dict[str, Any]) -> str:
    """The table people read."""
    lines = [
        f"{found['queries']['all']:,} queries, {found['queries']['cold']:,} of them with something that first sells in "
        f"the first week; seeds: {', '.join(map(str, found['seeds']))}. It took {found['minutes']} minutes.",
        "",
    ]
    head = ["", f"Recall@{K}", "less aisle's", "of unsold items", "less aisle's", "CPU seconds of training"]
    ours, rows = found["systems"][OURS], []
    for name, record in found["systems"].items():
        cells = []
        for part in ("all", "cold"):
            value = record[part]["recall"]
            less = with_interval(value - ours[part]["recall"], record[part]["ci"])
            cells += [f"{value:.4f}", less if record is not ours else ""]
        rows.append([name, *cells, f"{record['seconds']:.0f}"])
    return "\n".join([*lines, table(head, rows)])


if __name__ == "__main__":
    main()
