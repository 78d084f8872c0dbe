"""What the gateway adds to a question: asked directly and through it in turn, in milliseconds and in CPU time.

    python -m benchmarks.live.latency --out out [--store redis://localhost:6379/0] [--results docs/speed.md]

`out` is the output folder of `aisle run`; the questions are made of its items. Server and gateway are processes of their
own. Needs the extra `dev`.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import http.client
import json
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psutil

from aisle.serving import Client
from aisle.serving.client.questions import Question
from aisle.serving.releases.folders import require_version
from benchmarks.serving.model_server import make_questions, serving, versions_folder
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table

NAMES = ("recommend", "search", "rank")
_WARM_UP = 50


FIGURES = (
    Figure("most_ms_added", lambda found: max(row["added"] for row in found["rows"]), most=2.0),
    Figure("most_cpu_ms", lambda found: max(row["cpu"] for row in found["rows"])),
)
"""On a machine that nothing else uses. The CPU time of the gateway's process is the figure that a busy one tells as well."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument("--out", type=pathlib.Path, required=True, help="output folder of `aisle run`")
    command.add_argument("--store", default="memory", help="the gateway's")
    command.add_argument("--questions", type=int, default=1_000, help="of each kind, each way")
    command.run(measured, {"gateway-latency": markdown})


@dataclasses.dataclass(frozen=True)
class GatewayProcess:
    """A running gateway."""

    process: psutil.Process
    port: int

    def cpu(self) -> float:
        """Seconds of CPU that it took so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextlib.contextmanager
def gateway(target: str, store: str, folder: pathlib.Path) -> Iterator[GatewayProcess]:
    """Runs `aisle gateway` on a free port.

    Raises:
        RuntimeError: it ended instead; it said why on standard error.
    """
    words = ["gateway", "--target", target, "--store", store, "--port", "0", "--log", str(folder / "live")]
    command = [sys.executable, "-m", "aisle.cli.main", *words, "--timeout", "60"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError(f"the gateway ended with {process.wait()}")
        yield GatewayProcess(psutil.Process(process.pid), int(line.rpartition(":")[2]))
    finally:
        process.terminate()
        process.wait()


def measured(told: argparse.Namespace, folder: pathlib.Path) -> dict[str, Any]:
    """A row for each kind of question."""
    versions = require_version(versions_folder(told.out))
    made = make_questions(versions[max(versions)])
    with (
        serving(told.out) as server,
        gateway(server.target, told.store, folder) as between,
        Client(server.target, timeout=60) as client,
        contextlib.closing(http.client.HTTPConnection("127.0.0.1", between.port)) as site,
    ):
        _remember(site, made["recommend"])
        rows = [_one(name, made[name], told.questions, client.ask, site, between) for name in NAMES]
    return {"rows": rows, "store": told.store}


def _one(
    name: str,
    made: list[Question],
    count: int,
    ask: Callable[[Question], object],
    site: http.client.HTTPConnection,
    between: GatewayProcess,
) -> dict[str, Any]:
    """What a kind of question takes directly and through the gateway, asked in turn."""
    direct, through, cpu = [], [], 0.0
    for place in range(_WARM_UP + count):
        question = made[place % len(made)]
        body = _body(name, question, place % len(made))
        started = time.perf_counter()
        ask(question)
        asked = time.perf_counter()
        _post(site, name, body)
        direct.append(asked - started)
        through.append(time.perf_counter() - asked)
        if place == _WARM_UP - 1:
            cpu = between.cpu()
    cpu = between.cpu() - cpu
    of_direct, of_through = (np.array(each[_WARM_UP:]) * 1e3 for each in (direct, through))
    return {
        "name": name,
        "direct": float(np.median(of_direct)),
        "through": float(np.median(of_through)),
        "added": float(np.median(of_through) - np.median(of_direct)),
        "cpu": cpu / count * 1e3,
    }


def _remember(site: http.client.HTTPConnection, made: list[Question]) -> None:
    """Has the session of each question do what the question itself brings as a history."""
    for place, question in enumerate(made):
        items = [item.decode() for item in question.inputs["history"][0]]
        events = [{"event": "click", "item_id": item, "session_id": f"s{place}"} for item in items]
        _post(site, "events", json.dumps(events).encode())


def _body(name: str, question: Question, place: int) -> bytes:
    """The question as a site asks the gateway."""
    asked: dict[str, Any] = {"session_id": f"s{place}"}
    if name != "recommend":
        asked["query"] = question.inputs["query"][0].decode()
    if name == "rank":
        asked["item_ids"] = [item.decode() for item in question.inputs["item_ids"][0]]
    return json.dumps(asked).encode()


def _post(site: http.client.HTTPConnection, name: str, body: bytes) -> None:
    site.request("POST", f"/v1/{name}", body, {"Content-Type": "application/json"})
    answer = site.getresponse()
    said = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"the gateway answered {answer.status}: {said!r}")


def markdown(found: dict[str, Any]) -> str:
    """The table."""
    names = ("direct", "through", "added", "cpu")
    head = ("ms", "p50 directly", "through the gateway", "added", "CPU of the gateway")
    return table(head, ((row["name"], *(f"{row[name]:.2f}" for name in names)) for row in found["rows"]))


if __name__ == "__main__":
    main()
