"""Where the time of an answer goes: the seconds of each stage, for whoever watches the request."""

from __future__ import annotations

import contextlib
import contextvars
import time
from collections.abc import Iterator
from typing import TypeVar

from aisle.serving import AsyncClient, Question

T = TypeVar("T")

_spent: contextvars.ContextVar[dict[str, float] | None] = contextvars.ContextVar("spent", default=None)


@contextlib.contextmanager
def watched() -> Iterator[dict[str, float]]:
    """Yields the seconds by stage of what runs inside, as they grow; stages that overlap each count in full."""
    spent: dict[str, float] = {}
    token = _spent.set(spent)
    try:
        yield spent
    finally:
        _spent.reset(token)


@contextlib.contextmanager
def stage(name: str) -> Iterator[None]:
    """Counts what runs inside for a stage; where nobody watches, it counts for nothing."""
    spent = _spent.get()
    if spent is None:
        yield
        return
    started = time.perf_counter()
    try:
        yield
    finally:
        spent[name] = spent.get(name, 0.0) + time.perf_counter() - started


class StagedClient(AsyncClient):
    """A client whose every question is a stage, by its signature's name."""

    async def ask(self, question: Question[T]) -> T:
        """See `Recommender.ask`."""
        with stage(question.signature.name):
            return await super().ask(question)
