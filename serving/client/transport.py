"""How a request's bytes reach a server: gRPC, or whatever else has a `call`."""

from __future__ import annotations

import dataclasses
import itertools
import random
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any, Protocol

from aisle.serving.tls import Tls

MAX_MESSAGE_BYTES = 4 << 20
"""gRPC's own default for what is received."""

_WATCH_ENDS_SECONDS = 0.25


class CallError(Exception):
    """A call ended with a status other than OK."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(f"{code}: {details}")
        self.code = code
        self.details = details


class Transport(Protocol):
    """Carries one request's bytes there and the response's bytes back."""

    def call(self, method: str, request: bytes, timeout: float) -> bytes:
        """Returns the response; raises CallError.

        Args:
            method: full name, such as `/tensorflow.serving.PredictionService/Predict`.
            request: the serialized message.
            timeout: seconds.
        """
        ...

    def close(self) -> None:
        """Frees the connection."""
        ...


class AsyncTransport(Protocol):
    """A `Transport` of coroutines."""

    async def call(self, method: str, request: bytes, timeout: float) -> bytes:
        """See `Transport.call`."""
        ...

    async def close(self) -> None:
        """See `Transport.close`."""
        ...


@dataclasses.dataclass(frozen=True)
class Retry:
    """When to ask again a server that was not reached. It never outlasts the request's timeout.

    Attributes:
        attempts: calls at most, the first one included; None is as many as the timeout leaves room for.
        pause: seconds before the second call at most; each later pause is twice as long.
        longest_pause: seconds no pause is longer than.
    """

    attempts: int | None = None
    pause: float = 0.1
    longest_pause: float = 1.0

    def pauses(self) -> Iterator[float]:
        """The pauses between calls, in seconds, with jitter: clients must not return all at once."""
        for attempt in itertools.count() if self.attempts is None else range(self.attempts - 1):
            yield min(self.pause * 2.0 ** min(attempt, 60), self.longest_pause) * random.uniform(0.5, 1.0)


class GrpcTransport:
    """A gRPC channel, opened by the first call; one that nobody closes is closed with what holds it, or the process."""

    def __init__(self, target: str, max_message_bytes: int, tls: Tls | None = None) -> None:
        """Names the server.

        Args:
            target: HOST:PORT.
            max_message_bytes: largest response that is accepted.
            tls: None is plain text.
        """
        import grpc

        self._failure = grpc.RpcError
        self._connection = _Connection(_channel(grpc, target, max_message_bytes, tls))
        # While the interpreter ends its threads no longer run, and gRPC waits for the watching one for ever: it must
        # be ended before.
        self._end = weakref.finalize(self, self._connection.close)

    def call(self, method: str, request: bytes, timeout: float) -> bytes:
        """See `Transport.call`."""
        try:
            # No serializers: the messages are bytes here, and made elsewhere.
            response: bytes = self._connection.channel.unary_unary(method)(request, timeout=timeout)
        except self._failure as error:
            code = error.code().name
            if code == "UNAVAILABLE":
                self._connection.watch()
            raise CallError(code, error.details() or "") from error
        return response

    def close(self) -> None:
        """See `Transport.close`; takes a quarter of a second where a call did not reach the server."""
        self._end()


class _Connection:
    """A channel, and whether it is watched: what is left to close of a transport that is gone."""

    def __init__(self, channel: Any) -> None:
        """Takes the channel, which it closes."""
        self.channel = channel
        self._watched = False
        self._watching = threading.Lock()

    def watch(self) -> None:
        """Has the channel reconnect by itself from now on.

        It does so while somebody polls it, and a call that fails at once does not: without this a server that is back
        was found by gRPC's own look every 5 s (grpc.client_channel_backup_poll_interval_ms).
        """
        with self._watching:
            if not self._watched:
                self.channel.subscribe(_unheeded)
                self._watched = True

    def close(self) -> None:
        """Ends the watching and the channel."""
        if self._watched:
            self.channel.unsubscribe(_unheeded)
            # The watching thread sees that it is no longer wanted once in 0.2 s, and a closed channel would end it with
            # a traceback on stderr.
            time.sleep(_WATCH_ENDS_SECONDS)
        self.channel.close()


class AsyncGrpcTransport:
    """A gRPC channel of asyncio's; the first call opens it, in the event loop it then belongs to."""

    def __init__(self, target: str, max_message_bytes: int, tls: Tls | None = None) -> None:
        """Names the server; see `GrpcTransport`."""
        import grpc

        self._grpc = grpc
        self._opening = (target, max_message_bytes, tls)
        self._channel: Any = None
        self._calls: dict[str, Any] = {}

    async def call(self, method: str, request: bytes, timeout: float) -> bytes:
        """See `Transport.call`."""
        if self._channel is None:
            self._channel = _channel(self._grpc.aio, *self._opening)
        if method not in self._calls:
            self._calls[method] = self._channel.unary_unary(method)
        try:
            response: bytes = await self._calls[method](request, timeout=timeout)
        except self._grpc.RpcError as error:
            raise CallError(error.code().name, error.details() or "") from error
        return response

    async def close(self) -> None:
        """See `Transport.close`."""
        if self._channel is not None:
            await self._channel.close()


def _unheeded(_: Any) -> None:
    """Told of a channel's state."""


def _channel(api: Any, target: str, max_message_bytes: int, tls: Tls | None) -> Any:
    """A channel of `grpc` or `grpc.aio`."""
    options: list[tuple[str, int | str]] = [
        ("grpc.max_receive_message_length", max_message_bytes),
        # A proxy for the web is no way to a model server.
        ("grpc.enable_http_proxy", 0),
        # Asking again is the client's own decision (see Retry), and must find a server that is back.
        ("grpc.enable_retries", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
    ]
    if tls is None:
        return api.insecure_channel(target, options)
    if tls.server_name is not None:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    return api.secure_channel(target, tls.credentials(), options)
