"""What is written within one turn of the event loop goes out at once, whole and in order, and before the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

pytest.importorskip("uvicorn", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from aisle.gateway.quick.one_write import Gathering


class _Wire:
    """Notes what it is told to do."""

    def __init__(self) -> None:
        self.did: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.did.append(data)

    def close(self) -> None:
        self.did.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.did


def _gathering() -> tuple[_Wire, Gathering, list[Callable[[], None]]]:
    wire, turn = _Wire(), list[Callable[[], None]]()
    return wire, Gathering(cast(asyncio.Transport, wire), turn.append), turn


def test_a_turn_is_one_write() -> None:
    wire, gathering, turn = _gathering()
    gathering.write(b"head ")
    gathering.write(b"body")
    assert (wire.did, len(turn)) == ([], 1)
    turn.pop()()
    gathering.write(b"next")
    turn.pop()()
    assert wire.did == [b"head body", b"next"]


def test_what_is_held_goes_before_the_end() -> None:
    wire, gathering, turn = _gathering()
    gathering.write(b"last")
    gathering.close()
    turn.pop()()
    assert wire.did == [b"last", "closed"]
    assert gathering.is_closing()
