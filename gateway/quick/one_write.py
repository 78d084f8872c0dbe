"""An answer's head and body go out in one write: each write wakes who asked, and that costs as much as the answer's own work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OneWrite(HttpToolsProtocol):
    """uvicorn's protocol, whose transport gathers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(cast(asyncio.Transport, Gathering(transport, self.loop.call_soon)))


class Gathering:
    """A transport that writes what it gets within one turn of the event loop at the turn's end, or before it closes."""

    def __init__(self, transport: asyncio.Transport, soon: Callable[[Callable[[], None]], object]) -> None:
        """Nothing is held yet.

        Args:
            transport: that writes.
            soon: has something be called once this turn is over, as `call_soon` of a loop.
        """
        self._transport, self._soon = transport, soon
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        """See `asyncio.WriteTransport`."""
        if not self._held:
            self._soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        """See `asyncio.BaseTransport`."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """All else is the transport's."""
        return getattr(self._transport, name)

    def _flush(self) -> None:
        held, self._held = self._held, []
        if held:
            self._transport.write(b"".join(held))
