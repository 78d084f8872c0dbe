"""The client against a server process: how it ends when there is none, or when that one restarts."""

from __future__ import annotations

import pathlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable

import pytest

from aisle.schema.errors import InputError
from aisle.serving import Client, DeadlineExceeded, Retry, Unreachable
from aisle.serving.local import LocalModel

Start = Callable[..., tuple[subprocess.Popen[str], str]]


def test_the_version_that_answers_is_told(target: str) -> None:
    with Client(target) as client:
        assert [(status.version, status.state, status.error) for status in client.versions()] == [
            (7, "AVAILABLE", "")
        ]


def test_a_port_nobody_listens_on_is_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreachable), Client(f"127.0.0.1:{port}", timeout=2) as client:
        client.search("x")


def test_a_server_that_says_nothing_is_a_passed_deadline() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(DeadlineExceeded), Client(target, timeout=0.5) as client:
            client.search("x")


def test_no_pushed_model_is_told_without_loading_tensorflow(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="run `aisle run DATA --out DIR` first"):
        LocalModel(tmp_path / "serving" / "aisle")


def test_no_request_fails_while_versions_switch_and_the_server_restarts(
    tmp_path: pathlib.Path, save_tiny_model: Callable[..., None], server_control: Start
) -> None:
    base = tmp_path / "aisle"
    save_tiny_model(base / "1")
    save_tiny_model(tmp_path / "next", factor=2.0)
    process, target = server_control(base)
    patient = Client(target, timeout=300, retry=Retry(longest_pause=0.2))
    seen: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            seen.append(patient.search("x", k=1)[0].score)

    def wait_until(reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 600
        while not reached():
            assert asking.is_alive() and time.monotonic() < deadline, seen[-3:]
            time.sleep(0.05)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        wait_until(lambda: len(seen) > 3)
        (tmp_path / "next").rename(base / "2")
        wait_until(lambda: seen[-1] == 8.0)
        process.terminate()
        process.communicate()
        before = len(seen)
        server_control(base, int(target.rpartition(":")[2]))
        wait_until(lambda: len(seen) > before + 3)
    finally:
        stop.set()
        asking.join(timeout=600)
        patient.close()
    assert not asking.is_alive()
    assert seen == sorted(seen)
    assert set(seen) == {4.0, 8.0}
