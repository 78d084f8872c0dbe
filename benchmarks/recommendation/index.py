"""The approximate index beside the exact one, from 100,000 to a million items.

    python -m benchmarks.recommendation.index [--items 100000 200000 400000 1000000] [--results docs/results.md]

The vectors are made up, in groups of groups whose closeness is that of real titles: 64 numbers as the two-tower's, 384
as the titles'. Each index answers one query with its best 100 items; a time is the median of several queries, taken in
turn by both. Recall is measured as when a model is bundled, by queries that didn't choose how many clusters are read.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.clusters import make_index
from aisle.model.retrieval.index import ExactIndex, Index
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table

WIDTHS = {"two-tower": 64, "titles": 384}
TOP = 100
QUERIES = 200
GROUPS, OF_EACH = 40, 50
CHUNK = 50_000


FIGURES = (
    Figure("least_recall", lambda found: min(run["recall"] for run in found["runs"]), least=0.95),
    Figure(
        "least_times_as_fast",
        lambda found: min(run["exact_ms"] / run["approximate_ms"] for run in found["runs"]),
        least=1.0,
    ),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument("--items", type=int, nargs="+", default=[100_000, 200_000, 400_000, 1_000_000])
    command.add_argument(
        "--repeats", type=int, default=15, help="queries timed, each index in turn (default 15)"
    )
    command.run(
        lambda told, _: {
            "runs": [measure(name, count, told.repeats) for count in told.items for name in WIDTHS]
        },
        {"index": markdown},
    )


def clustered(count: int, width: int, seed: int) -> np.ndarray:
    """Unit vectors in groups of groups, some groups far larger than others: float32 [count, width].

    Every seed has the same groups.
    """
    spread = np.arange(1, width + 1, dtype=np.float32) ** -0.5
    spread /= np.linalg.norm(spread)
    rng = np.random.default_rng(7)
    outer = rng.standard_normal((GROUPS, width), np.float32) * spread
    inner = rng.standard_normal((GROUPS * OF_EACH, width), np.float32) * spread
    sizes = rng.zipf(1.3, len(inner)).clip(1, 200).astype(float)
    rng = np.random.default_rng(seed)
    vectors = np.empty((count, width), np.float32)
    for start in range(0, count, CHUNK):
        group = rng.choice(len(inner), min(CHUNK, count - start), p=sizes / sizes.sum())
        own = 0.9 * rng.standard_normal((len(group), width), np.float32) * spread
        part = 0.75 * inner[group] + 0.75 * outer[group // OF_EACH] + own
        vectors[start : start + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return vectors


def measure(name: str, count: int, repeats: int) -> dict[str, Any]:
    """One row of the table: both indexes of so many items."""
    print(f"{count:,} items, {name}", file=sys.stderr)
    vectors = tf.Variable(clustered(count, WIDTHS[name], seed=1), trainable=False)
    queries = clustered(QUERIES, WIDTHS[name], seed=2)
    begin = time.perf_counter()
    made = make_index(vectors, {"queries": queries})
    seconds = time.perf_counter() - begin
    # Of its own: a variable from which rows were taken, as the other index does, is copied to be read.
    whole = ExactIndex(tf.Variable(vectors, trainable=False))
    exact, approximate = times([_best(whole), _best(made.index)], queries, repeats)
    return {
        "items": count,
        "vectors": name,
        "width": WIDTHS[name],
        "exact_ms": exact,
        "approximate_ms": approximate,
        "recall": made.figures["recall"]["queries"],
        "build_seconds": seconds,
        **{key: made.figures[key] for key in ("clusters", "probes", "read_share", "index_mb", "vectors_mb")},
    }


def _best(index: Index) -> Callable[[np.ndarray], None]:
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])
    def best(query: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return index.ask(query).top(TOP, tf.zeros([tf.shape(query)[0], index.count], tf.bool))

    return lambda query: best(tf.constant(query))[0].numpy()


def times(systems: list[Callable[[np.ndarray], None]], queries: np.ndarray, repeats: int) -> list[float]:
    """The median milliseconds of each, one query after another, the systems in turn."""
    taken: list[list[float]] = [[] for _ in systems]
    for number in range(repeats + 2):
        for system, times_ms in zip(systems, taken, strict=True):
            begin = time.perf_counter()
            system(queries[number % len(queries)][None])
            times_ms.append(1000 * (time.perf_counter() - begin))
    return [statistics.median(times_ms[2:]) for times_ms in taken]


def markdown(found: dict[str, Any]) -> str:
    """The table people read."""
    head = (
        "items",
        "vectors",
        "exact ms",
        "approximate ms",
        "recall@100",
        "clusters read",
        "vectors MB",
        "index MB",
    )
    rows = (
        (
            f"{run['items']:,}",
            f"{run['vectors']}, {run['width']}",
            f"{run['exact_ms']:.1f}",
            f"{run['approximate_ms']:.1f}",
            f"{run['recall']:.3f}",
            f"{run['probes']} of {run['clusters']:,}",
            f"{run['vectors_mb']:.0f}",
            f"{run['index_mb']:.1f}",
            f"{run['build_seconds']:.0f}",
        )
        for run in found["runs"]
    )
    return f"It took {found['minutes']} minutes.\n\n{table((*head, 'made in s'), rows)}"


if __name__ == "__main__":
    main()
