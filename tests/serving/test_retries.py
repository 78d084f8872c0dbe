"""How the client fails, and what it does before it does: the same question again, inside the deadline."""

from __future__ import annotations

import concurrent.futures
import itertools
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.schema.errors import InputError
from aisle.serving import (
    CallError,
    Client,
    DeadlineExceeded,
    ModelNotFound,
    Overloaded,
    RequestRefused,
    Retry,
    ScoredItem,
    ServingError,
    Unreachable,
)
from aisle.serving.testing import FakeClock, FakeTransport

TWO = [ScoredItem("a", 2.0), ScoredItem("b", 1.0)]


class SlowServer(FakeTransport):
    """Each of its calls takes time, and ends with the call's timeout at the latest."""

    def __init__(
        self, clock: FakeClock, failures: Iterable[str | CallError | None] = (), seconds: Iterable[float] = ()
    ) -> None:
        super().__init__({"search": [("a", 2.0), ("b", 1.0)]}, failures=failures)
        self.called_at: list[float] = []
        self.clock = clock
        self._seconds: Iterator[float] = itertools.chain(seconds, itertools.repeat(0.0))

    def call(self, method: str, request: bytes, timeout: float) -> bytes:
        self.called_at.append(self.clock.now)
        seconds = next(self._seconds)
        self.clock.sleep(min(seconds, timeout))
        if seconds >= timeout:
            raise CallError("DEADLINE_EXCEEDED", "")
        return super().call(method, request, timeout)


def client(
    *failures: str | CallError | None, timeout: float = 10.0, retry: Retry | None = None
) -> tuple[Client, SlowServer]:
    """A client and its server, which fails so before it answers."""
    clock = FakeClock()
    server = SlowServer(clock, failures)
    options = {} if retry is None else {"retry": retry}
    return Client(
        "shop:8500", timeout=timeout, transport=server, clock=clock, sleep=clock.sleep, **options
    ), server


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("UNAVAILABLE", Unreachable),
        ("CANCELLED", Unreachable),
        ("DEADLINE_EXCEEDED", DeadlineExceeded),
        ("RESOURCE_EXHAUSTED", Overloaded),
        ("NOT_FOUND", ModelNotFound),
        ("INVALID_ARGUMENT", RequestRefused),
        ("FAILED_PRECONDITION", RequestRefused),
        ("INTERNAL", ServingError),
    ],
)
def test_every_status_has_its_error_in_one_line(code: str, error: type[ServingError]) -> None:
    asked, _ = client(CallError(code, "first\nsecond"), retry=Retry(attempts=1))
    with pytest.raises(ServingError) as raised:
        asked.search("x")
    assert type(raised.value) is error
    assert "shop:8500" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert (raised.value.code, raised.value.details) == (code, "first second")


def test_an_unreachable_servers_error_says_how_to_start_one() -> None:
    asked, server = client(*["UNAVAILABLE"] * 4, retry=Retry(attempts=4))
    with pytest.raises(Unreachable, match="aisle serve"):
        asked.search("x")
    assert len(server.requests) == 4


def test_a_server_that_comes_back_within_the_timeout_is_no_error() -> None:
    clock = FakeClock()
    # A server that is stopping cancels what reached it; the next one is there after eight seconds.
    down = itertools.takewhile(lambda _: clock.now < 8, itertools.repeat("UNAVAILABLE"))
    server = SlowServer(clock, itertools.chain(["CANCELLED"], down))
    asked = Client("shop:8500", timeout=10, transport=server, clock=clock, sleep=clock.sleep)
    assert asked.search("x", k=2) == TWO
    assert 8 <= clock.now <= 8 + Retry().longest_pause


def test_a_restart_under_load_fails_no_request(fake_server: Callable[..., tuple[Any, str]]) -> None:
    server, target = fake_server(FakeTransport({"search": [("a", 2.0), ("b", 1.0)]}))
    answers: list[list[ScoredItem]] = []
    restarted = threading.Event()

    def ask(asked: Client) -> None:
        while not restarted.is_set():
            answers.append(asked.search("x", k=2))
        answers.append(asked.search("x", k=2))

    with Client(target, timeout=300) as asked, concurrent.futures.ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, asked) for _ in range(4)]
        try:
            while len(answers) < 20:
                assert not any(one.done() for one in asking)
                time.sleep(0.01)
            server.stop(0).wait()
            time.sleep(0.3)
            fake_server(FakeTransport({"search": [("c", 1.0)]}), port=int(target.rpartition(":")[2]))
        finally:
            restarted.set()
        for one in asking:
            one.result()
    assert {tuple(answer) for answer in answers} == {tuple(TWO), (ScoredItem("c", 1.0),)}


def test_a_client_that_reached_nobody_is_closed_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    # Threads of earlier tests may end meanwhile, so these are named, not counted.
    before = set(threading.enumerate())
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{bound.getsockname()[1]}"
        for _ in range(10):
            with (
                Client(target, timeout=5, retry=Retry(attempts=1)) as asked,
                pytest.raises(Unreachable),
            ):
                asked.search("x", k=2)
    assert not raised
    assert set(threading.enumerate()) <= before


