"""Training throughput of the two-tower beside the loop of TFRS's retrieval tutorial, in turn, on Online Retail.

    python -m benchmarks.recommendation.throughput --source ../shared/data/online-retail [--rounds 5] [--results docs/results.md]

Same towers, same loss, same batch, same transformed examples. The tutorial's loop is that of "Recommending movies:
retrieval": dicts of one example each through tf.data, shuffled, batched and cached in memory, string ids looked up
in the model, a history as the mean of a vector for each place, `tfrs.tasks.Retrieval`, Adagrad, `model.fit`. As
written, it computes FactorizedTopK in every training step; the comparison that counts leaves that out, as the
tutorial advises for speed. Reading and parsing are not in the figures: both sides have them behind them when the
clock starts.
"""

from __future__ import annotations

import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table
from benchmarks.shared.training import canonical, read_clean_label, transform

OURS = "aisle"
PEER = "tutorial, metrics off"
PLAIN = f"{PEER}, its plain softmax"


FIGURES = (
    Figure("times_as_fast", lambda found: float(np.median(ratios(found, PEER))), least=3.0),
    Figure("times_as_fast_as_plain", lambda found: float(np.median(ratios(found, PLAIN))), least=3.0),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="UCI Online Retail")
    command.add_argument("--rounds", type=int, default=5, help="each side once a round (default 5)")
    command.add_argument("--steps", type=int, default=180, help="of a round (default 180)")
    command.run(
        lambda told, scratch: measure(told.source, scratch, told.rounds, told.steps), {"throughput": markdown}
    )


def measure(source: pathlib.Path, scratch: pathlib.Path, rounds: int, steps: int) -> dict[str, Any]:
    """Examples and CPU seconds a second of each side in each round; see `markdown` for the shape."""
    sides, batch = make_sides(transform(read_clean_label(canonical(source, scratch)), scratch), steps)
    for run, _ in sides.values():
        run()  # Traces and compiles.
    found: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, (run, count) in sides.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            found[name].append(
                {"examples_a_second": count * batch / wall, "cpu_ms_a_step": 1e3 * cpu / count}
            )
    return {"batch": batch, "rounds": found}


def make_sides(
    transformed: tuple[str, str], steps: int
) -> tuple[dict[str, tuple[Callable[[], object], int]], int]:
    """By name: what runs a round and how many steps it has; and the batch."""
    import tensorflow as tf
    import tensorflow_transform as tft

    from aisle.model.options import TwoTowerOptions
    from aisle.model.text.bert import SentenceEncoder
    from aisle.model.train_two_tower import sizes
    from aisle.model.two_tower.inputs import batches, read_catalogue, read_queries
    from aisle.model.two_tower.model import QueryTower
    from aisle.model.two_tower.training import compiled
    from aisle.schema.bert.weights import bert_folder
    from benchmarks.recommendation.tutorial import Loss, Tutorial, tutorial_batches

    options, graph = TwoTowerOptions(), tft.TFTransformOutput(transformed[1])
    encoder = SentenceEncoder(bert_folder())
    catalogue = read_catalogue([f"{transformed[0]}/Split-items/*"], graph, encoder)
    pattern = f"{transformed[0]}/Split-train/*"
    (queries,) = read_queries([[pattern]], graph, catalogue, encoder)
    ours, endless = compiled(sizes(graph, encoder.width), options), batches(queries, catalogue, options)
    cached = tutorial_batches(tf.io.gfile.glob(pattern), graph, options.batch, steps)

    def tutorial(loss: Loss, metrics: bool, steps: int, **given: Any) -> Callable[[], object]:
        size = sizes(graph, encoder.width)
        model = Tutorial(size, options, catalogue, queries.texts[:1], loss, metrics, **given)
        model.compile(optimizer=tf.keras.optimizers.Adagrad(0.1))
        return lambda: model.fit(cached.take(steps), verbose=0)

    few = max(1, steps // 30)
    return {
        OURS: (lambda: ours.fit(endless, steps_per_epoch=steps, verbose=0), steps),
        PEER: (tutorial(Loss.OURS, False, steps), steps),
        "the same with aisle's sparse history": (
            tutorial(Loss.OURS, False, steps, query_tower=QueryTower),
            steps,
        ),
        PLAIN: (tutorial(Loss.PLAIN, False, steps), steps),
        "tutorial as written, metrics in each step": (tutorial(Loss.PLAIN, True, few), few),
    }, options.batch


def markdown(found: dict[str, Any]) -> str:
    """The table people read: medians over the rounds, and the median of the rounds' ratios."""
    rows = []
    for name, many in found["rounds"].items():
        speed, cpu = (np.median([one[key] for one in many]) for key in ("examples_a_second", "cpu_ms_a_step"))
        ratio = ratios(found, name)
        faster = f"{np.median(ratio):.1f} ({ratio.min():.1f}–{ratio.max():.1f})" if name != OURS else ""
        rows.append((name, f"{speed:,.0f}", f"{cpu:.1f}", faster))
    return (
        f"Batch {found['batch']:,}; medians of {len(ratio)} rounds in turn, with the lowest and highest ratio of a "
        "round.\n\n" + table(("", "examples a second", "CPU ms a step", "aisle is faster by"), rows)
    )


def ratios(found: dict[str, Any], name: str) -> np.ndarray:
    """How many times as many examples a second as a side aisle has, in each round."""
    ours, other = (
        np.array([one["examples_a_second"] for one in found["rounds"][side]]) for side in (OURS, name)
    )
    return ours / other


if __name__ == "__main__":
    main()
