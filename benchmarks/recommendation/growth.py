"""The two-tower's Trainer at 1, 2, 4 and 8 times the items and queries, up to a million items: time and memory.

    python -m benchmarks.recommendation.growth [--items 125000 250000 500000 1000000] [--results docs/results.md]

Each size runs in a fresh process on made-up output of Transform: half as many queries and users as items, 20 items
in a history and 4 targets on average, drawn by Zipf's law. The titles' sentence embeddings are drawn at random, as a
BERT would need an hour or more on two cores for a million titles; all else is the Trainer's own code (reading,
steps, validation, export).
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.shared.results import write_section

STEPS = 100
HISTORY, TARGETS = 20, 4


def main() -> None:
    """Parses the arguments, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[125_000, 250_000, 500_000, 1_000_000])
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path("growth.json"))
    parser.add_argument("--results", type=pathlib.Path, help="a Markdown file whose section is rewritten")
    parser.add_argument("--child", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(trained(arguments.child)))
        return
    runs = []
    with tempfile.TemporaryDirectory() as scratch:
        graph = _graph(pathlib.Path(scratch, "small"))
        for items in arguments.items:
            print(f"{items:,} items", file=sys.stderr)
            folder = pathlib.Path(scratch, str(items))
            write_transformed(folder, graph, items)
            command = [sys.executable, "-m", "benchmarks.recommendation.growth", "--child", str(folder)]
            child = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
            runs.append({"items": items, "queries": items // 2, **json.loads(child.stdout.splitlines()[-1])})
            arguments.json.write_text(json.dumps(runs, indent=2), encoding="utf-8")
    print(markdown(runs))
    if arguments.results:
        write_section(arguments.results, "growth", markdown(runs))


def _graph(scratch: pathlib.Path) -> pathlib.Path:
    """Transform's graph, of a small simulated shop."""
    from aisle.datasets import simulator
    from benchmarks.shared.training import read_clean_label, transform

    options = simulator.SimulatorOptions(users=300, items=200, days=120, events=5_000)
    simulator.write(simulator.simulate(options), scratch / "shop")
    return pathlib.Path(transform(read_clean_label(scratch / "shop"), scratch)[1])


def write_transformed(folder: pathlib.Path, graph: pathlib.Path, items: int) -> None:
    """Writes what Transform would give for a larger shop: a graph with as many item ids, and transformed examples."""
    import shutil

    from tfx.types import standard_artifacts

    from aisle.components.examples import write_examples

    shutil.copytree(graph, folder / "graph")
    ids = np.array([f"item-{number}" for number in range(items)])
    for name, many in (("items", items), ("users", items // 2)):
        path = folder / "graph" / "transform_fn" / "assets" / name
        path.write_text("".join(f"{name[:-1]}-{number}\n" for number in range(many)), encoding="utf-8")
    draw = np.random.default_rng(0)
    examples = standard_artifacts.Examples()
    examples.uri = str(folder / "examples")
    write_examples(
        examples,
        {
            "items": _items(ids),
            "train": _queries(ids, items // 2, draw),
            "eval": _queries(ids, min(2_000, items // 2), draw),
        },
    )


def _items(ids: np.ndarray) -> pa.Table:
    many = len(ids)
    return pa.table(
        {
            "item_id": _lists(np.arange(many), np.ones(many, int)),
            "category": _lists(np.zeros(2 * many, int), np.full(many, 2)),
            "brand": _lists(np.zeros(many, int), np.ones(many, int)),
            "price": _lists(np.zeros(many, np.float32), np.ones(many, int)),
            "item": _lists(ids, np.ones(many, int)),
            "title": _lists(ids, np.ones(many, int)),
        }
    )


def _queries(ids: np.ndarray, many: int, draw: np.random.Generator) -> pa.Table:
    seen, taken = draw.poisson(HISTORY, many).clip(0, 50), 1 + draw.poisson(TARGETS - 1, many)
    ones = np.ones(many, int)
    return pa.table(
        {
            "user_id": _lists(draw.integers(0, len(ids) // 2, many), ones),
            "country": _lists(np.zeros(many, int), ones),
            "history": _lists(_zipf(draw, len(ids), seen.sum()), seen),
            "history_age": _lists(draw.uniform(0, 90, seen.sum()).astype(np.float32), seen),
            "history_weight": _lists(np.ones(seen.sum(), np.float32), seen),
            "query": _lists(np.full(many, ""), ones),
            "targets": _lists(ids[_zipf(draw, len(ids), taken.sum())], taken),
        }
    )


def _zipf(draw: np.random.Generator, many: int, count: int) -> np.ndarray:
    """Ranks whose chance falls as 1 / rank, by inversion."""
    return np.floor((many + 1) ** draw.random(count)).astype(int).clip(1, many) - 1


def _lists(values: np.ndarray, lengths: np.ndarray) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    flat = pa.array(values)  # Chunked, where the strings are many.
    flat = flat.combine_chunks() if isinstance(flat, pa.ChunkedArray) else flat
    return pa.ListArray.from_arrays(pa.array(offsets), flat)


def trained(folder: pathlib.Path) -> dict[str, Any]:
    """Runs the Trainer's parts in this process: seconds of each phase and the peak memory until its end, in MB."""
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    import tensorflow as tf
    import tensorflow_transform as tft

    from aisle.model.options import TwoTowerOptions
    from aisle.model.train_two_tower import compiled, sizes
    from aisle.model.two_tower.export import export
    from aisle.model.two_tower.inputs import batches, read_catalogue, read_queries
    from aisle.model.two_tower.recall import BestRecall

    found: dict[str, Any] = {"seconds": {}, "peak_mb": {}}

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        found["seconds"][name] = time.perf_counter() - started
        found["peak_mb"][name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    with phase("start"):
        encoder, options = _drawn_encoder(), TwoTowerOptions()
        graph = tft.TFTransformOutput(str(folder / "graph"))
    with phase("read"):
        catalogue = read_catalogue([str(folder / "examples" / "Split-items" / "*")], graph, encoder)
        splits = [[str(folder / "examples" / f"Split-{split}" / "*")] for split in ("train", "eval")]
        queries, valid = read_queries(splits, graph, catalogue, encoder)
    model, endless = compiled(sizes(graph, encoder.width), options), batches(queries, catalogue, options)
    model.fit(endless, steps_per_epoch=20, verbose=0)
    with phase("steps"):
        model.fit(endless, steps_per_epoch=STEPS, verbose=0)
    found["examples_a_second"] = STEPS * options.batch / found["seconds"]["steps"]
    best = BestRecall(model, catalogue, valid, options.patience)
    best.set_model(model)
    with phase("validation"):
        best.on_epoch_end(0)
    with phase("export"):
        export(model, graph, encoder, catalogue.ids, catalogue.features, str(folder / "model"))
    tf.io.gfile.rmtree(str(folder))
    return found


def _drawn_encoder() -> Any:
    """The sentence encoder, whose embeddings of many texts are drawn at random."""
    import tensorflow as tf

    from aisle.model.text.bert import SentenceEncoder
    from aisle.schema.weights import bert_folder

    class Drawn(SentenceEncoder):
        def encode(self, texts: tf.Tensor, batch: int = 64) -> tf.Tensor:
            drawn = np.random.default_rng(1).standard_normal((len(texts), self.width), np.float32)
            drawn *= self.width**-0.5
            return tf.constant(drawn)

    return Drawn(bert_folder())


def markdown(runs: list[dict[str, Any]]) -> str:
    """The table people read."""
    lines = [
        f"| | {' | '.join(format(run['items'], ',') + ' items' for run in runs)} |",
        "|---" * (len(runs) + 1) + "|",
        _row("queries", (f"{run['queries']:,}" for run in runs)),
        _row("examples a second", (f"{run['examples_a_second']:,.0f}" for run in runs)),
        _row("ms a step", (f"{1e3 * run['seconds']['steps'] / STEPS:.1f}" for run in runs)),
    ]
    for name, of in (("read", "reading"), ("validation", "one validation"), ("export", "export")):
        lines.append(_row(f"{of}, seconds", (f"{run['seconds'][name]:.1f}" for run in runs)))
    for name, until in (("start", "started"), ("read", "read"), ("steps", "trained"), ("export", "exported")):
        lines.append(_row(f"peak MB until {until}", (f"{run['peak_mb'][name]:,}" for run in runs)))
    return "\n".join(lines)


def _row(name: str, cells: Iterator[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
