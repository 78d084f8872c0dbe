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

import argparse
import json
import pathlib
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.shared.results import write_section
from benchmarks.shared.training import read_clean_label, transform

OURS = "aisle"
PEER = "tutorial, metrics off"


def main() -> None:
    """Parses the arguments, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--source", type=pathlib.Path, required=True, help="the folder of UCI Online Retail")
    parser.add_argument("--rounds", type=int, default=5, help="each side once a round (default 5)")
    parser.add_argument("--steps", type=int, default=180, help="of a round (default 180)")
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path("throughput.json"))
    parser.add_argument("--results", type=pathlib.Path, help="a Markdown file whose section is rewritten")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(arguments.source, pathlib.Path(scratch), arguments.rounds, arguments.steps)
    arguments.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
    print(markdown(found))
    if arguments.results:
        write_section(arguments.results, "throughput", markdown(found))


def measure(source: pathlib.Path, scratch: pathlib.Path, rounds: int, steps: int) -> dict[str, Any]:
    """Examples and CPU seconds a second of each side in each round; see `markdown` for the shape."""
    from aisle.datasets import online_retail

    online_retail.convert(source, scratch / "shop")
    sides, batch = make_sides(transform(read_clean_label(scratch / "shop"), scratch), steps)
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
    from aisle.model.train_two_tower import compiled, sizes
    from aisle.model.two_tower.inputs import batches, read_catalogue, read_queries
    from aisle.model.two_tower.model import QueryTower
    from aisle.schema.weights import bert_folder
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
        "tutorial, metrics off, its plain softmax": (tutorial(Loss.PLAIN, False, steps), steps),
        "tutorial as written, metrics in each step": (tutorial(Loss.PLAIN, True, few), few),
    }, options.batch


def markdown(found: dict[str, Any]) -> str:
    """The table people read: medians over the rounds, and the median of the rounds' ratios."""
    rounds = found["rounds"]
    ours = np.array([one["examples_a_second"] for one in rounds[OURS]])
    lines = [
        f"Batch {found['batch']:,}; medians of {len(ours)} rounds in turn, with the lowest and highest ratio of a round.",
        "",
        "| | examples a second | CPU ms a step | aisle is faster by |",
        "|---|---|---|---|",
    ]
    for name, many in rounds.items():
        speed = np.array([one["examples_a_second"] for one in many])
        cpu = np.median([one["cpu_ms_a_step"] for one in many])
        ratio = ours / speed
        faster = f"{np.median(ratio):.1f} ({ratio.min():.1f}–{ratio.max():.1f})" if name != OURS else ""
        lines.append(f"| {name} | {np.median(speed):,.0f} | {cpu:.1f} | {faster} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
