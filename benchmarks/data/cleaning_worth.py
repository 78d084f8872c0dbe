"""What the cleaning is worth: the same two-tower, trained on raw and on cleaned rows, tested on the same truth.

    python -m benchmarks.data.cleaning_worth --source FOLDER [--steps 1000]
    python -m benchmarks.data.cleaning_worth --dirt 0 0.05 0.2 [--events 200000] [--steps 600]

`FOLDER` holds canonical tables or UCI Online Retail; without it shops are simulated, one for each `--dirt`.
Both sides are labelled, transformed (TF-Transform) and trained by the code of the pipeline, with its defaults.
Raw is every row that the strict reader could read, the first row of an item and of a user standing for it, prices
that are no number left out: what a shop without a cleaner would train on. The truth is what cleaned rows say was
bought in the test window.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from aisle.components.evaluator.measures.metrics import Ints, bootstrap_interval, paired_interval
from aisle.components.evaluator.measures.protocol import Protocol, make_protocol
from aisle.components.labeler.label import label
from aisle.components.labeler.labelled import Labelled
from aisle.components.labeler.options import LabelerOptions
from aisle.model.options import TwoTowerOptions
from aisle.schema.events import weights
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.measured import K, Measured
from benchmarks.shared.results import table, with_interval
from benchmarks.shared.served import ask_users, make_retriever
from benchmarks.shared.training import canonical, clean_tables, read_tables, train_two_tower

RAW, CLEANED = "raw", "cleaned"
Tables = dict[str, pa.Table]


FIGURES = (
    Figure("gain", lambda found: min(shop["ndcg"]["gain"] for shop in found["shops"])),
    Figure(
        "gain_upper_end", lambda found: min(shop["ndcg"]["gain_ci"][1] for shop in found["shops"]), least=0.0
    ),
)
"""Of nDCG, over the shops; a loss is certain where the upper end of the gain's interval is below nothing."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument("--source", type=pathlib.Path, help="canonical tables, or UCI Online Retail")
    command.add_argument("--dirt", type=float, nargs="+", default=[0.0, 0.05, 0.2], help="of simulated shops")
    command.add_argument("--events", type=int, default=200_000, help="of simulated shops (default 200000)")
    command.add_argument("--steps", type=int, default=1000, help="of training at most (default 1000)")
    command.add_argument("--seed", type=int, default=1)
    command.run(
        lambda told, scratch: {
            "shops": [
                {"shop": name, **measure(folder, told.steps, told.seed)}
                for name, folder in _shops(told, scratch)
            ]
        },
        {"cleaning-worth": markdown},
    )


