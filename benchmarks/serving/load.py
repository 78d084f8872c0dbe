"""A load on a served model, from a process of its own: when each request was due, how long it took, how it ended.

    python -m benchmarks.serving.load --target HOST:PORT --requests FILE.json --clients 4 --seconds 10 [--rate 20]

Without a rate each client asks again once it is answered (a closed loop, for throughput). With one, requests are due
at even intervals whoever is still waiting, and are timed from when they were due (an open loop: a server that stands
still is seen by all the requests of that time). Bytes are sent and bytes are received: nothing is parsed here.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import grpc
import numpy as np
import numpy.typing as npt

PREDICT = "/tensorflow.serving.PredictionService/Predict"
DEADLINE = 60.0


@dataclasses.dataclass(frozen=True)
class Load:
    """What a load saw.

    Attributes:
        due: when each request was due, seconds of the machine's monotonic clock, float64 [n], rising.
        seconds: until it was answered, float64 [n].
        codes: its status code's name, [n].
        lasted: from the first request due to the last answer, seconds.
    """

    due: npt.NDArray[np.float64]
    seconds: npt.NDArray[np.float64]
    codes: npt.NDArray[np.str_]
    lasted: float

    @property
    def failed(self) -> int:
        """How many requests weren't answered with OK."""
        return int((self.codes != "OK").sum())

    @property
    def rate(self) -> float:
        """Answers a second."""
        return (len(self.codes) - self.failed) / self.lasted

    def percentile(self, share: float) -> float:
        """Milliseconds that `share` % of the requests stayed within."""
        return float(np.percentile(self.seconds, share) * 1e3)

    def between(self, start: float, end: float) -> Load:
        """The requests that were due, or waited, at some time from `start` to `end`."""
        rows = (self.due < end) & (self.due + self.seconds > start)
        return Load(self.due[rows], self.seconds[rows], self.codes[rows], end - start)


class Running:
    """A load under way in its own process."""

    def __init__(self, target: str, requests: list[bytes], folder: pathlib.Path, **options: float) -> None:
        """Starts it; `options` are `clients`, `seconds`, `rate`."""
        self._output, file = folder / "load.npz", folder / "requests.json"
        file.write_text(json.dumps([base64.b64encode(request).decode() for request in requests]))
        command = [
            sys.executable,
            "-m",
            "benchmarks.serving.load",
            "--target",
            target,
            "--requests",
            str(file),
        ]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        self._process = subprocess.Popen(
            [*command, "--output", str(self._output)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()  # It has imported what it needs, and begins.

    def stop(self) -> None:
        """Ends it before its time."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def result(self) -> Load:
        """Waits until it is over.

        Raises:
            RuntimeError: the process failed.
        """
        if self._process.wait():
            raise RuntimeError(f"the load ended with {self._process.returncode}")
        with np.load(self._output) as found:
            return Load(found["due"], found["seconds"], found["codes"], float(found["lasted"]))


def main() -> None:
    """Parses the arguments, loads, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--target", required=True)
    parser.add_argument(
        "--requests", type=pathlib.Path, required=True, help="serialised, base64, a JSON list"
    )
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument(
        "--rate", type=float, default=0.0, help="requests a second in all; 0: as fast as answered"
    )
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    requests = [base64.b64decode(text) for text in json.loads(arguments.requests.read_text(encoding="utf-8"))]
    stop = threading.Event()
    print("loading", flush=True)
    threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    found = _load(arguments.target, requests, arguments.clients, arguments.seconds, arguments.rate, stop)
    np.savez(arguments.output, due=found.due, seconds=found.seconds, codes=found.codes, lasted=found.lasted)


def _stop_at_end_of_input(stop: threading.Event) -> None:
    # Past Python's buffer, whose lock this thread would hold as the process ends.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()


def _load(
    target: str, requests: list[bytes], clients: int, seconds: float, rate: float, stop: threading.Event
) -> Load:
    rows: list[tuple[float, float, str]] = []
    started = time.monotonic()
    due = _due(started, started + seconds, rate)
    turn = threading.Lock()

    def ask(client: int) -> None:
        # Connections of one process are shared unless they are told not to be.
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(target, options) as channel:
            call = channel.unary_unary(PREDICT)
            number = client
            while not stop.is_set():
                with turn:
                    at = next(due, None)
                if at is None:
                    return
                time.sleep(max(0.0, at - time.monotonic()))
                code = _code(call, requests[number % len(requests)])
                rows.append((at, time.monotonic() - at, code))
                number += clients

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lasted = time.monotonic() - started
    rows.sort()
    at, took, codes = zip(*rows, strict=True) if rows else ((), (), ())
    return Load(np.array(at, np.float64), np.array(took, np.float64), np.array(codes, np.str_), lasted)


def _due(start: float, end: float, rate: float) -> Iterator[float]:
    """When requests are due: at even intervals, or whenever one is asked for."""
    number = 0
    while (at := start + number / rate if rate else time.monotonic()) < end:
        yield at
        number += 1


def _code(call: grpc.UnaryUnaryMultiCallable, request: bytes) -> str:
    try:
        call(request, timeout=DEADLINE)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


if __name__ == "__main__":
    main()
