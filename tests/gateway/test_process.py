"""`aisle gateway` as a process: started, killed, started again, and told what it can't use."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import click
import pyarrow.parquet as pq
import pytest

from aisle.cli.live.gateway import gateway, listen
from aisle.gateway.files.records import ROW
from aisle.gateway.spool import read_spool
from aisle.schema.errors import InputError

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

NO_SERVER = "127.0.0.1:1"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "AISLE_GATEWAY_KEY"}


@pytest.fixture
def start(tmp_path: pathlib.Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Starts gateways, each with its address; what still runs after the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(*words: str) -> tuple[subprocess.Popen[str], str]:
        own = ["--target", NO_SERVER, "--port", "0", "--log", str(tmp_path / "live")]
        command = [sys.executable, "-m", "aisle.cli.main", "gateway", *own, *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), line
        return process, line.split()[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def _ask(url: str, sent: Any = None, headers: dict[str, str] | None = None) -> Any:
    body = None if sent is None else json.dumps(sent).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **(headers or {})})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def _record_until_it_ends(address: str, name: str) -> list[str]:
    """Records one event after the other; returns the ids of those that were said to be safe."""
    safe: list[str] = []
    while True:
        event = {"event": "click", "item_id": "mug", "session_id": name, "event_id": f"{name}-{len(safe)}"}
        try:
            safe += _ask(f"{address}/v1/events", event)["event_ids"]
        except (OSError, http.client.HTTPException):  # Also in the middle of an answer.
            return safe


def _written(folder: pathlib.Path) -> list[str]:
    return [
        row["event_id"]
        for path in sorted((folder / "events").glob("*.parquet"))
        for row in pq.read_table(path, columns=["event_id", "source"]).to_pylist()
        if row["source"] is None
    ]


def test_kill_9_in_the_middle_loses_no_event_that_was_said_to_be_safe(
    tmp_path: pathlib.Path, start: Callable
) -> None:
    first, address = start()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        recording = [pool.submit(_record_until_it_ends, address, f"s{number}") for number in range(4)]
        while sum(len(path.read_bytes()) for path in (tmp_path / "live" / ".spool").glob("*.jsonl")) < 20_000:
            assert not any(one.done() for one in recording)
        first.send_signal(signal.SIGKILL)
        safe = [event_id for one in recording for event_id in one.result()]
    assert len(safe) > 50 and _written(tmp_path / "live") == []

    second, _ = start()
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0
    written = _written(tmp_path / "live")
    # What was on the disk but not yet answered is there as well: one of each at most.
    assert set(safe) <= set(written) and len(set(written) - set(safe)) <= 4
    assert len(written) == len(set(written))


@contextlib.contextmanager
def _filled(folder: pathlib.Path, process: Any) -> Iterator[None]:
    """Has no room be left on the folder's disk, a tmpfs."""
    rest = folder / "filler"
    with rest.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4_096))
    yield
    rest.unlink()


@contextlib.contextmanager
def _limited(folder: pathlib.Path, process: Any) -> Iterator[None]:
    """Has the system refuse to let a process's files grow, in the middle of a write, as a full disk does."""
    largest = max(path.stat().st_size for path in (folder / "live" / ".spool").iterdir())
    soft, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (largest + 100, hard))
    yield
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(params=["tmpfs", "limit"])
def disk(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Callable[..., Any]]:
    """What fills the disk of `tmp_path`."""
    if request.param == "limit":
        yield _limited
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may mount no tmpfs")
    yield _filled
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_a_full_disk_is_told_by_503_and_records_nothing_of_a_batch_until_there_is_room_again(
    tmp_path: pathlib.Path, disk: Callable[..., Any], start: Callable
) -> None:
    process, address = start()
    safe: list[str] = []

    def record(nth: int) -> None:
        batch = [
            {"event": "click", "item_id": "mug", "event_id": f"{nth}-{place}", "text": "a" * 500}
            for place in range(20)
        ]
        safe.extend(_ask(f"{address}/v1/events", batch)["event_ids"])

    record(0)
    refused = 0
    with disk(tmp_path, process):
        for nth in range(1, 6):
            try:
                record(nth)
            except urllib.error.HTTPError as error:
                assert error.code == 503 and "the disk takes no more" in json.load(error)["error"]
                refused += 1
        assert _ask(f"{address}/healthz")["done"] is True
    record(6)
    assert refused >= 3 and set(safe) >= {f"{nth}-{place}" for nth in (0, 6) for place in range(20)}
    spooled = [path for path in (tmp_path / "live" / ".spool").glob("*.jsonl")]
    assert {record[ROW]["event_id"] for path in spooled for record in read_spool(path)} == set(safe)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    written = [
        i
        for path in (tmp_path / "live" / "events").iterdir()
        for i in pq.read_table(path)["event_id"].to_pylist()
    ]
    assert sorted(written) == sorted(safe)


