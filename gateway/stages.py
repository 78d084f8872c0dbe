"""Where the time of an answer goes: the seconds of each stage, for whoever watches the request."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import time
from collections.abc import Iterator
from typing import TypeVar

from aisle.serving import AsyncClient, Question

T = TypeVar("T")


@dataclasses.dataclass
class _Spent:
    """The seconds of each stage, and of those under way how many are, and since when."""

    seconds: dict[str, float]
    under_way: dict[str, tuple[int, float]]


_spent: contextvars.ContextVar[_Spent | None] = contextvars.ContextVar("spent", default=None)


@contextlib.contextmanager
def watched() -> Iterator[dict[str, float]]:
    """Yields the seconds by stage of what runs inside, as they grow; while a stage runs twice at once, time counts once."""
    spent = _Spent({}, {})
    token = _spent.set(spent)
    try:
        yield spent.seconds
    finally:
        _spent.reset(token)


@contextlib.contextmanager
def stage(name: str) -> Iterator[None]:
    """Counts what runs inside for a stage; where nobody watches, it counts for nothing."""
    spent = _spent.get()
    if spent is None:
        yield
        return
    running, since = spent.under_way.get(name, (0, time.perf_counter()))
    spent.under_way[name] = (running + 1, since)
    try:
        yield
    finally:
        running, since = spent.under_way.pop(name)
        if running > 1:
            spent.under_way[name] = (running - 1, since)
        else:
            spent.seconds[name] = spent.seconds.get(name, 0.0) + time.perf_counter() - since


class StagedClient(AsyncClient):
    """A client whose every question is a stage, by its signature's name."""

    async def ask(self, question: Question[T]) -> T:
        """See `Recommender.ask`."""
        with stage(question.signature.name):
            return await super().ask(question)
