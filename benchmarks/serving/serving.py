"""The embedded server under load: throughput, what it costs over the model alone, switches of versions, restarts.

    python -m benchmarks.serving.serving --out out [--results docs/speed.md]

`out` is the output folder of `aisle run`; the questions are made of its items. Server, load and, for the restarts,
callers are processes of their own. Needs the extra `dev`.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import pathlib
import tempfile
import time
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np

from aisle.serving import Client
from aisle.serving.local import LocalModel
from benchmarks.serving.load import PREDICT, Running
from benchmarks.serving.model_server import (
    make_questions,
    newest,
    publish,
    serialized,
    serving,
    versions_folder,
)
from benchmarks.serving.switches import restart, switch
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table

CLIENTS = (1, 4, 16)
BATCHING = {"off": (), "on": ("--batch", "64")}
SIGNATURES = ("recommend", "search", "rank")
WAYS = ("in process", "served", "by the client")
_WARM_UP = 20


FIGURES = (
    Figure("failed_of_load", lambda found: _failed(found, "throughput"), most=0),
    Figure("failed_of_switches", lambda found: _failed(found, "switches"), most=0),
    Figure("failed_of_restarts", lambda found: _failed(found, "restarts"), most=0),
    Figure("most_ms_over_the_model", lambda found: _overhead(found), most=2.0),
    Figure(
        "p99_of_switches_times",
        lambda found: (
            found["switches"]["switching"] / found["switches"]["steady"] if "switches" in found else None
        ),
        most=2.0,
    ),
)
"""On a machine that nothing else uses; what `--parts` leaves out is not asked."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument("--out", type=pathlib.Path, required=True, help="output folder of `aisle run`")
    command.add_argument("--parts", nargs="+", choices=TABLES, default=list(TABLES))
    command.add_argument("--seconds", type=float, default=10.0, help="of each load")
    command.add_argument("--switches", type=int, default=100)
    command.add_argument("--rate", type=float, default=20.0, help="requests a second while versions switch")
    command.run(
        measured,
        {f"serving-{part}": functools.partial(_in_section, part) for part in TABLES},
    )


def measured(told: argparse.Namespace, _: pathlib.Path) -> dict[str, Any]:
    """What was found by part."""
    model = newest(told.out)
    found: dict[str, Any] = {}
    for part in told.parts:
        with tempfile.TemporaryDirectory(dir=told.out) as folder:  # Where the model can be linked to.
            found[part] = _measure(part, model, pathlib.Path(folder), told)
        print(TABLES[part](found[part]), flush=True)
    return found


def _measure(part: str, model: pathlib.Path, folder: pathlib.Path, told: argparse.Namespace) -> Any:
    if part == "throughput":
        return throughput(model, folder, told.seconds)
    if part == "overhead":
        return overhead(model, folder)
    if part == "switches":
        return dataclasses.asdict(switch(model, folder, told.switches, told.rate, 3 * told.seconds))
    return dataclasses.asdict(restart(60.0, every=5.0, deadline=3.0))


def _in_section(part: str, found: dict[str, Any]) -> str:
    return TABLES[part](found[part]) if part in found else ""


def _failed(found: dict[str, Any], part: str) -> int | None:
    """Failed requests of a part; None where it wasn't measured."""
    if part not in found:
        return None
    rows = found[part] if part == "throughput" else [found[part]]
    return sum(row["failed"] for row in rows)


def _overhead(found: dict[str, Any]) -> float | None:
    """The most that the server adds to a signature's median, in ms."""
    if "overhead" not in found:
        return None
    return max(told["served"] - told["in process"] for told in found["overhead"].values())


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
    head = ("signature", "clients", "batching", "answers a second", "p50 ms", "p99", "p99.9", "failed")
    ordered = sorted(rows, key=lambda row: (SIGNATURES.index(row["signature"]), row["clients"]))
    return table(
        head,
        (
            (row["signature"], row["clients"], row["batching"])
            + tuple(f"{row[name]:.1f}" for name in ("rate", "p50", "p99", "p99.9"))
            + (row["failed"],)
            for row in ordered
        ),
    )


def _overhead_table(found: dict[str, dict[str, float]]) -> str:
    rows = []
    for name, told in found.items():
        inside, *others = (told[where] for where in WAYS)
        cells = (cell for served in others for cell in (f"{served:.2f}", f"{served - inside:.2f}"))
        rows.append((name, f"{inside:.2f}", *cells))
    return table(("p50 ms", "in process", "served", "more", "served, by the client", "more"), rows)


def _switches_table(found: dict[str, Any]) -> str:
    rows = (
        ("switches", found["switches"]),
        ("requests, of them failed", f"{found['requests']:,}, {found['failed']}"),
        ("p99 before the first switch, ms", f"{found['steady']:.1f}"),
        ("p99 during switches, ms", f"{found['switching']:.1f}"),
        ("p99 between them, ms", f"{found['quiet']:.1f}"),
        ("from a version's folder to its answers, s (median)", f"{found['seconds']:.1f}"),
        (
            "memory before, after a tenth, after all, MB",
            ", ".join(f"{size:,.0f}" for size in found["memory"]),
        ),
    )
    return table(("", ""), rows)


def _restarts_table(found: dict[str, Any]) -> str:
    rows = (
        ("restarts in a minute", found["restarts"]),
        ("questions with a deadline of 3 s, of them failed", f"{found['asked']:,}, {found['failed']}"),
        ("the slowest answer, s", f"{found['slowest']:.2f}"),
    )
    return table(("", ""), rows)


TABLES: dict[str, Callable[[Any], str]] = {
    "throughput": _throughput_table,
    "overhead": _overhead_table,
    "switches": _switches_table,
    "restarts": _restarts_table,
}

if __name__ == "__main__":
    main()
