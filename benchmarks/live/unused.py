"""What the inputs of recent events cost whoever brings none: the same model's graphs, with and without them, in turn.

    python -m benchmarks.live.unused --source ../shared/data/online-retail [--questions 2000] [--results docs/speed.md]

One model answers the same customers by three graphs: one that takes no recent events at all, the served one with none, and that with
ten. How well it is trained changes no time: the two-tower takes one step, and the head learns from few customers.
"""

from __future__ import annotations

import argparse
import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.recommendation.retail import Shop
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

WITHOUT, NONE, TEN = "a graph without the inputs", "no recent events", "ten recent events"
K = 20
_WARM_UP = 50

FIGURES = (
    Figure("none_times_without", lambda found: found["cpu"][NONE] / found["cpu"][WITHOUT], most=1.01),
    Figure("ten_times_without", lambda found: found["cpu"][TEN] / found["cpu"][WITHOUT]),
)
"""Of the CPU time, which a busy machine tells better than milliseconds."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="UCI Online Retail")
    command.add_argument("--questions", type=int, default=2_000, help="of each graph")
    command.run(measured, {"unused-recents": markdown})


def measured(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """Milliseconds of each graph, by the median and the CPU time of the process."""
    from aisle.model.options import TwoTowerOptions
    from benchmarks.shared.served import Trained
    from benchmarks.shared.training import fit_two_tower

    shop = Shop.make(told.source, scratch)
    tower = fit_two_tower(shop.transformed, scratch / "tower", TwoTowerOptions(steps=1))
    trained = Trained.make(shop.labelled, tower, scratch, seed=1, windows=1, users=200)
    customers = shop.protocol.user_ids.to_pylist()
    return in_turn(
        asks(trained.bundle().bundle, shop.protocol.item_ids.to_pylist()), customers, told.questions
    )


def asks(bundle: Any, items: list[str]) -> dict[str, Callable[[str], Any]]:
    """Each graph as a function of a customer."""
    import tensorflow as tf

    from aisle.schema import contract
    from aisle.schema.events import CLICK

    signature = contract.RECOMMEND
    served = bundle.graph(signature).get_concrete_function()
    without = tf.function(
        bundle.recommend, input_signature=[served.structured_input_signature[0][n] for n in range(4)]
    ).get_concrete_function()
    history, seen, k = tf.zeros([1, 0], tf.string), tf.constant(False), tf.constant(K)
    nothing = (tf.zeros([1, 0], tf.string),) * 2 + (tf.zeros([1, 0]), tf.zeros([1], tf.float64))
    kinds, ages = tf.fill([1, 10], CLICK.name), tf.range(600.0, 0.0, -60.0)[None]
    ten = (tf.constant([items[:10]]), kinds, ages, tf.zeros([1], tf.float64))
    return {
        WITHOUT: lambda customer: without(tf.constant([customer]), history, seen, k),
        NONE: lambda customer: served(tf.constant([customer]), history, seen, k, *nothing),
        TEN: lambda customer: served(tf.constant([customer]), history, seen, k, *ten),
    }


def in_turn(asked: dict[str, Callable[[str], Any]], customers: list[str], count: int) -> Found:
    """Asks each for the same customers, one after the other, each first as often."""
    names = list(asked)
    taken: dict[str, list[float]] = {name: [] for name in names}
    used: dict[str, list[float]] = {name: [] for name in names}
    for number in range(_WARM_UP + count):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            began, cpu = time.perf_counter(), time.process_time()
            asked[name](customers[number % len(customers)])
            if number >= _WARM_UP:
                taken[name].append(time.perf_counter() - began)
                used[name].append(time.process_time() - cpu)
    return {
        kind: {name: float(np.median(values)) * 1e3 for name, values in times.items()}
        for kind, times in (("p50", taken), ("cpu", used))
    }


def markdown(found: Found) -> str:
    """The table people read."""
    rows = [(name, f"{found['p50'][name]:.2f}", f"{found['cpu'][name]:.2f}") for name in found["p50"]]
    return table(("one recommendation in the process, ms", "p50", "CPU time"), rows)


if __name__ == "__main__":
    main()
