"""Watches all that a gateway is asked: how often, how fast, and what it refused."""

from __future__ import annotations

import contextvars
import dataclasses
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aisle.gateway.stages import watched

WINDOW_SECONDS = 60.0
MAX_SEEN = 100_000
"""Answers that are remembered; a busier minute is judged by its last ones."""
MAX_REFUSED = 20
_MAX_REASON = 400


@dataclasses.dataclass(frozen=True)
class Seen:
    """An answer: when it began (seconds of the clock), its route, its status, how long it took, and by stage."""

    at: float
    route: str
    status: int
    seconds: float
    stages: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Refused:
    """What was not done: when (seconds since 1970), what was asked, the status, and the reason that was told."""

    at: float
    asked: str
    status: int
    reason: str


@dataclasses.dataclass(frozen=True)
class Line:
    """A row of the console: how many a second, how many of them failed, and seconds at the median and the 99th percentile."""

    name: str
    rate: float
    errors: float
    p50: float
    p99: float


class UnderWay:
    """The answer that is being made: its stages' seconds, as they grow, and the seconds since it began."""

    def __init__(self, stages: dict[str, float]) -> None:
        """It begins now."""
        self.stages, self._started = stages, time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self._started


_under_way: contextvars.ContextVar[UnderWay | None] = contextvars.ContextVar("under_way", default=None)


def under_way() -> UnderWay:
    """The answer that is being made; one that begins now, where none is watched."""
    return _under_way.get() or UnderWay({})


class Watch:
    """What was seen of late.

    Attributes:
        refused: the newest first.
        refusals: how many there were since the start, by their status.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing yet.

        Args:
            clock: seconds that only grow.
        """
        self._clock = clock
        self._began = clock()
        self._seen: deque[Seen] = deque(maxlen=MAX_SEEN)
        self.refused: deque[Refused] = deque(maxlen=MAX_REFUSED)
        self.refusals: Counter[int] = Counter()

    def note(self, route: str, status: int, seconds: float, stages: dict[str, float]) -> None:
        """Remembers an answer."""
        self._seen.append(Seen(self._clock(), route, status, seconds, stages))

    def refuse(self, asked: str, status: int, reason: str) -> None:
        """Remembers what was not done."""
        self.refusals[status] += 1
        self.refused.appendleft(Refused(time.time(), asked, status, reason))

    def routes(self) -> list[Line]:
        """The last minute by route, the busiest first."""
        return self._lines([(one.route or "other", one.status >= 500, one.seconds) for one in self._last()])

    def stages(self) -> list[Line]:
        """The last minute by stage, the busiest first."""
        return self._lines(
            [
                (name, one.status >= 500, seconds)
                for one in self._last()
                for name, seconds in one.stages.items()
            ]
        )

    def _last(self) -> list[Seen]:
        oldest = self._clock() - WINDOW_SECONDS
        while self._seen and self._seen[0].at < oldest:
            self._seen.popleft()
        return list(self._seen)

    def _lines(self, seen: Sequence[tuple[str, bool, float]]) -> list[Line]:
        by_name: dict[str, list[tuple[bool, float]]] = {}
        for name, failed, seconds in seen:
            by_name.setdefault(name, []).append((failed, seconds))
        # A minute that has not passed yet is not counted in full.
        window = min(WINDOW_SECONDS, max(1.0, self._clock() - self._began))
        lines = [_line(name, found, window) for name, found in by_name.items()]
        return sorted(lines, key=lambda line: (-line.rate, line.name))


def _line(name: str, found: Sequence[tuple[bool, float]], window: float) -> Line:
    seconds = sorted(took for _, took in found)
    p50, p99 = (seconds[min(len(seconds) - 1, int(share * len(seconds)))] for share in (0.5, 0.99))
    return Line(name, len(found) / window, sum(failed for failed, _ in found) / window, p50, p99)


class Watching:
    """Stands outside everything; its answers say by `Server-Timing` where their time went."""

    def __init__(self, app: ASGIApp, watch: Watch) -> None:
        """Stands before `app` and tells `watch`."""
        self._app, self._watch = app, watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, said = 500, b""
        with watched() as stages:
            answer = UnderWay(stages)
            token = _under_way.set(answer)

            async def timed(message: Message) -> None:
                nonlocal status, said
                if message["type"] == "http.response.start":
                    status = message["status"]
                    timing = (b"server-timing", server_timing(answer).encode())
                    message = {**message, "headers": [*message["headers"], timing]}
                elif status >= 400 and len(said) <= _MAX_REASON:
                    said += message.get("body", b"")
                await send(message)

            try:
                await self._app(scope, receive, timed)
            finally:
                _under_way.reset(token)
                path = getattr(scope.get("route"), "path", "")
                self._watch.note(path, status, answer.seconds, stages)
                reason = _reason(said)
                if reason:
                    self._watch.refuse(f"{scope['method']} {scope['path']}"[:_MAX_REASON], status, reason)


def server_timing(answer: UnderWay) -> str:
    """Milliseconds of all and of each stage, as the header says them."""
    taken = {"total": answer.seconds, **answer.stages}
    return ", ".join(f"{name};dur={1e3 * seconds:.1f}" for name, seconds in taken.items())


def _reason(said: bytes) -> str:
    """The reason of a refusal by the gateway's own form; "" of another."""
    try:
        told = json.loads(said)
    except ValueError:
        return ""
    return str(told.get("error", "")) if isinstance(told, dict) else ""
