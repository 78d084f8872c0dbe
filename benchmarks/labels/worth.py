"""What intents and tags are worth to the models: heads that read numbers of labels, and one that doesn't, on the same candidates.

    python -m benchmarks.labels.worth [--users 1500 --items 800 --days 90] [--seed 1] [--test] [--check]
    python -m benchmarks.labels.worth --source ../shared/data/online-retail [--seed 1] [--test] [--check]

A simulated shop (recommendations and searches) or Online Retail (recommendations: it has neither searches nor categories).
What is kept is chosen on the 30 days before the test, as if the data had ended with them; `--test` measures on the test.
The last line is the figures as JSON. With --check it fails where tags, which are shipped, harm recommendations with
certainty, or don't help those of a simulated shop with certainty.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
import tempfile
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import pyarrow.compute as pc

from aisle.components.labeler.label import Labelled, label
from aisle.components.labeler.options import LabelerOptions
from aisle.datasets import online_retail
from aisle.datasets.simulator import SimulatorOptions, simulate, write
from aisle.model.options import TwoTowerOptions
from benchmarks.labels.tried import SHIPPED, Meaning, register
from benchmarks.shared.training import read_clean, train_two_tower

TOWER_STEPS = 200
"""Of the two-tower, whose score no head reads for recommendations."""


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--source", type=pathlib.Path, help="the folder of UCI Online Retail; else a shop is simulated"
    )
    parser.add_argument("--users", type=int, default=1_500)
    parser.add_argument("--items", type=int, default=800)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--heads", type=int, nargs="+", default=[1, 2, 3], help="seeds of the heads; figures are their mean"
    )
    parser.add_argument("--test", action="store_true", help="measure on the test, not on the days before it")
    parser.add_argument("--check", action="store_true", help="fail where a goal is missed")
    arguments = parser.parse_args()
    simulated = None
    if not arguments.source:
        simulated = SimulatorOptions(
            users=arguments.users, items=arguments.items, days=arguments.days, seed=arguments.seed
        )
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        write_shop(folder / "shop", arguments.source, simulated)
        labelled = labelled_shop(folder / "shop", arguments.test)
        tower = train_two_tower(labelled, folder, TwoTowerOptions(seed=arguments.seed, steps=TOWER_STEPS))
        names = register(Meaning.of(labelled, item_ids(tower)))
        from benchmarks.labels.heads import (
            Trial,
        )  # What derives from the registry comes after what is added to it.

        trial = Trial.make(labelled, tower, simulated, folder, arguments.seed)
        figures = trial.gains(names, arguments.heads)
    missed = missed_goals(figures["gains"][SHIPPED], simulated is not None)
    for name, gains in figures["gains"].items():
        print(f"{name}: {', '.join(f'{part} {shown(one)}' for part, one in gains.items())}")
    print(json.dumps({**figures, "missed": missed}))
    if arguments.check and missed:
        sys.exit(f"missed: {'; '.join(missed)}")


def missed_goals(tags: dict[str, Any], simulated: bool) -> list[str]:
    """Tags, which are shipped, harm no recommendations with certainty, and help those of a simulated shop."""
    missed = []
    for part, one in tags.items():
        low, high = one["ci"]
        if part.startswith("recommended") and high < 0:
            missed.append(f"tags harm what is {part}: {shown(one)}")
        if part == "recommended" and simulated and low <= 0:
            missed.append(f"tags do not help what is {part} with certainty: {shown(one)}")
    return missed


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
    tables = read_clean(folder)
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
