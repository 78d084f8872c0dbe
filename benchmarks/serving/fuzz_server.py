"""Asks the embedded server what nobody should ask, and fails where it ends, hangs, grows or says UNKNOWN.

    python -m benchmarks.serving.fuzz_server [--requests 100000] [--out DIR] [--batch 0] [--results docs/results.md]

The server is `aisle serve` with its metrics and its request log, on the model of four items of the tests; --out takes
a run's output instead. Each request is drawn from the seed and its number alone; a failure names it.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import contextlib
import dataclasses
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import grpc

from benchmarks.serving.fuzzed_requests import fuzzed
from benchmarks.serving.model_server import serving
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table

TINY_MODEL = pathlib.Path(__file__).resolve().parents[2] / "tests" / "serving" / "tiny_model.py"
THREADS = 4
DEADLINE = 60.0
"""Seconds for an answer. None takes long; what isn't there by then hangs."""
PROPER = ("OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION")
_ANY_SIZE = [("grpc.max_receive_message_length", -1)]
UNREADABLE = "Exception deserializing request!"
"""What gRPC says, with INTERNAL, of bytes that are no message."""
MOST_GROWTH = 0.10
"""Of the server's memory, from the first tenth of the requests to the last."""


@dataclasses.dataclass
class Found:
    """What happened.

    Attributes:
        counts: answers by method and status code.
        wrong: answers of no proper status: the request's number, method, code and message.
        seconds: for all requests.
        memory: resident bytes of the server after the first tenth, and at the end.
        ended: whether the server's process ended by itself.
    """

    counts: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    wrong: list[tuple[int, str, str, str]] = dataclasses.field(default_factory=list)
    seconds: float = 0.0
    memory: tuple[int, int] = (0, 0)
    ended: bool = False

    @property
    def growth(self) -> float:
        """Of the memory, as a share."""
        before, after = self.memory
        return after / before - 1 if before else 0.0


FIGURES = (
    Figure("improper_answers", lambda found: len(found["asked"]["wrong"]), most=0),
    Figure("server_ended", lambda found: int(found["asked"]["ended"]), most=0),
    Figure("memory_growth", lambda found: found["growth"], most=MOST_GROWTH),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument("--requests", type=int, default=100_000)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--batch", type=int, default=0, help="rows that the server joins at most")
    command.add_argument(
        "--out", type=pathlib.Path, help="a run's output; without, a model of four items is made"
    )
    command.run(measured, {"fuzz": lambda found: markdown(Found(**found["asked"]))})


def measured(told: argparse.Namespace, scratch: pathlib.Path) -> dict[str, Any]:
    """Serves and asks as the command line says; what is wrong is printed, a line each."""
    out = told.out or make_out(scratch / "out")
    options = ["--metrics-port", "0", "--log", f"{scratch}/log", "--log-share", "1"]
    with serving(out, *options, "--batch", str(told.batch)) as server:
        found = fuzz(server.target, server.resident, told.requests, told.seed)
    for complaint in complain(found):
        print(complaint, file=sys.stderr)
    return {"asked": dataclasses.asdict(found), "growth": found.growth}


def make_out(out: pathlib.Path) -> pathlib.Path:
    """An output folder with two versions of the tests' model of four items."""
    subprocess.run([sys.executable, str(TINY_MODEL), str(out / "serving")], check=True)
    return out


def fuzz(address: str, memory: Callable[[], int | None], requests: int, seed: int) -> Found:
    """Asks a server, by a few threads, until it has ended.

    Args:
        address: HOST:PORT.
        memory: the server's, in bytes; None once it has ended.
        requests: how many.
        seed: what they are drawn from.
    """
    found, counts = Found(), collections.Counter[tuple[str, str]]()
    tenth = max(1, requests // 10)
    started = time.perf_counter()
    with contextlib.ExitStack() as ending:
        threads = ending.enter_context(concurrent.futures.ThreadPoolExecutor(THREADS))
        channels = [ending.enter_context(grpc.insecure_channel(address, _ANY_SIZE)) for _ in range(THREADS)]
        for first in range(0, requests, tenth):
            numbers = range(first, min(first + tenth, requests))
            answers = threads.map(
                lambda number: _ask(channels[number % THREADS], f"{seed}-{number}"), numbers
            )
            for number, (method, code, details) in zip(numbers, answers, strict=True):
                counts[method, code] += 1
                if code not in PROPER and (code, details) != ("INTERNAL", UNREADABLE):
                    found.wrong.append((number, method, code, details))
            size = memory()
            if size is None:
                found.ended = True
                break
            found.memory = (found.memory[0] or size, size)
            print(f"{numbers.stop:,} of {requests:,}, {size >> 20:,} MB", file=sys.stderr, flush=True)
    found.seconds = time.perf_counter() - started
    for (method, code), count in sorted(counts.items()):
        found.counts.setdefault(method, {})[code] = count
    return found


def _ask(channel: grpc.Channel, seed: str) -> tuple[str, str, str]:
    """The method's name, the status code and the message for one request."""
    method, payload = fuzzed(seed)
    name = method.rpartition("/")[2]
    try:
        channel.unary_unary(method)(payload, timeout=DEADLINE)
    except grpc.RpcError as error:
        return name, error.code().name, error.details() or ""
    return name, "OK", ""


def complain(found: Found) -> list[str]:
    """What is wrong, a line each."""
    said = [
        f"request {number}: {method} was answered {code}: {details[:300]}"
        for number, method, code, details in found.wrong[:20]
    ]
    if found.ended:
        said.append("the server ended")
    if found.growth > MOST_GROWTH:
        said.append(f"the server's memory grew by {found.growth:.0%} after the first tenth of the requests")
    return said


def markdown(found: Found) -> str:
    """The table of docs/results.md."""
    codes = sorted({code for counts in found.counts.values() for code in counts})
    total = sum(sum(counts.values()) for counts in found.counts.values())
    before, after = (size / 2**20 for size in found.memory)
    rows = (
        (method, *(f"{counts.get(code, 0):,}" for code in codes)) for method, counts in found.counts.items()
    )
    return (
        f"{total:,} requests in {found.seconds:,.0f} s; {len(found.wrong)} were answered otherwise than they may be; the\n"
        f"server's memory was {before:,.0f} MB after the first tenth and {after:,.0f} MB at the end.\n\n"
        + table(("", *(f"`{code}`" for code in codes)), rows)
    )


if __name__ == "__main__":
    main()
