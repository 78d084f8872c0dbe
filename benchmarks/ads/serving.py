"""Sponsored places of real processes: whether a budget can be passed, and what an auction adds to a search.

    python -m benchmarks.ads.serving --check [--out out] [--results docs/ads.md]

A redis-server, `aisle serve` and gateways run on this machine. `out` is the output folder of `aisle run`; without one, a
small shop is simulated and a model trained on it. Budgets are those of some clicks, so that most of them end on the way.

What an auction among 10,000 campaigns adds is measured inside the gateway, which tells it by its metrics, and from outside:
the same searches go in turn to a gateway with campaigns and to one without, in blocks. The goal from outside is held against
the median over blocks of the difference of both p99, since a block holds what else the machine does.
"""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.ads.booked import GatewayProcess, book, queries
from benchmarks.ads.overspend import books_of_file, books_of_redis, judged, shop_and_kill
from benchmarks.live.processes import StoreServer, make_run
from benchmarks.live.visitors import Site
from benchmarks.serving.model_server import newest, publish, serving
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

FEW, MANY = 60, 10_000
SOME_CLICKS, PLENTY = 6_000_000, 10**13
BLOCKS = 20
PARTS = {"redis": "two gateways on one Redis", "file": "one gateway with --store memory"}


def _sum(name: str) -> Callable[[Found], float | None]:
    """Of all kinds of stores; None where that wasn't measured."""
    return lambda found: (
        sum(part[name] for part in found["overspend"].values()) if "overspend" in found else None
    )


def _added_by(name: str) -> Callable[[Found], float | None]:
    return lambda found: found["added"][name] if "added" in found else None


