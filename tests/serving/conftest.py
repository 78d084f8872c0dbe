"""A pushed model of four items, and one embedded server for the tests that only ask."""

from __future__ import annotations

import pathlib
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aisle.serving.testing import FakeTransport, serve

_TINY_MODEL = pathlib.Path(__file__).with_name("tiny_model.py")


@pytest.fixture(scope="session")
def save_tiny_model() -> Callable[..., None]:
    save: Callable[..., None] = runpy.run_path(str(_TINY_MODEL))["save_tiny_model"]
    return save


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory, save_tiny_model: Callable[..., None]) -> pathlib.Path:
    """The output folder of a run that pushed version 7."""
    folder = tmp_path_factory.mktemp("pushed") / "out"
    save_tiny_model(folder / "serving" / "aisle" / "7")
    return folder


def start_server(base: pathlib.Path, port: int = 0) -> tuple[subprocess.Popen[str], str]:
    """A server's process and its HOST:PORT, once it answers."""
    command = [sys.executable, "-m", "aisle.serving.server", "--base", str(base), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listening on "), line
    return process, line.split()[-1]


def end_server(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate()


@pytest.fixture(scope="session")
def embedded_server() -> Callable[..., tuple[subprocess.Popen[str], str]]:
    """Starts a server that the caller ends; see `start_server`."""
    return start_server


@pytest.fixture(scope="session")
def target(out: pathlib.Path) -> Iterator[str]:
    """HOST:PORT of a server of that version."""
    process, address = start_server(out / "serving" / "aisle")
    try:
        yield address
    finally:
        end_server(process)


@pytest.fixture
def server_control() -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Starts servers of one's own; whatever still runs after the test is ended."""
    started: list[subprocess.Popen[str]] = []

    def start(base: pathlib.Path, port: int = 0) -> tuple[subprocess.Popen[str], str]:
        process, address = start_server(base, port)
        started.append(process)
        return process, address

    yield start
    for process in started:
        if process.poll() is None:
            end_server(process)


@pytest.fixture
def fake_server() -> Iterator[Callable[..., tuple[Any, str]]]:
    """Starts gRPC servers that answer by a fake, without TensorFlow; returns each with its HOST:PORT.

    Whatever still runs after the test is stopped.
    """
    started: list[Any] = []

    def start(fake: FakeTransport, port: int = 0, credentials: Any = None) -> tuple[Any, str]:
        server, bound = serve(fake, port, credentials)
        started.append(server)
        return server, f"127.0.0.1:{bound}"

    yield start
    for server in started:
        server.stop(None).wait()
