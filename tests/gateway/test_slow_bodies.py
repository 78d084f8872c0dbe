"""A body that doesn't come is not waited for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from aisle.gateway import security
from aisle.gateway.security import Guard, Rates

SCOPE = {"type": "http", "method": "POST", "path": "/", "headers": [], "client": ("192.0.2.1", 1)}


def _guarded(parts: list[tuple[float, bytes]]) -> tuple[list[dict[str, Any]], list[bytes]]:
    """What is answered to a body whose parts come after so many seconds each, and the bodies that were let through."""
    answered: list[dict[str, Any]] = []
    through: list[bytes] = []
    coming = iter(parts)

    async def receive() -> dict[str, Any]:
        seconds, part = next(coming)
        await asyncio.sleep(seconds)
        return {"type": "http.request", "body": part, "more_body": part != b""}

    async def send(message: Any) -> None:
        answered.append(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        through.append((await receive())["body"])
        await asyncio.sleep(0.2)  # Longer than a body may take: an answer may.
        await send({"type": "http.response.start", "status": 200})

    asyncio.run(Guard(app, Rates(0.0), lambda *_: None)(SCOPE, receive, send))
    return answered, through


def test_a_body_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "BODY_SECONDS", 0.1)
    for parts in ([(60.0, b"")], [(0.06, b"a"), (0.06, b"b"), (60.0, b"")]):
        answered, through = _guarded(parts)
        assert (answered[0]["status"], through) == (408, [])


def test_a_body_in_time_is_let_through_whole_and_the_answer_may_take_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(security, "BODY_SECONDS", 0.1)
    answered, through = _guarded([(0.0, b"a"), (0.01, b"b"), (0.0, b"")])
    assert (answered[0]["status"], through) == (200, [b"ab"])


def test_no_more_pictures_than_may_be_held_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "MOST_UPLOADS", 2)
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"picture", "more_body": False}

    async def send(message: Any) -> None:
        statuses.append(message["status"]) if "status" in message else None

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.05)
        await send({"type": "http.response.start", "status": 200})

    async def use() -> None:
        guard = Guard(app, Rates(0.0), lambda *_: None, uploads=["/"])
        for _ in range(2):
            await asyncio.gather(*(guard(SCOPE, receive, send) for _ in range(3)))
        await asyncio.gather(*(guard({**SCOPE, "path": "/other"}, receive, send) for _ in range(3)))

    asyncio.run(use())
    assert statuses == [503, 200, 200, 503, 200, 200, 200, 200, 200]


def test_who_is_cancelled_while_a_body_comes_is_cancelled() -> None:
    async def use() -> None:
        with security._at_most(60.0):
            await asyncio.sleep(60)

    async def cancelled() -> bool:
        task = asyncio.create_task(use())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return task.cancelled()

    assert asyncio.run(cancelled())
