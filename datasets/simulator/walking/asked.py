"""A shop that is asked over HTTP, no more often than it was agreed."""

from __future__ import annotations

import asyncio
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

import httpx

from aisle.schema.errors import AisleError, InputError

TIMEOUT = 30.0
"""Seconds of a request: who measures how a shop sells is patient."""
AT_ONCE = 8
"""Visits under way at once."""
_WRONG = (400, 401, 403, 404, 405, 413, 422)
"""The shop doesn't take what it is asked: it won't the next time either."""


class NotAnswered(AisleError):
    """A shop is away, or has too much to do."""


class Pace:
    """Lets requests go at even intervals, whoever makes them.

    Args:
        rate: a second.
    """

    def __init__(self, rate: float) -> None:
        self._apart, self._next = 1 / rate, 0.0

    async def turn(self) -> None:
        """Returns when it is the caller's turn."""
        now = time.monotonic()
        mine = max(now, self._next)
        self._next = mine + self._apart
        await asyncio.sleep(mine - now)


class Shop:
    """A shop at an address.

    Args:
        address: such as http://127.0.0.1:8080.
        rate: requests a second, at most.
        transport: of its requests; to the address, where none is given.

    Raises:
        InputError: the address is none.
    """

    def __init__(self, address: str, rate: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(
                f"{address!r} is no address of a shop; expected one such as http://127.0.0.1:8080"
            )
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._pace = Pace(rate)
        limits = httpx.Limits(max_connections=AT_ONCE)
        self._transport = transport or httpx.AsyncHTTPTransport(limits=limits)

    def visitor(self) -> httpx.AsyncClient:
        """A browser of its own, with no cookies yet; `close` closes it."""
        return httpx.AsyncClient(
            base_url=self.origin, transport=self._transport, timeout=TIMEOUT, trust_env=False
        )

    async def ask(
        self,
        visitor: httpx.AsyncClient,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        **sent: Any,
    ) -> httpx.Response:
        """The answer to a request, when its turn has come.

        Raises:
            InputError: the shop refuses it.
            NotAnswered: the shop doesn't answer, or not now.
        """
        await self._pace.turn()
        try:
            answer = await visitor.request(method, path, headers=headers, **sent)
        except httpx.HTTPError as error:
            raise NotAnswered(f"{self.origin} doesn't answer: {error or type(error).__name__}") from error
        if answer.is_success or answer.is_redirect:
            return answer
        said = f"{method} {path.partition('?')[0]} is answered {answer.status_code}: {_said(answer)}"
        raise (InputError if answer.status_code in _WRONG else NotAnswered)(said)

    async def close(self) -> None:
        """Ends the connections."""
        await self._transport.aclose()


def _said(answer: httpx.Response) -> str:
    """What a shop says of an error, in one line."""
    try:
        said = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        said = answer.reason_phrase
    return " ".join(str(said).split())[:300]