def test_what_the_store_had_not_got_is_delivered_after_a_crash(start: Callable, redis_server: Any) -> None:
    store = ("--store", redis_server.address)
    redis_server.kill()
    first, address = start(*store)
    assert (
        _ask(f"{address}/v1/events", {"event": "click", "item_id": "mug", "session_id": "s"})["stale"] is True
    )
    first.kill()
    redis_server.start()
    _, address = start(*store)
    assert _ask(f"{address}/healthz")["done"] is True
    found = subprocess.run(
        [sys.executable, "-c", f"import redis; print(redis.Redis.from_url({redis_server.address!r}).keys())"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "aisle:s:s:said" in found.stdout


def test_grpc_is_answered_beside_http(start: Callable) -> None:
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    process, address = start("--grpc-port", "0")
    line = process.stdout.readline()
    assert line.startswith("gRPC on 127.0.0.1:")
    with grpc.insecure_channel(line.split()[-1]) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=30)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING and _ask(f"{address}/healthz")["done"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_an_answer_is_sent_whole_at_once() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_key_comes_from_a_file(start: Callable, tmp_path: pathlib.Path) -> None:
    (tmp_path / "key").write_text("0123456789abcdef\n", encoding="utf-8")
    _, address = start("--key-file", str(tmp_path / "key"))
    event = {"event": "click", "item_id": "mug"}
    with pytest.raises(urllib.error.HTTPError, match="401"):
        _ask(f"{address}/v1/events", event)
    assert _ask(f"{address}/v1/events", event, {"Authorization": "Bearer 0123456789abcdef"})["stale"] is False


def test_pages_are_served_where_they_are_asked_for_and_nobody_is_a_user_there(start: Callable) -> None:
    _, address = start("--storefront")
    with pytest.raises(urllib.error.HTTPError) as away:
        urllib.request.urlopen(address, timeout=30)
    page = away.value.read().decode()
    assert away.value.code == 503 and "server is away" in page and 'action="/as"' not in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "there is no key; give one by --key-file or AISLE_GATEWAY_KEY"),
        (["--store", "disk"], "--store is 'disk'; expected memory, or redis://"),
        (["--key-file", "/nowhere"], "--key-file /nowhere can't be read"),
        (["--key-file", "{short}"], "the key has 5 characters; expected 16 or more"),
        (["--host", "192.0.2.1", "--key-file", "{long}"], "name an address of this machine by --host"),
        (["--log", "{long}"], "can't be written to"),
        (["--grpc-port", "{taken}"], "Address already in use; choose a free --grpc-port"),
        (["--port", "{taken}"], "Address already in use; choose a free --port"),
        (["--target", "nowhere"], "HOST:PORT"),
        (["--target", "http://localhost:8500"], "target is 'http://localhost:8500'; expected HOST:PORT"),
        (["--allow-origin", "shop.example"], "--allow-origin is 'shop.example'; expected a site as browsers"),
        (["--allow-origin", "https://shop.example/"], "--allow-origin is 'https://shop.example/'"),
        (["--out", "out"], "--out out is for the pages; have them served by --storefront"),
        (["--out", "/nowhere", "--storefront"], "--out /nowhere is no folder"),
        (["--experiments", "/nowhere"], "/nowhere can't be read"),
        (["--experiments", "{long}"], "{long} can't be read"),
        (["--campaigns", "/nowhere"], "--campaigns /nowhere can't be read"),
        (["--campaigns", "{long}"], "--campaigns {long} can't be read"),
        (["--calibration", "{long}"], "--calibration {long} is for sponsored places; name what to sell by"),
        (["--campaigns", "{long}", "--ad-places", "2,x"], "--ad-places is '2,x'; expected places from 1 on"),
        (["--campaigns", "{long}", "--ad-places", "6,2"], "expected places that rise, such as 2,6"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.delenv("AISLE_GATEWAY_KEY", raising=False)
    (tmp_path / "short").write_text("12345", encoding="utf-8")
    (tmp_path / "long").write_text("0123456789abcdef", encoding="utf-8")
    taken = socket.create_server(("127.0.0.1", 0))
    named = {"short": tmp_path / "short", "long": tmp_path / "long", "taken": taken.getsockname()[1]}
    filled = [word.format(**named) for word in words]
    with taken, pytest.raises(InputError) as refused:
        gateway.main(["--port", "0", "--log", str(tmp_path / "live"), *filled], standalone_mode=False)
    assert said.format(**named) in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "words", [("--rate", "nan"), ("--timeout", "inf"), ("--remember-days", "nan"), ("--rate", "-1")]
)
def test_a_number_that_is_none_is_wrong_usage(tmp_path: pathlib.Path, words: tuple[str, str]) -> None:
    with pytest.raises(click.BadParameter, match="not a finite number|not in the range"):
        gateway.main(["--port", "0", "--log", str(tmp_path / "live"), *words], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []
