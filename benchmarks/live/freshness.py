"""How soon, and how surely, an answer knows what its visitor did a moment ago."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aisle.schema.events import PURCHASE
from aisle.serving import Client, RecentEvent
from benchmarks.live.processes import Shop
from benchmarks.live.visitors import K, NotAnswered, Noticed, Site, Visitor, evenly, in_turn

CLIENTS = 16
"""Connections of a load: enough that one who waits keeps no other from asking when it is due."""
VISITORS = 100
STAYS = 20
"""Events of a visitor among the pairs, before another comes: fewer than are remembered."""
_WARM_UP = 50
_TOLD = 20
"""How often progress is told."""
_ENOUGH = 1_000
"""Questions that weren't answered, after which pairs end: whoever answers is gone."""


def under_load(shop: Shop, events: float, questions: float, seconds: float) -> dict[str, Any]:
    """Times events and answers at a steady rate.

    Each question follows an event of its visitor as soon as that is accepted; the other events are of other visitors.

    Args:
        shop: that runs.
        events: a second, those that a question follows among them.
        questions: a second.
        seconds: how long.

    Returns:
        Milliseconds until an event was accepted and, from then on, until the answer that knows it was there; how many
        answers did not know it; how many cores each process kept busy; how many events and questions a second there were.
    """
    noticed: list[Noticed] = []
    asking = [Visitor(f"asking-{number}") for number in range(VISITORS)]
    telling = [Visitor(f"telling-{number}") for number in range(VISITORS)]
    in_turn(shop.gateway.target, 4, range(2 * VISITORS), _looking([*asking, *telling])).result()

    def ask(site: Site, number: int) -> None:
        noticed.append(asking[number % VISITORS].take_and_look(site))

    def tell(site: Site, number: int) -> None:
        telling[number % VISITORS].take(site, number % K)

    started, used = time.monotonic(), _used(shop)
    loads = [
        in_turn(shop.gateway.target, CLIENTS, evenly(rate, seconds), work)
        for rate, work in ((questions, ask), (events - questions, tell))
    ]
    for load in loads:
        load.result()
    lasted = time.monotonic() - started
    return {
        "asked": len(noticed),
        "unknown": sum(not one.knew for one in noticed),
        "accepted": percentiles([one.accepted for one in noticed]),
        "changed": percentiles([one.answered for one in noticed]),
        "cores": {name: (seconds - used[name]) / lasted for name, seconds in _used(shop).items()},
        "questions_a_second": len(noticed) / lasted,
        "events_a_second": (len(noticed) + int((events - questions) * seconds)) / lasted,
    }


def overhead(shop: Shop, rounds: int) -> dict[str, Any]:
    """Times one recommendation at a time, in turn of the gateway and of the server itself.

    Returns:
        Milliseconds by who was asked.
    """
    took: dict[str, list[float]] = {"gateway": [], "server": []}
    visitor = Visitor("overhead")
    with contextlib.closing(Site(shop.gateway.target)) as site, Client(shop.server.target) as client:
        visitor.look(site)
        bought = [RecentEvent(visitor.take(site, place), PURCHASE.name) for place in range(5)]
        for _ in range(_WARM_UP + rounds):
            took["gateway"].append(_seconds(lambda: visitor.look(site)))
            took["server"].append(_seconds(lambda: client.recommend("", (), True, K, bought)))
    return {name: percentiles(seconds[_WARM_UP:]) for name, seconds in took.items()}


def pairs(shop: Shop, count: int, clients: int = 4) -> dict[str, Any]:
    """Has visitors buy what they are shown, and look again, one pair after the other.

    Returns:
        How many pairs, how many answers did not know the event without saying so, how many were `stale`, which says so, how
        many pairs a second; `failed`, how many more weren't answered, and why the first of them.
    """
    noticed: list[Noticed] = []
    failed: list[str] = []
    step = max(1, count // _TOLD)

    def stay(site: Site, number: int) -> None:
        visitor, left = Visitor(f"pairs-{number}"), min(STAYS, count - number * STAYS)
        while left:
            try:
                # Whoever wasn't answered doesn't know what was taken: they look again.
                visitor.look(site)
                while left:
                    left -= 1
                    noticed.append(visitor.take_and_look(site))
                    if len(noticed) % step == 0:
                        print(f"{len(noticed):,} of {count:,} pairs", file=sys.stderr, flush=True)
            except NotAnswered as error:
                failed.append(str(error))
                if len(failed) > _ENOUGH:
                    raise

    started = time.monotonic()
    in_turn(shop.gateway.target, clients, range(-(-count // STAYS)), stay).result()
    return {
        "asked": len(noticed),
        "unknown": sum(not one.knew and not one.stale for one in noticed),
        "stale": sum(one.stale for one in noticed),
        "a_second": len(noticed) / (time.monotonic() - started),
        "failed": len(failed),
        "said": failed[:5],
    }


def _used(shop: Shop) -> dict[str, float]:
    """Seconds of processor by process; the site is this one."""
    return {"gateway": shop.gateway.cpu(), "server": shop.server.cpu(), "site": time.process_time()}


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """The median and the 99th percentile, in milliseconds."""
    return {name: float(np.percentile(seconds, share) * 1e3) for name, share in (("p50", 50), ("p99", 99))}


def _looking(visitors: Sequence[Visitor]) -> Callable[[Site, int], None]:
    return lambda site, number: visitors[number].look(site)


def _seconds(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started
