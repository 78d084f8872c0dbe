"""The two-tower's Trainer at 1, 2, 4 and 8 times the items and queries, up to a million items: time and memory.

    python -m benchmarks.recommendation.growth [--items 125000 250000 500000 1000000] [--results docs/results.md]

Each size runs in a fresh process on made-up output of Transform: half as many queries and users as items, 20 items
in a history and 4 targets on average, drawn by Zipf's law. The titles' sentence embeddings are drawn at random, as a
BERT would need an hour or more on two cores for a million titles; all else is the Trainer's own code (reading,
steps, validation, export).
"""

from __future__ import annotations

import pathlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.data.data_path import peak_mb
from benchmarks.shared.command import Command, Figure, in_fresh_process
from benchmarks.shared.results import table

STEPS = 100
HISTORY, TARGETS = 20, 4
_DRAWN_AT_ONCE = 65_536


FIGURES = (
    Figure("step_grows_times", lambda found: _growth(found, lambda run: run["seconds"]["steps"]), most=1.5),
    Figure(
        "memory_grows_by_items",
        lambda found: _growth(found, lambda run: run["peak_mb"]["export"] / run["items"]),
        most=1.0,
    ),
)
"""From the first size to the last: a step's cost hardly grows, memory less than the items do."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument("--items", type=int, nargs="+", default=[125_000, 250_000, 500_000, 1_000_000])
    command.run(lambda told, scratch: measure(told.items, scratch), {"growth": markdown})


def measure(sizes: list[int], scratch: pathlib.Path) -> dict[str, Any]:
    """A run for each size; see `markdown` for the shape."""
    graph = _graph(scratch / "small")
    runs = []
    for items in sizes:
        print(f"{items:,} items", file=sys.stderr)
        write_transformed(scratch / str(items), graph, items)
        found = in_fresh_process(trained, scratch / str(items))
        runs.append({"items": items, "queries": items // 2, **found})
        print(runs[-1], flush=True)
    return {"runs": runs}


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
            "description": _lists(np.full(many, ""), np.ones(many, int)),
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
            "query_age": _lists(draw.uniform(30, 400, many).astype(np.float32), ones),
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
    import tensorflow as tf
    import tensorflow_transform as tft

    from aisle.model.options import TwoTowerOptions
    from aisle.model.train_two_tower import sizes
    from aisle.model.two_tower.export import Towers, TwoTowerModule, export
    from aisle.model.two_tower.inputs import batches, read_catalogue, read_queries
    from aisle.model.two_tower.recall import BestRecall
    from aisle.model.two_tower.training import begun

    found: dict[str, Any] = {"seconds": {}, "peak_mb": {}}

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        found["seconds"][name] = time.perf_counter() - started
        found["peak_mb"][name] = peak_mb()

    with phase("start"):
        encoder, options = drawn_encoder(), TwoTowerOptions()
        graph = tft.TFTransformOutput(str(folder / "graph"))
    with phase("read"):
        catalogue = read_catalogue([str(folder / "examples" / "Split-items" / "*")], graph, encoder)
        splits = [[str(folder / "examples" / f"Split-{split}" / "*")] for split in ("train", "eval")]
        queries, valid = read_queries(splits, graph, catalogue, encoder)
    with phase("begin"):
        model = begun(sizes(graph, encoder.width), options, queries, catalogue)
    endless = batches(queries, catalogue, options)
    model.fit(endless, steps_per_epoch=20, verbose=0)
    with phase("steps"):
        model.fit(endless, steps_per_epoch=STEPS, verbose=0)
    found["examples_a_second"] = STEPS * options.batch / found["seconds"]["steps"]
    best = BestRecall(model, catalogue, valid, options.patience)
    best.set_model(model)
    with phase("validation"):
        best.on_epoch_end(0)
    with phase("export"):
        layer = graph.transform_features_layer()
        towers = Towers(model, layer, catalogue.features)
        module = TwoTowerModule(towers, layer, encoder, catalogue.ids, catalogue.features["text"])
        export(module, str(folder / "model"))
    tf.io.gfile.rmtree(str(folder))
    return found


def drawn_encoder() -> Any:
    """The sentence encoder, whose embeddings of many texts are drawn at random."""
    import tensorflow as tf

    from aisle.model.text.bert import SentenceEncoder
    from aisle.schema.bert.weights import bert_folder

    class Drawn(SentenceEncoder):
        def add(self, found: tf.Variable, rows: np.ndarray, texts: tf.Tensor, *_: object) -> None:
            drawn = np.random.default_rng(1)
            for start in range(0, len(rows), _DRAWN_AT_ONCE):
                chosen = rows[start : start + _DRAWN_AT_ONCE]
                vectors = drawn.standard_normal((len(chosen), self.width), np.float32)
                found.scatter_add(tf.IndexedSlices(vectors * self.width**-0.5, chosen))

    return Drawn(bert_folder())


def _growth(found: dict[str, Any], of: Callable[[dict[str, Any]], float]) -> float:
    """How many times the first size's figure the last one's is."""
    return of(found["runs"][-1]) / of(found["runs"][0])


def markdown(found: dict[str, Any]) -> str:
    """The table people read."""
    runs = found["runs"]
    rows = [
        ("queries", *(f"{run['queries']:,}" for run in runs)),
        ("examples a second", *(f"{run['examples_a_second']:,.0f}" for run in runs)),
        ("ms a step", *(f"{1e3 * run['seconds']['steps'] / STEPS:.1f}" for run in runs)),
    ]
    shown = {"read": "reading", "begin": "decomposition", "validation": "one validation", "export": "export"}
    for name, of in shown.items():
        rows.append((f"{of}, seconds", *(f"{run['seconds'][name]:.1f}" for run in runs)))
    for name, until in (("start", "started"), ("read", "read"), ("steps", "trained"), ("export", "exported")):
        rows.append((f"peak MB until {until}", *(f"{run['peak_mb'][name]:,}" for run in runs)))
    return table(("", *(f"{run['items']:,} items" for run in runs)), rows)


if __name__ == "__main__":
    main()
