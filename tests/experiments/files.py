"""A shop's events and its experiment as files, and `aisle experiment` asked about them."""

from __future__ import annotations

import datetime
import json
import pathlib
from typing import Any

import numpy as np
from click.testing import CliRunner, Result

from aisle.cli.main import cli
from aisle.experiments.analysis.events import Events
from benchmarks.experiments.halves import FILE

CLICKS = """
[[metric]]
name = "clicks an impression"
measure = {event = "click"}
over = {event = "impression"}
"""
REVENUE = """
[[metric]]
name = "revenue a user"
measure = {event = "purchase", count = "value"}
winsorised = 0.99
"""
WITH_METRICS = FILE + CLICKS + REVENUE


def write(folder: pathlib.Path, events: Events, file: str = WITH_METRICS) -> list[str]:
    """The shop as files; returns the arguments that name them."""
    folder.mkdir(exist_ok=True)
    texts = {
        "event": events.kind,
        "user_id": events.unit,
        **{name: events.told[name] for name in ("experiment", "arm", "event_id", "request_id")},
        **events.columns,
    }
    lines = [",".join(["timestamp", "item_id", "price", *texts, "session_id"])]
    for place in range(len(events)):
        moment = datetime.datetime(2025, 3, 1) + datetime.timedelta(days=float(events.day[place]))
        price = "" if np.isnan(events.value[place]) else f"{events.value[place]:.4f}"
        cells = [str(column[place]) for column in texts.values()]
        item = events.item_id[place] or "i1"
        session = events.other_unit[place]
        lines.append(",".join([moment.isoformat(timespec="microseconds"), item, price, *cells, session]))
    (folder / "events.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "experiments.toml").write_text(file, encoding="utf-8")
    return [str(folder), str(folder / "experiments.toml")]


def ask(command: str, shop: str, *words: str) -> Result:
    """Runs `aisle experiment COMMAND SHOP …`; what `analyze` writes goes into the shop's own folder."""
    out = ["--out", f"{shop}/out"] if command == "analyze" else []
    return CliRunner().invoke(cli, ["experiment", command, shop, *words, *out])


def told(command: str, shop: str, *words: str) -> Any:
    """What it prints as JSON, up to the line of an error."""
    text: str = ask(command, shop, *words, "--json").stdout
    return json.JSONDecoder().raw_decode(text)[0]
