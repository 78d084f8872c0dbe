"""The embedded server under load: throughput, what it costs over the model alone, switches of versions, restarts.

    python -m benchmarks.serving.serving --out out [--results docs/speed.md]

`out` is the output folder of `aisle run`; the questions are made of its items. Server, load and, for the restarts,
callers are processes of their own. Needs the extra `dev`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import tempfile
import time
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np

from aisle.serving import Client
from aisle.serving.local import LocalModel
from aisle.serving.releases.folders import require_version
from benchmarks.serving.load import PREDICT, Running
from benchmarks.serving.model_server import make_questions, publish, serialized, serving, versions_folder
from benchmarks.serving.switches import restart, switch
from benchmarks.shared.results import write_section

CLIENTS = (1, 4, 16)
BATCHING = {"off": (), "on": ("--batch", "64")}
SIGNATURES = ("recommend", "search", "rank")
WAYS = ("in process", "served", "by the client")
_WARM_UP = 20
PARTS = ("throughput", "overhead", "switches", "restarts")


def main() -> None:
    """Parses the arguments, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="output folder of `aisle run`")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=10.0, help="of each load")
    parser.add_argument("--switches", type=int, default=100)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second while versions switch")
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path("serving.json"))
    parser.add_argument("--results", type=pathlib.Path, help="a Markdown file whose sections are rewritten")
    arguments = parser.parse_args()
    versions = require_version(versions_folder(arguments.out))
    model = versions[max(versions)]
    found: dict[str, Any] = {}
    for part in arguments.parts:
        with tempfile.TemporaryDirectory(dir=arguments.out) as folder:  # Where the model can be linked to.
            found[part] = _measure(part, model, pathlib.Path(folder), arguments)
        arguments.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
        print(TABLES[part](found[part]), flush=True)
        if arguments.results:
            write_section(arguments.results, f"serving-{part}", TABLES[part](found[part]))


def _measure(part: str, model: pathlib.Path, folder: pathlib.Path, arguments: argparse.Namespace) -> Any:
    if part == "throughput":
        return throughput(model, folder, arguments.seconds)
    if part == "overhead":
        return overhead(model, folder)
    if part == "switches":
        return dataclasses.asdict(
            switch(model, folder, arguments.switches, arguments.rate, 3 * arguments.seconds)
        )
    return dataclasses.asdict(restart(60.0, every=5.0, deadline=3.0))


def throughput(model: pathlib.Path, folder: pathlib.Path, seconds: float) -> list[dict[str, Any]]:
    """A row for each signature, number of clients, and batching: answers a second and ms at percentiles."""
    asked = {
        name: [serialized(question) for question in kind] for name, kind in make_questions(model).items()
    }
    publish(model, folder, 1)
    rows = []
    for batching, options in BATCHING.items():
        with serving(folder, *options) as server:
            for name in SIGNATURES:
                _warm(server.target, asked[name], folder)
                for clients in CLIENTS:
                    load = Running(
                        server.target, asked[name], folder, clients=clients, seconds=seconds
                    ).result()
                    told = {f"p{share}": load.percentile(share) for share in (50, 99, 99.9)}
                    row = {"signature": name, "clients": clients, "batching": batching, "rate": load.rate}
                    rows.append({**row, **told, "failed": load.failed})
                    print(rows[-1], flush=True)
    return rows


def _warm(target: str, requests: list[bytes], folder: pathlib.Path) -> None:
    """Each shape of a batch is traced, or allocated for, once."""
    Running(target, requests, folder, clients=max(CLIENTS), seconds=3.0).result()


def overhead(model: pathlib.Path, folder: pathlib.Path, rounds: int = 3) -> dict[str, dict[str, float]]:
    """Median ms of each signature in this process, and of a server in turn with it: by bytes alone, and by the client."""
    publish(model, folder, 1)
    local, made = LocalModel(versions_folder(folder)), make_questions(model)
    found = {}
    with (
        serving(folder) as server,
        Client(server.target, timeout=60) as client,
        grpc.insecure_channel(server.target) as channel,
    ):
        send = channel.unary_unary(PREDICT)
        for name in SIGNATURES:
            seconds: dict[str, list[float]] = {where: [] for where in WAYS}
            for question in made[name][:_WARM_UP] + made[name] * rounds:
                asked: tuple[tuple[Callable[[Any], object], Any], ...] = (
                    (local.ask, question),
                    (send, serialized(question)),
                    (client.ask, question),
                )
                for where, (ask, what) in zip(WAYS, asked, strict=True):
                    started = time.perf_counter()
                    ask(what)
                    seconds[where].append(time.perf_counter() - started)
            found[name] = {where: float(np.median(each[_WARM_UP:]) * 1e3) for where, each in seconds.items()}
    return found


def _throughput_table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| signature | clients | batching | answers a second | p50 ms | p99 | p99.9 | failed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: (SIGNATURES.index(row["signature"]), row["clients"])):
        told = " | ".join(f"{row[name]:.1f}" for name in ("rate", "p50", "p99", "p99.9"))
        lines.append(
            f"| {row['signature']} | {row['clients']} | {row['batching']} | {told} | {row['failed']} |"
        )
    return "\n".join(lines)


def _overhead_table(found: dict[str, dict[str, float]]) -> str:
    lines = [
        "| p50 ms | in process | served | more | served, by the client | more |",
        "|---|---|---|---|---|---|",
    ]
    for name, told in found.items():
        inside, *others = (told[where] for where in WAYS)
        cells = [f"{served:.2f} | {served - inside:.2f}" for served in others]
        lines.append(f"| {name} | {inside:.2f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _switches_table(found: dict[str, Any]) -> str:
    start, tenth, last = found["memory"]
    return "\n".join(
        [
            "| | |",
            "|---|---|",
            f"| switches | {found['switches']} |",
            f"| requests, of them failed | {found['requests']:,}, {found['failed']} |",
            f"| p99 before the first switch, ms | {found['steady']:.1f} |",
            f"| p99 during switches, ms | {found['switching']:.1f} |",
            f"| p99 between them, ms | {found['quiet']:.1f} |",
            f"| from a version's folder to its answers, s (median) | {found['seconds']:.1f} |",
            f"| memory before, after a tenth, after all, MB | {start:,.0f}, {tenth:,.0f}, {last:,.0f} |",
        ]
    )


def _restarts_table(found: dict[str, Any]) -> str:
    return "\n".join(
        [
            "| | |",
            "|---|---|",
            f"| restarts in a minute | {found['restarts']} |",
            f"| questions with a deadline of 3 s, of them failed | {found['asked']:,}, {found['failed']} |",
            f"| the slowest answer, s | {found['slowest']:.2f} |",
        ]
    )


TABLES = {
    "throughput": _throughput_table,
    "overhead": _overhead_table,
    "switches": _switches_table,
    "restarts": _restarts_table,
}

if __name__ == "__main__":
    main()
