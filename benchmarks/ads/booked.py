"""Campaigns for the items of a served model, and gateways that sell by them as processes of their own."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from aisle.schema import contract
from aisle.serving import Client

DAY = 86_400 * 10**6
WORDS = 2
ADVERTISERS = 5
"""Campaigns of an advertiser."""


class GatewayProcess:
    """A gateway whose clock can be set and which can be killed; its log outlives it.

    Attributes:
        address: http://HOST:PORT, another after each start.
    """

    def __init__(self, folder: pathlib.Path, *options: str) -> None:
        """Starts it; raises RuntimeError where it ends instead.

        Args:
            folder: for its log and its clock.
            options: of `aisle gateway`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._clock = folder / "clock"
        self.set_clock(0.0)
        module = [sys.executable, "-m", "benchmarks.ads.clocked_gateway", str(self._clock)]
        self._words = [*module, "gateway", "--port", "0", "--log", str(folder / "live"), *options]
        self.start()

    def set_clock(self, seconds: float) -> None:
        """Sets the clock off by so much."""
        partial = self._clock.with_suffix(".part")
        partial.write_text(str(seconds), encoding="utf-8")
        partial.rename(self._clock)

    def start(self) -> None:
        """Starts it anew; raises RuntimeError."""
        environment = {**os.environ, "AISLE_GATEWAY_KEY": ""}
        self._process = subprocess.Popen(self._words, stdout=subprocess.PIPE, text=True, env=environment)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError(f"a gateway ended with {self._process.wait()}")
        self.address = line.split()[-1]

    def cpu(self) -> float:
        """Seconds of processor that it has used."""
        used = psutil.Process(self._process.pid).cpu_times()
        return float(used.user + used.system)

    def kill(self) -> None:
        """Ends it as kill -9 does."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Ends it in order."""
        self._process.terminate()
        self._process.wait()


def queries(model: pathlib.Path, count: int, seed: int = 0) -> list[str]:
    """Two words each that follow each other in a title of a version's items."""
    titles = list(_titles(model).values())
    draw = np.random.default_rng(seed)
    found = []
    for title in draw.choice(titles, count):
        words = title.split()
        start = int(draw.integers(max(1, len(words) - WORDS + 1)))
        found.append(" ".join(words[start : start + WORDS]))
    return found


def book(
    path: pathlib.Path, model: pathlib.Path, target: str, count: int, budget: int, now: int
) -> dict[str, int]:
    """Writes campaigns for a version's items: by item, by category, and by query.

    Args:
        path: of the table.
        model: the version's folder.
        target: of its server, which knows the categories.
        count: how many.
        budget: the most of each, in micros; a tenth of it is the least.
        now: in microseconds since the epoch.

    Returns:
        The budgets by campaign.
    """
    items, draw = list(_titles(model)), np.random.default_rng(1)
    with Client(target, timeout=60.0) as client:
        categories = sorted(
            {fact.category for fact in client.facts(items[:5_000]).items.values() if fact.category}
        )
    asked = queries(model, count, 2)

    def row(number: int) -> dict[str, Any]:
        by_category = categories and number % 2
        return {
            "campaign_id": f"campaign {number}",
            "advertiser_id": f"advertiser {number // ADVERTISERS}",
            "item_id": "" if by_category else str(draw.choice(items)),
            "category": str(draw.choice(categories)) if by_category else "",
            "query": asked[number] if number % 5 == 0 else "",
            "bid": int(draw.integers(10_000, 2_000_000)),
            "bid_kind": "click",
            "budget": int(draw.integers(budget // 10, budget + 1)),
            "starts_at": now - 10 * DAY,
            "ends_at": now + 10 * DAY,
            "frequency_cap": 20 if number % 3 == 0 else None,
        }

    rows = [row(number) for number in range(count)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return {one["campaign_id"]: one["budget"] for one in rows}


def _titles(model: pathlib.Path) -> dict[str, str]:
    told = (model / contract.EXTRA_FOLDER / contract.TITLES_FILE).read_text(encoding="utf-8")
    titles: dict[str, str] = json.loads(told)
    return {item: title for item, title in titles.items() if title.strip()}
