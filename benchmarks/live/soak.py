"""Minutes of a live shop whose store is killed and whose model is switched again and again."""

from __future__ import annotations

import concurrent.futures
import pathlib
import sys
import threading
import time
import uuid
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from aisle.serving import Client
from benchmarks.live.freshness import CLIENTS, VISITORS
from benchmarks.live.processes import Shop, live_shop
from benchmarks.live.visitors import K, NotAnswered, Site, evenly, in_turn
from benchmarks.serving.model_server import make_questions, publish
from benchmarks.serving.switches import switch_once

DOWN = 2.0
"""Seconds that the store is away."""
_SAMPLE = 2.0
"""Seconds between two looks at the gateway's memory."""


class Visits:
    """What the site told and asked, and what came of it.

    Attributes:
        accepted: ids of the events that the gateway said are safe.
        failed: why events and questions weren't answered, by which of the two.
        asked: how many of each.
        stale: answers that were made without the store.
    """

    def __init__(self, model: pathlib.Path) -> None:
        """Tells and asks of a model's own items."""
        made = make_questions(model)
        self._queries = [question.inputs["query"][0].decode() for question in made["search"]]
        self._items = [question.inputs["item_ids"][0] for question in made["rank"]]
        self.accepted: list[str] = []
        self.failed: dict[str, list[str]] = {"events": [], "questions": []}
        self.asked = {"events": 0, "questions": 0}
        self.stale = 0

    def tell(self, site: Site, number: int) -> None:
        """Records an event; every tenth number is a batch of three."""
        item, batch = self._item(number), 3 if number % 10 == 0 else 1
        told = [
            {"event": "click", "item_id": item, "session_id": f"soak-{number % VISITORS}", "event_id": name}
            for name in (uuid.uuid4().hex for _ in range(batch))
        ]
        self.asked["events"] += 1
        try:
            self.accepted += site.post("events", told)["event_ids"]  # type: ignore[arg-type]
        except NotAnswered as error:
            self.failed["events"].append(str(error))

    def ask(self, site: Site, number: int) -> None:
        """Asks for a list, by the number one of four."""
        session, item = {"session_id": f"soak-{number % VISITORS}"}, self._item(number)
        path, more = (
            ("recommend", {"k": K}),
            ("search", {"query": self._queries[number % len(self._queries)]}),
            ("similar", {"item_id": item}),
            ("rank", {"item_ids": [item]}),
        )[number % 4]
        self.asked["questions"] += 1
        try:
            self.stale += site.post(path, {**session, **more})["stale"]
        except NotAnswered as error:
            self.failed["questions"].append(str(error))

    def _item(self, number: int) -> str:
        items = self._items[number % len(self._items)]
        return str(items[number % len(items)].decode())


def soak(
    model: pathlib.Path, scratch: pathlib.Path, minutes: float, every: float, rates: tuple[float, float]
) -> dict[str, Any]:
    """Kills the store and, half the time later, switches the version, `every` so many seconds, under a steady load.

    Args:
        model: a version's folder.
        scratch: an empty folder where the model can be linked to.
        minutes: how long.
        every: seconds between two kills.
        rates: events and questions a second.

    Returns:
        Counts of kills and switches, and of what was asked, failed, accepted and lost; `memory`, MB of the gateway after the first tenth of the time
        and at the end, each a median; `growth` of it.
    """
    publish(model, scratch / "out", 1)
    visits, over, memory = Visits(model), threading.Event(), []
    with concurrent.futures.ThreadPoolExecutor(1) as pool, live_shop(scratch / "out", scratch) as shop:
        loads = [
            in_turn(shop.gateway.target, CLIENTS, evenly(rate, minutes * 60), work)
            for rate, work in zip(rates, (visits.tell, visits.ask), strict=True)
        ]
        trouble = pool.submit(_trouble, shop, model, scratch / "out", every, over)
        try:
            while not all(load.done() for load in loads):
                time.sleep(_SAMPLE)
                memory.append((shop.gateway.resident() or np.nan) / 2**20)
        finally:
            over.set()
        for load in loads:
            load.result()
        kills, switches = trouble.result()
    written = recorded(shop.log)
    tenth = max(1, len(memory) // 10)
    before, after = float(np.median(memory[tenth : 2 * tenth])), float(np.median(memory[-tenth:]))
    return {
        "minutes": minutes,
        "kills": kills,
        "switches": switches,
        "asked": visits.asked,
        "failed": {name: len(said) for name, said in visits.failed.items()},
        "said": [said for many in visits.failed.values() for said in many[:5]],
        "stale": visits.stale,
        "accepted": len(visits.accepted),
        "lost": len(set(visits.accepted) - set(written)),
        "memory": [before, after],
        "growth": after / before - 1,
    }


def recorded(log: pathlib.Path) -> list[str]:
    """The ids of the events in a data folder's files, without what was only shown."""
    return [
        row["event_id"]
        for path in sorted((log / "events").glob("*.parquet"))
        for row in pq.read_table(path, columns=["event_id", "source"]).to_pylist()
        if row["source"] is None
    ]


def _trouble(
    shop: Shop, model: pathlib.Path, out: pathlib.Path, every: float, over: threading.Event
) -> tuple[int, int]:
    """Makes it, until it is over; returns how often the store was killed and the version switched."""
    kills = switches = 0
    started = time.monotonic()

    def over_before(times: float) -> bool:
        return over.wait(max(0.0, started + times * every - time.monotonic()))

    with Client(shop.server.target, timeout=60) as client:
        while not over_before(kills + 0.5):
            shop.store.kill()
            kills += 1
            over.wait(DOWN)
            shop.store.start()
            if over_before(kills):
                break
            switch_once(model, out, switches + 2, client)
            switches += 1
            print(f"{kills} kills of the store, {switches} switches", file=sys.stderr, flush=True)
    return kills, switches
