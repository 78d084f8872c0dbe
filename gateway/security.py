"""Who may ask what, how much, and how often."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import hmac
import json
import math
import os
import pathlib
import time
import urllib.parse
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Annotated

from fastapi import HTTPException, Request, Security
from fastapi.responses import Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aisle.gateway.said import WRONG_KEY, too_often
from aisle.schema.errors import InputError

KEY_VARIABLE = "AISLE_GATEWAY_KEY"
MIN_KEY = 16
MAX_BODY_BYTES = 256 << 10
BODY_SECONDS = 10.0
MAX_UPLOAD_BYTES = 10 << 20
"""Of the body of a route that takes a picture: what phones take is less."""
UPLOAD_SECONDS = 30.0
MOST_UPLOADS = 16
"""Of which bodies are held at a time; what comes beyond is refused."""
MAX_ADDRESSES = 10_000
"""Whose rates are remembered; beyond, the one that asked the longest ago starts anew."""


def read_key(path: str | None) -> str:
    """The key of the file, else of the environment's `AISLE_GATEWAY_KEY`; "" where there is neither.

    Raises:
        InputError: the file can't be read, or the key is short enough to be guessed.
    """
    try:
        key = pathlib.Path(path).read_text(encoding="utf-8") if path else os.environ.get(KEY_VARIABLE, "")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--key-file {path} can't be read: {error}") from error
    key = key.strip()
    if len(key) < MIN_KEY and (key or path):
        raise InputError(
            f"the key has {len(key)} characters; expected {MIN_KEY} or more, as `openssl rand -hex 32` makes"
        )
    return key


def check_origins(origins: Iterable[str]) -> None:
    """Raises InputError where one isn't as browsers send it, and so would let no page ask."""
    for origin in origins:
        parts = urllib.parse.urlsplit(origin)
        sent = f"{parts.scheme}://{parts.netloc}".lower()
        if origin != "*" and (origin != sent or not parts.netloc or parts.scheme not in ("http", "https")):
            raise InputError(
                f"--allow-origin is {origin!r}; expected a site as browsers name it, such as https://shop.example"
            )


def is_key(key: str, came: str) -> bool:
    """Whether what came is the key, told in the same time whatever it is; anything is where there is none."""
    return not key or hmac.compare_digest(key.encode(), came.encode(errors="surrogateescape"))


brings_key: contextvars.ContextVar[bool] = contextvars.ContextVar("brings_key", default=False)
"""Whether the request that is answered brings the key: for what needs it only where it asks for more than others."""


def _bearer(scope: Scope) -> str:
    """The key that a request brings, "" where it brings none."""
    came = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    scheme, _, key = came.decode("latin-1").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


async def require_key(
    request: Request,
    came: Annotated[HTTPAuthorizationCredentials | None, Security(HTTPBearer(auto_error=False))],
) -> None:
    """Lets a request by that brings the key; all where there is none."""
    if not is_key(request.app.state.key, came.credentials if came else ""):
        raise HTTPException(
            401,
            WRONG_KEY,
            {"WWW-Authenticate": "Bearer"},
        )


class Rates:
    """How often each address may ask: a bucket that fills by `rate` a second and holds two seconds' worth."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        """All buckets are full.

        Args:
            rate: requests a second; 0 bounds nothing.
            clock: seconds that only grow.
        """
        self._rate, self._clock = rate, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Takes one request; returns 0, or the seconds until there is room for it."""
        if not self._rate:
            return 0.0
        now, most = self._clock(), max(1.0, 2 * self._rate)
        held, then = self._buckets.pop(address, (most, now))
        held = min(most, held + (now - then) * self._rate)
        wait = 0.0 if held >= 1 else (1 - held) / self._rate
        self._buckets[address] = (held if wait else held - 1, now)
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return wait


class Guard:
    """Refuses what is too often, too large or too slow before anything reads it, and tells of all that was asked."""

    def __init__(
        self,
        app: ASGIApp,
        rates: Rates,
        observe: Callable[[str, int, float], None],
        key: str = "",
        uploads: Collection[str] = (),
    ) -> None:
        """Stands before `app`.

        Args:
            app: that answers.
            rates: by address.
            observe: told of each answer: the route's path ("" of none), the status, seconds.
            key: that a request may bring, see `brings_key`.
            uploads: the paths that take a picture.
        """
        self._app, self._rates, self._observe, self._key = app, rates, observe, key
        self._uploads, self._uploading = frozenset(uploads), 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500
        brings_key.set(is_key(self._key, _bearer(scope)))

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        is_upload = scope["method"] == "POST" and scope["path"] in self._uploads
        self._uploading += is_upload
        try:
            refusal, body = await self._admitted(scope, receive, is_upload)
            if refusal:
                await refusal(scope, receive, watched)
            else:
                await self._app(scope, replayed(body, receive), watched)
        finally:
            self._uploading -= is_upload
            route = getattr(scope.get("route"), "path", "")
            self._observe(route, status, time.perf_counter() - started)

    async def _admitted(
        self, scope: Scope, receive: Receive, is_upload: bool
    ) -> tuple[Response | None, bytes]:
        """A refusal, or the whole body."""
        wait = self._rates.wait(scope["client"][0] if scope.get("client") else "")
        if wait:
            after = {"Retry-After": str(math.ceil(wait))}
            return problem(429, too_often(wait), after), b""
        if is_upload and self._uploading > MOST_UPLOADS:
            said = "too many pictures come at once; ask again in a moment"
            return problem(503, said, {"Retry-After": "1", "Connection": "close"}), b""
        most, seconds = (MAX_UPLOAD_BYTES, UPLOAD_SECONDS) if is_upload else (MAX_BODY_BYTES, BODY_SECONDS)
        try:
            with _at_most(seconds):
                body = await _body(receive, most)
        except asyncio.TimeoutError:
            return problem(408, f"the body didn't come within {seconds:g} s"), b""
        if body is None:
            return problem(413, too_large(most), {"Connection": "close"}), b""
        return None, body


def problem(status: int, said: str, headers: dict[str, str] | None = None) -> Response:
    """An answer that says what is wrong; in ASCII, since what came may be no text."""
    return Response(json.dumps({"error": said}), status, headers, "application/json")


def too_large(most: int) -> str:
    """Says that a body has more than so many bytes."""
    if most == MAX_UPLOAD_BYTES:
        return f"the body is larger than {most >> 20} MiB; send a smaller picture: a model reads 224 by 224 pixels"
    return f"the body is larger than {most >> 10} KiB; send smaller batches"


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raises TimeoutError in what takes longer, as `asyncio.timeout` of newer Pythons does.

    `asyncio.wait_for` of older ones has a task of its own for it, whose turns take a tenth of an answer's work.
    """
    task, late = asyncio.current_task(), False

    def end() -> None:
        nonlocal late
        late = True
        if task:
            task.cancel()

    timer = asyncio.get_running_loop().call_later(seconds, end)
    try:
        yield
    except asyncio.CancelledError:
        if not late:
            raise
        raise asyncio.TimeoutError from None
    finally:
        timer.cancel()


async def _body(receive: Receive, most: int) -> bytes | None:
    """The body; None where it is larger than `most` bytes."""
    parts, size = list[bytes](), 0
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body first."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return first.pop() if first else await receive()

    return replay