def _shops(told: argparse.Namespace, scratch: pathlib.Path) -> Iterator[tuple[str, pathlib.Path]]:
    """The shops' names and folders of canonical tables."""
    if told.source:
        yield told.source.name, canonical(told.source, scratch)
        return
    from aisle.datasets import simulator

    for dirt in told.dirt:
        folder = scratch / f"dirt-{dirt:g}"
        options = simulator.SimulatorOptions(
            users=max(500, told.events // 60), items=2_000, days=120,
            seed=told.seed, dirt=dirt, events=told.events,
        )  # fmt: skip
        simulator.write(simulator.simulate(options), folder)
        yield f"simulated, {dirt:.0%} dirt", folder


def measure(folder: pathlib.Path, steps: int, seed: int) -> dict[str, Any]:
    """Trains on raw and on cleaned rows; nDCG@20 and Recall@20 of each, and the paired difference."""
    read = read_tables(folder)
    rows = {name: result.rows for name, result in read.items()}
    cleaned = clean_tables(read).tables
    labelled = {CLEANED: label(cleaned, LabelerOptions())}
    taken = pc.is_in(cleaned["events"]["event"], pa.array(list(weights())))
    span = pc.min_max(cleaned["events"].filter(taken)["timestamp"]).as_py()
    labelled[RAW] = label(raw(rows, span["min"], span["max"]), LabelerOptions())
    if labelled[RAW].splits.test_start != labelled[CLEANED].splits.test_start:
        raise RuntimeError("raw and cleaned rows have their test windows at different times")
    truth = labelled[CLEANED]
    protocol = make_protocol(
        truth.tables["items"], truth.tables["interactions"], dataclasses.asdict(truth.splits)
    )
    measured = {side: _measured(labelled[side], protocol, steps, seed) for side in (RAW, CLEANED)}
    found: dict[str, Any] = {"users": len(protocol.users), "rows": {n: t.num_rows for n, t in rows.items()}}
    for metric in ("recall", "ndcg"):
        one, other = (measured[side].values["all"][metric] for side in (CLEANED, RAW))
        found[metric] = {
            **{side: measured[side].mean("all", metric) for side in (CLEANED, RAW)},
            "ci": {CLEANED: bootstrap_interval(one), RAW: bootstrap_interval(other)},
            "gain": float(np.nanmean(one - other)),
            "gain_ci": paired_interval(one, other),
        }
    return found


def raw(rows: Tables, first: int, last: int) -> Tables:
    """The rows as a shop without a cleaner has them.

    Args:
        rows: as read.
        first: microseconds UTC; what lies before would move the test window, and both sides must have the same.
        last: likewise for what lies after: raw rows are spared the harm of wrong clocks.
    """
    keys = {"items": "item_id", "users": "user_id"}
    tables = {name: _first(table, keys[name]) if name in keys else table for name, table in rows.items()}
    events = pl.DataFrame(pl.from_arrow(tables["events"])).filter(pl.col("timestamp").is_between(first, last))
    items = pl.DataFrame(pl.from_arrow(tables["items"]))
    if "price" in items.columns:
        # A single NaN or infinite price, and the loss is NaN: nothing would be learnt at all.
        items = items.with_columns(pl.when(pl.col("price").is_finite()).then(pl.col("price")))
    return {**tables, "items": _arrow(items), "events": _arrow(events)}


def _first(table: pa.Table, key: str) -> pa.Table:
    return _arrow(pl.DataFrame(pl.from_arrow(table)).unique(key, keep="first", maintain_order=True))


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _measured(labelled: Labelled, protocol: Protocol, steps: int, seed: int) -> Measured:
    """Measures the two-tower that is trained on what was labelled, on all that the protocol's users took."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = train_two_tower(labelled, pathlib.Path(scratch), TwoTowerOptions(steps=steps, seed=seed))
        answers = _retrieve(labelled, folder, protocol)
    return Measured.of(protocol, lambda new: None if new else answers)


def _retrieve(labelled: Labelled, tower: str, protocol: Protocol) -> Ints:
    """The two-tower's K items of each user as of the start of the test, [n, K]."""
    import tensorflow as tf

    retriever, _ = make_retriever(labelled, tower)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def top(user: tf.Tensor) -> tf.Tensor:
        context = retriever.context(tf.zeros_like(user), user, tf.zeros([tf.shape(user)[0], 0], tf.string))
        best, _ = context.dense["two_tower"].top(K, tf.zeros_like(context.scores["count"], tf.bool))
        return tf.gather(retriever.item_ids, best)

    return ask_users(protocol, top, K)


def markdown(found: dict[str, Any]) -> str:
    """The table people read."""
    rows = (
        (shop["shop"], f"{shop['users']:,}", title, f"{one[RAW]:.4f}", f"{one[CLEANED]:.4f}")
        + (with_interval(one["gain"], one["gain_ci"]),)
        for shop in found["shops"]
        for one, title in ((shop["recall"], f"Recall@{K}"), (shop["ndcg"], f"nDCG@{K}"))
    )
    return table(("shop", "users", "metric", "raw", "cleaned", "gain [95 %]"), rows)


if __name__ == "__main__":
    main()