FIGURES = (
    Figure("overspent_micros", _sum("overspent"), most=0),
    Figure("charged_twice_micros", _sum("twice"), most=0),
    Figure("uncharged_micros", _sum("uncharged"), most=0),
    Figure("exhausted_campaigns", _sum("exhausted"), least=5),
    Figure("kills", _sum("kills"), least=18),
    Figure("inside_p99_ms", _added_by("inside p99"), most=2),
    Figure("added_p50_ms", _added_by("p50")),
    Figure("added_p99_ms", _added_by("p99"), most=2),
    Figure("added_cpu_ms", _added_by("cpu")),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument("--out", type=pathlib.Path, help="output folder of `aisle run`")
    command.add_argument("--parts", nargs="+", choices=("overspend", "added"), default=["overspend", "added"])
    command.add_argument("--kills", type=int, default=9, help="of gateways, for each kind of store")
    command.add_argument("--every", type=float, default=7.0, help="seconds between two kills")
    command.add_argument("--searches", type=int, default=4_000, help="that are timed, each way")
    command.run(measure, {"ads-serving": markdown})


def measure(told: argparse.Namespace, scratch: pathlib.Path) -> Found:
    """What was overspent by kind of store, and what is added to a search."""
    out = told.out or make_run(scratch)
    model = newest(out)
    with tempfile.TemporaryDirectory(dir=out) as named:  # Where the model can be linked to.
        folder = pathlib.Path(named)
        publish(model, folder / "out", 1)
        found: Found = {}
        with serving(folder / "out") as server:
            if "overspend" in told.parts:
                found["overspend"] = {
                    kind: _overspend(kind, model, server.target, folder / kind, told) for kind in PARTS
                }
                print(f"overspend: {found['overspend']}", file=sys.stderr, flush=True)
            if "added" in told.parts:
                found["added"] = _added(model, server.target, folder / "added", told.searches)
    return found


def _overspend(
    kind: str, model: pathlib.Path, target: str, folder: pathlib.Path, told: argparse.Namespace
) -> dict[str, Any]:
    """Shops for a while at gateways that are killed, and says what became of the money."""
    folder.mkdir()
    now = int(time.time() * 1e6)
    budgets = book(folder / "campaigns.parquet", model, target, FEW, SOME_CLICKS, now)
    options = ("--target", target, "--campaigns", str(folder / "campaigns.parquet"), "--timeout", "60")
    with _stored(kind, folder) as address, contextlib.ExitStack() as opened:
        gateways = []
        for number in range(2 if kind == "redis" else 1):
            gateways.append(GatewayProcess(folder / str(number), "--store", address, *options))
            opened.callback(gateways[-1].end)
        clicks = shop_and_kill(gateways, queries(model, 200), told.kills, told.every)
        # The last start has charged what the last kill kept from it.
        for one in gateways:
            one.end()
            one.start()
        read = (
            books_of_redis(address) if kind == "redis" else books_of_file(folder / "0" / "live" / ".ads.db")
        )
    did = {
        "kills": told.kills,
        "answers": clicks.asked,
        "unanswered": clicks.unanswered,
        "clicks": len(clicks.sent),
    }
    return {**did, **judged(read, budgets, clicks)}


@contextlib.contextmanager
def _stored(kind: str, folder: pathlib.Path) -> Iterator[str]:
    """The address of a store of a kind."""
    if kind == "file":
        yield "memory"
        return
    store = StoreServer(folder)
    try:
        yield store.address
    finally:
        store.kill()


def _added(model: pathlib.Path, target: str, folder: pathlib.Path, searches: int) -> dict[str, float]:
    """Milliseconds that the auction adds to a search."""
    folder.mkdir()
    now = int(time.time() * 1e6)
    book(folder / "campaigns.parquet", model, target, MANY, PLENTY, now)
    asked = queries(model, 500, 3)
    with _stored("redis", folder) as address, contextlib.ExitStack() as opened:
        options = ("--store", address, "--target", target, "--timeout", "60")
        without = GatewayProcess(folder / "without", *options)
        opened.callback(without.end)
        campaigns = ("--campaigns", str(folder / "campaigns.parquet"))
        selling = GatewayProcess(folder / "with", *options, *campaigns)
        opened.callback(selling.end)
        ways = (without, selling)
        _times(ways, asked)  # What is known of items is asked once.
        used, before = [one.cpu() for one in ways], _inside(selling.address)
        took = _times(ways, [asked[number % len(asked)] for number in range(searches)])
        cpu = [(one.cpu() - start) / searches * 1e3 for one, start in zip(ways, used, strict=True)]
        inside = _inside(selling.address) - before
    blocks = [np.percentile(block, 99, axis=1) for block in np.array_split(took, BLOCKS, axis=1)]
    p50, p99 = np.percentile(took, [50, 99], axis=1)
    return {
        "without p50": p50[0],
        "without p99": p99[0],
        "with p50": p50[1],
        "with p99": p99[1],
        "p50": float(np.median(took[1] - took[0])),
        "p99": float(np.median([high[1] - high[0] for high in blocks])),
        "cpu": cpu[1] - cpu[0],
        "cpu without": cpu[0],
        "inside p50": _quantile(inside, 0.5),
        "inside p99": _quantile(inside, 0.99),
        "sold": float(inside[-1]),
    }


def _times(ways: Sequence[GatewayProcess], asked: Sequence[str]) -> np.ndarray:
    """[ways, asked] milliseconds of each search, asked in turn, first of the one and then of the other."""
    took = np.zeros((len(ways), len(asked)))
    with contextlib.ExitStack() as opened:
        sites = [opened.enter_context(contextlib.closing(Site(one.address))) for one in ways]
        for number, query in enumerate(asked):
            body = {"query": query, "session_id": f"s{number % 1_000}"}
            for way in (range(len(ways)), reversed(range(len(ways))))[number % 2]:
                started = time.perf_counter()
                sites[way].post("search", body)
                took[way, number] = (time.perf_counter() - started) * 1e3
    return took


_BOUNDS: list[float] = []


def _inside(address: str) -> np.ndarray:
    """[buckets + 1] how many auctions took at most so long each, by the gateway's metrics; `_BOUNDS` has the seconds."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    counts = {
        float(sample.labels["le"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "aisle_gateway_ads_seconds_bucket"
    }
    _BOUNDS[:] = sorted(counts)
    return np.array([counts[bound] for bound in _BOUNDS])


def _quantile(counts: np.ndarray, share: float) -> float:
    """Milliseconds by the buckets, between two bounds by a line; infinite beyond the last."""
    bounds = np.array([0.0, *_BOUNDS]) * 1e3
    reached = np.array([0.0, *counts]) / max(counts[-1], 1.0)
    place = int(np.searchsorted(reached, share))
    low, high = reached[place - 1], reached[place]
    return float(bounds[place - 1] + (bounds[place] - bounds[place - 1]) * (share - low) / (high - low))


def markdown(found: Found) -> str:
    """A row a kind of store, and the times."""
    rows = []
    for kind, part in found.get("overspend", {}).items():
        did = f"{PARTS[kind]}: {part['kills']} kills, {part['clicks']:,} clicks, each told 3 times"
        rows.append(
            (f"{did}, {part['exhausted']} budgets at their end", f"{part['overspent']:,} micros overspent")
        )
        rows.append(
            (
                "of that charged twice / safe and not charged",
                f"{part['twice']:,} / {part['uncharged']:,} micros",
            )
        )
    added = found.get("added")
    if not added:
        return table(["", ""], rows)
    rows += [
        (
            f"a search {way} 10,000 campaigns, p50 / p99",
            f"{added[f'{way} p50']:.1f} / {added[f'{way} p99']:.1f} ms",
        )
        for way in ("without", "with")
    ]
    rows.append(("added at p50 / at p99, median of 20 blocks", f"{added['p50']:.2f} / {added['p99']:.2f} ms"))
    inside = f"{added['inside p50']:.2f} / {added['inside p99']:.2f} ms"
    rows.append(("selling inside the gateway, the store's answer in it, p50 / p99", inside))
    more = f"{added['cpu without']:.2f} and {added['cpu']:.2f} ms more"
    rows.append(("processor time of the gateway for a search, without and with", more))
    return table(["", ""], rows)


if __name__ == "__main__":
    main()