UNCLOSED = """
import asyncio, sys
from aisle.serving import AsyncClient, Client, Retry, Unreachable

async def ask():
    try:
        await AsyncClient(sys.argv[1], retry=Retry(attempts=2)).search("x")
    except Unreachable:
        print("nobody")

asked = Client(sys.argv[1], retry=Retry(attempts=2))
try:
    asked.search("x")
except Unreachable:
    print("nobody")
asyncio.run(ask())
"""


def test_a_client_that_nobody_closes_keeps_no_process_alive() -> None:
    command = [sys.executable, "-c", UNCLOSED, "127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "nobody\nnobody\n", "")


def test_a_server_that_is_back_is_found_before_grpc_looks_by_itself() -> None:
    # A server in this process would have its threads poll the client's connection too.
    first, second = (
        subprocess.Popen([sys.executable, "-c", WHEN_TOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    )
    port = _tell(first, 0)
    with (
        Client(f"127.0.0.1:{port}", timeout=300, retry=Retry(longest_pause=0.1)) as asked,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        assert asked.search("x", k=0) == []
        first.kill()
        first.communicate()
        waiting = pool.submit(asked.search, "x", k=0)
        time.sleep(0.5)
        _tell(second, port)
        back = time.monotonic()
        assert waiting.result() == []
        # It looks every 5 s, the first time as the server went.
        assert time.monotonic() - back < 3
    second.kill()
    second.communicate()


WHEN_TOLD = """
import sys, threading, grpc
from aisle.serving.testing import FakeTransport, serve
print("imported", flush=True)
server, port = serve(FakeTransport({"search": []}), int(sys.stdin.readline()))
print(port, flush=True)
threading.Event().wait()
"""


def _tell(process: subprocess.Popen[bytes], port: int) -> int:
    """Has it listen on a port (0: a free one), which is returned."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"imported\n"
    process.stdin.write(b"%d\n" % port)
    process.stdin.flush()
    return int(process.stdout.readline())


def test_each_attempt_is_given_the_time_that_is_left() -> None:
    asked, server = client("UNAVAILABLE", "UNAVAILABLE", timeout=3)
    asked.search("x", k=2)
    assert [request.timeout for request in server.requests] == [3 - at for at in server.called_at]


@pytest.mark.parametrize("code", ["INTERNAL", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INVALID_ARGUMENT"])
def test_only_what_did_not_arrive_is_sent_again(code: str) -> None:
    asked, server = client(code)
    with pytest.raises(ServingError):
        asked.search("x", k=2)
    assert len(server.requests) == 1


def test_a_pause_that_does_not_fit_the_timeout_is_not_waited_for() -> None:
    asked, server = client("UNAVAILABLE", timeout=1.0, retry=Retry(pause=30, longest_pause=30))
    with pytest.raises(Unreachable):
        asked.search("x")
    assert server.called_at == [0.0]
    assert server.clock.now == 0


def test_pauses_grow_with_jitter_up_to_the_longest() -> None:
    retry = Retry(attempts=7, pause=0.1, longest_pause=1.0)
    limits = [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    pauses = list(retry.pauses())
    assert all(limit / 2 <= pause <= limit for pause, limit in zip(pauses, limits, strict=True))
    assert pauses != list(retry.pauses())


@given(
    timeout=st.floats(0.01, 100),
    pause=st.floats(0.01, 2),
    longest_pause=st.floats(0.05, 2),
    attempts=st.none() | st.integers(1, 20),
    seconds=st.lists(st.floats(0, 1), max_size=10),
    oversleeps=st.floats(0, 1),
)
@settings(max_examples=50)
def test_no_call_begins_after_the_deadline_and_no_pause_leaves_its_bounds(
    timeout: float,
    pause: float,
    longest_pause: float,
    attempts: int | None,
    seconds: list[float],
    oversleeps: float,
) -> None:
    # All are told as shares of the timeout.
    pause, longest_pause, oversleeps = pause * timeout, longest_pause * timeout, oversleeps * timeout
    clock = FakeClock()
    server = SlowServer(clock, itertools.repeat("UNAVAILABLE"), [share * timeout for share in seconds])
    pauses: list[float] = []

    def sleep(wanted: float) -> None:
        pauses.append(wanted)
        clock.sleep(wanted + oversleeps)

    retry = Retry(attempts, pause, longest_pause)
    asked = Client("shop:8500", timeout=timeout, retry=retry, transport=server, clock=clock, sleep=sleep)
    with pytest.raises((Unreachable, DeadlineExceeded)):
        asked.search("x")
    assert all(at < timeout for at in server.called_at)
    assert all(0 < request.timeout <= timeout for request in server.requests)
    assert len(server.called_at) <= (attempts or len(server.called_at))
    for number, waited in enumerate(pauses):
        limit = min(pause * 2**number, longest_pause)
        assert limit / 2 <= waited <= limit
    # Nor is it waited for what can't be asked any more.
    assert clock.now <= timeout + oversleeps


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_timeout_that_is_no_time_is_refused(timeout: float) -> None:
    with pytest.raises(InputError, match="expected seconds above 0"):
        Client("shop:8500", timeout=timeout)
