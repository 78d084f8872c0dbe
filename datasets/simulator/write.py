"""Writes a simulated shop into a folder, faults and their ground truth included."""

from __future__ import annotations

import collections
import csv
import dataclasses
import datetime
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from aisle.datasets.destination import Counts, new_folder
from aisle.datasets.simulator.experiment import Planted
from aisle.datasets.simulator.faults.campaigns import campaign_faults
from aisle.datasets.simulator.faults.catalogue import item_faults, user_faults
from aisle.datasets.simulator.faults.events import event_faults
from aisle.datasets.simulator.faults.plant import Fault, Plan, plan_faults, plant
from aisle.datasets.simulator.languages import vocabulary_of
from aisle.datasets.simulator.options import END, SimulatorOptions
from aisle.datasets.simulator.pictures.drawing import draw_pictures
from aisle.datasets.simulator.shop import Shop, make_sides
from aisle.schema.errors import InputError

GROUND_TRUTH = pathlib.Path("ground_truth", "faults.csv")
"""Where the planted faults are listed; beside the tables, under a name that is no table's."""
EXPERIMENT_TRUTH = GROUND_TRUTH.with_name("experiment.json")
"""What an experiment did, where the shop has run one."""
OPTIONS = GROUND_TRUTH.with_name("shop.json")
"""What the shop was simulated with: all that its users need to come again."""
CAMPAIGN_TRUTH = GROUND_TRUTH.with_name("campaigns.csv")
"""What is worth how much to advertisers, where there are any."""
TIMESTAMPS = "%Y-%m-%d %H:%M:%S"


@dataclasses.dataclass(frozen=True)
class Written:
    """What was written: the rows of each table, copies and bots included, and the faults of each kind."""

    rows: Counts
    faults: Counts


def write(shop: Shop, dest: pathlib.Path) -> Written:
    """Writes `items.csv`, `users.csv`, `events/YYYY-MM-DD.csv`, `judgements.csv` and the ground truth.

    With `shop.options.dirt` above 0 that share of the rows of items, users, events and campaigns gets a fault;
    `ground_truth/faults.csv` lists each with its table, file, line, kind, column and value; `ground_truth/experiment.json`
    tells the effect of an experiment, `ground_truth/campaigns.csv` what is worth how much to who bids for it, and
    `ground_truth/shop.json` has the options. Where items have pictures, these are in `pictures/`.

    Args:
        shop: what `simulate` returned.
        dest: the folder to write into; it must hold no table yet.

    Raises:
        InputError: if `dest` can't be used.
    """
    new_folder(dest)
    (dest / "events").mkdir()
    rng = np.random.default_rng([shop.options.seed, 1])
    rows: Counts = {"judgements": len(shop.judgements)}
    shop.judgements.write_csv(dest / "judgements.csv")
    faults: list[Fault] = []
    asked = {"campaigns": shop.campaigns.table} if shop.campaigns else {}
    tables = {"items": shop.items, "users": shop.users, "events": shop.events, **asked}
    for table, frame in tables.items():
        found, inserted = _write_table(table, frame, dest, _plan(table, frame, shop.options, rng), rng)
        faults += found
        rows[table] = len(frame) + inserted
    _write_ground_truth(faults, dest / GROUND_TRUTH)
    (dest / OPTIONS).write_text(shop.options.to_json() + "\n", encoding="utf-8")
    if shop.planted:
        truth = json.dumps(_experiment_truth(shop, shop.planted), indent=2, ensure_ascii=False)
        (dest / EXPERIMENT_TRUTH).write_text(truth + "\n", encoding="utf-8")
    if shop.options.pictures:
        draw_pictures(make_sides(shop.options)[0], dest, shop.options.seed)
    if shop.campaigns:
        shop.campaigns.truth.write_csv(dest / CAMPAIGN_TRUTH)
    order = ("items", "users", "events", "judgements", *asked)
    by_kind = collections.Counter(f"{fault.table}: {fault.kind}" for fault in faults)
    return Written({table: rows[table] for table in order}, dict(sorted(by_kind.items())))


def read_options(folder: pathlib.Path) -> SimulatorOptions:
    """Reads with what options a folder's shop was simulated.

    Raises:
        InputError: it is no such folder.
    """
    try:
        return SimulatorOptions.from_json((folder / OPTIONS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{folder / OPTIONS} can't be read: {error}; name a folder that `aisle simulate` wrote"
        ) from error


def _plan(table: str, frame: pl.DataFrame, options: SimulatorOptions, rng: np.random.Generator) -> Plan:
    """Returns which rows of the table get which fault."""
    vocabulary = vocabulary_of(options.language)
    if table == "events":
        is_sale = frame["price"].is_not_null().to_numpy()
        return plan_faults(event_faults(vocabulary), is_sale, options.dirt, rng, with_bots=True)
    kinds = {"items": item_faults, "users": user_faults}.get(table, lambda _: campaign_faults())(vocabulary)
    return plan_faults(kinds, np.zeros(len(frame), dtype=bool), options.dirt, rng)


def _write_table(
    table: str, frame: pl.DataFrame, dest: pathlib.Path, plan: Plan, rng: np.random.Generator
) -> tuple[list[Fault], int]:
    """Writes the table's files, and returns its faults and the number of rows put in."""
    faults: list[Fault] = []
    first_row = inserted = 0
    for file, part in _files(table, frame):
        if not plan.faults and not plan.bots:
            part.write_csv(dest / file, datetime_format=TIMESTAMPS)
            continue
        clean = part.write_csv(datetime_format=TIMESTAMPS).encode()
        content, found = plant(table, file, clean, first_row, plan, rng)
        (dest / file).write_bytes(content)
        inserted += content.count(b"\n") - len(part) - 1
        first_row += len(part)
        faults += found
    return faults, inserted


def _files(table: str, frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yields each file of the table, by its path in the data folder, and its rows: events by the day."""
    if table != "events":
        yield f"{table}.csv", frame
        return
    days = frame.group_by(pl.col("timestamp").dt.date().alias("day"), maintain_order=True)
    for (day,), part in days:
        yield f"events/{day}.csv", part


def _write_ground_truth(faults: list[Fault], path: pathlib.Path) -> None:
    """Writes the faults as CSV, with a header even where there are none."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in dataclasses.fields(Fault))
        writer.writerows(dataclasses.astuple(fault) for fault in faults)


def _experiment_truth(shop: Shop, planted: Planted) -> dict[str, Any]:
    """Each arm's effect and users, and when it ran."""
    seen = shop.events.filter(pl.col("experiment").is_not_null())
    users = dict(seen.group_by("arm").agg(pl.col("user_id").n_unique()).iter_rows())
    arms = planted.experiment.arms
    return {
        "experiment": planted.experiment.name,
        "effect_on": "purchases that a user is expected to make from the first exposure on",
        "first_day": str(END - datetime.timedelta(days=planted.days)),
        "days": planted.days,
        "arms": {
            arm.name: {"effect": planted.effect if arm != arms[0] else 0.0, "users": users.get(arm.name, 0)}
            for arm in arms
        },
    }
