"""What intents and tags are worth to the models: heads that read numbers of labels, and one that doesn't, on the same candidates.

    python -m benchmarks.labels.worth [--users 1500 --items 800 --days 90] [--seed 1] [--test] [--check]
    python -m benchmarks.labels.worth --source ../shared/data/online-retail [--seed 1] [--test] [--check]

A simulated shop (recommendations and searches) or Online Retail (recommendations: it has neither searches nor categories).
What is kept is chosen on the 30 days before the test, as if the data had ended with them; `--test` measures on the test.
With --check it fails where tags, which are shipped, harm recommendations with certainty, or don't help those of a simulated
shop with certainty.
"""

from __future__ import annotations

import argparse
import os
import pathlib
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import pyarrow.compute as pc

from aisle.components.labeler.label import label
from aisle.components.labeler.labelled import Labelled
from aisle.components.labeler.options import LabelerOptions
from aisle.datasets import online_retail
from aisle.datasets.simulator import SimulatorOptions, simulate, write
from aisle.model.options import TwoTowerOptions
from benchmarks.labels.tried import SHIPPED, Meaning, register
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table
from benchmarks.shared.training import clean_tables, read_tables, train_two_tower

TOWER_STEPS = 200
"""Of the two-tower, whose score no head reads for recommendations."""


def _least_gain(found: Found) -> float:
    """The upper ends of what tags change in recommendations, the lowest: below zero they harm with certainty."""
    tags = found["gains"][SHIPPED]
    return min(one["ci"][1] for part, one in tags.items() if part.startswith("recommended"))


def _certain_gain(found: Found) -> float | None:
    """What tags certainly add to the recommendations of a simulated shop."""
    return float(found["gains"][SHIPPED]["recommended"]["ci"][0]) if found["simulated"] else None


FIGURES = (
    Figure("tags_at_best_where_they_do_least", _least_gain, least=0.0),
    Figure("tags_at_least_in_a_simulated_shop", _certain_gain, least=1e-9),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    add_shop(command)
    command.add_argument(
        "--heads", type=int, nargs="+", default=[1, 2, 3], help="seeds of the heads; figures are their mean"
    )
    command.run(measured, {"labels-worth": markdown})


def add_shop(command: Command) -> None:
    """The options that say which shop is measured, and on which days; see `told_shop`."""
    command.add_argument(
        "--source", type=pathlib.Path, help="the folder of UCI Online Retail; else a shop is simulated"
    )
    for name, default in {"users": 1_500, "items": 800, "days": 90, "seed": 1}.items():
        command.add_argument(f"--{name}", type=int, default=default)
    command.add_argument("--test", action="store_true", help="measure on the test, not on the days before it")


def measured(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """What each number adds, by `gains`: see `Trial.gains`."""
    labelled, simulated = told_shop(told, scratch)
    tower = train_two_tower(labelled, scratch, TwoTowerOptions(seed=told.seed, steps=TOWER_STEPS))
    names = register(Meaning.of(labelled, item_ids(tower)))
    # What derives from the registry comes after what is added to it.
    from benchmarks.labels.heads import Trial

    trial = Trial.make(labelled, tower, simulated, scratch, told.seed)
    return {**trial.gains(names, told.heads), "simulated": simulated is not None}


def told_shop(told: argparse.Namespace, scratch: pathlib.Path) -> tuple[Labelled, SimulatorOptions | None]:
    """The labelled shop that the options of `add_shop` name, and how it was simulated, None where it wasn't."""
    simulated = None
    if not told.source:
        simulated = SimulatorOptions(users=told.users, items=told.items, days=told.days, seed=told.seed)
    write_shop(scratch / "shop", told.source, simulated)
    labelled = labelled_shop(scratch / "shop", told.test)
    return labelled, simulated


def markdown(found: Found) -> str:
    """What each number adds to each part, with its interval."""
    parts = list(dict.fromkeys(part for gains in found["gains"].values() for part in gains))
    rows = (
        (name, *(shown(gains[part]) if part in gains else "" for part in parts))
        for name, gains in found["gains"].items()
    )
    return table(("number", *parts), rows)


def shown(one: dict[str, Any]) -> str:
    """A gain with its interval."""
    return f"{one['gain']:+.4f} [{one['ci'][0]:+.4f}, {one['ci'][1]:+.4f}]"


def write_shop(folder: pathlib.Path, source: pathlib.Path | None, simulated: SimulatorOptions | None) -> None:
    """Writes canonical tables: Online Retail's, or a simulated shop's."""
    if simulated is not None:
        write(simulate(simulated), folder)
    elif source is not None:
        online_retail.convert(source, folder)


def labelled_shop(folder: pathlib.Path, test: bool) -> Labelled:
    """The data path; unless it is to test, as if the data had ended where the test begins."""
    tables = clean_tables(read_tables(folder)).tables
    whole = label(tables, LabelerOptions())
    if test:
        return whole
    early = pc.less(tables["events"]["timestamp"], whole.splits.test_start)
    return label({**tables, "events": tables["events"].filter(early)}, LabelerOptions())


def item_ids(tower: str) -> list[str]:
    """The items of an exported two-tower, in its order."""
    import tensorflow as tf

    return [item.decode() for item in tf.saved_model.load(tower).item_ids.numpy()]


if __name__ == "__main__":
    main()
