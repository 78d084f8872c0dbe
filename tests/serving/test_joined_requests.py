"""A server that joins requests, asked by several clients at once."""

from __future__ import annotations

import concurrent.futures
import pathlib
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aisle.schema.contract import SERVING_DEFAULT
from aisle.serving import Client, RequestRefused, ScoredItem

CLIENTS = 8


@pytest.fixture(scope="module")
def server(out: pathlib.Path) -> Iterator[tuple[str, str]]:
    """HOST:PORT and the metrics' address of a server whose calls wait for a row of each client."""
    options = ["--batch", str(CLIENTS), "--batch-wait-ms", "60000", "--port", "0", "--metrics-port", "0"]
    command = [sys.executable, "-m", "aisle.cli.main", "serve", "--out", str(out), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    metrics = next(line for line in process.stderr if line.startswith("metrics at ")).split()[-1]
    line = process.stdout.readline()
    assert line.startswith("listening on "), line
    yield line.split()[-1], metrics
    process.terminate()
    process.communicate()


def at_once(target: str, ask: Callable[[Client, int], Any]) -> list[Any]:
    """The answers to clients that are connected and ask at the same time."""
    clients = [Client(target, timeout=300) for _ in range(CLIENTS)]
    for client in clients:
        client.versions()
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as threads:
        return list(threads.map(ask, clients, range(CLIENTS)))


def calls(metrics: str, signature: str) -> tuple[float, float]:
    """The calls that were made of a signature, and the requests they answered."""
    with urllib.request.urlopen(metrics, timeout=300) as page:
        lines = page.read().decode().splitlines()

    def value(name: str) -> float:
        start = f'aisle_batch_requests_{name}{{signature="{signature}"}} '
        return next(float(line.removeprefix(start)) for line in lines if line.startswith(start))

    return value("count"), value("sum")


def test_requests_of_several_clients_are_one_call_and_each_has_its_answer(server: tuple[str, str]) -> None:
    target, metrics = server
    answers = at_once(target, lambda client, i: client.rank("mug", f"u{i}", ["a", "b" * i]))
    assert answers == [[ScoredItem("a", 1.0), ScoredItem("b" * i, float(i))] for i in range(CLIENTS)]
    assert calls(metrics, "rank") == (1, CLIENTS)


def test_a_bad_request_among_them_fails_alone(server: tuple[str, str]) -> None:
    def ask(client: Client, i: int) -> Any:
        import numpy as np

        try:
            return client.predict(
                SERVING_DEFAULT, {"examples": np.array([b"" if i else b"\xff no example"], object)}
            )["scores"].tolist()
        except RequestRefused as error:
            return error.code

    target, metrics = server
    assert at_once(target, ask) == ["INVALID_ARGUMENT"] + [[0.0]] * (CLIENTS - 1)
    assert calls(metrics, "serving_default") == (CLIENTS, CLIENTS)
