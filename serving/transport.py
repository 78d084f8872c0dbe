"""How a request's bytes reach a server: gRPC, or whatever else has a `call`."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from typing import Any, Protocol


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


@dataclasses.dataclass(frozen=True)
class Retry:
    """When to ask again a server that was not reached. It never outlasts the request's timeout.

    Attributes:
        attempts: calls at most, the first one included.
        pause: seconds before the second call; each later pause is twice as long.
        longest_pause: seconds no pause is longer than.
    """

    attempts: int = 4
    pause: float = 0.1
    longest_pause: float = 2.0

    def pauses(self) -> Iterator[float]:
        """The pauses between calls, in seconds, with jitter: clients must not return all at once."""
        for attempt in range(self.attempts - 1):
            yield min(self.pause * 2.0 ** min(attempt, 60), self.longest_pause) * random.uniform(0.5, 1.0)


class GrpcTransport:
    """A gRPC channel, opened by the first call."""

    def __init__(self, target: str, max_message_bytes: int, credentials: Any = None) -> None:
        """Names the server.

        Args:
            target: HOST:PORT.
            max_message_bytes: largest response that is accepted.
            credentials: `grpc.ChannelCredentials` for TLS; None is plain text.
        """
        import grpc

        options = [
            ("grpc.max_receive_message_length", max_message_bytes),
            # A proxy for the web is no way to a model server.
            ("grpc.enable_http_proxy", 0),
            # Asking again is the client's own decision (see Retry), and must find a server that is back.
            ("grpc.enable_retries", 0),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000),
        ]
        self._failure = grpc.RpcError
        if credentials is None:
            self._channel = grpc.insecure_channel(target, options)
        else:
            self._channel = grpc.secure_channel(target, credentials, options)

    def call(self, method: str, request: bytes, timeout: float) -> bytes:
        """See `Transport.call`."""
        try:
            # No serializers: the messages are bytes here, and made elsewhere.
            response: bytes = self._channel.unary_unary(method)(request, timeout=timeout)
        except self._failure as error:
            raise CallError(error.code().name, error.details() or "") from error
        return response

    def close(self) -> None:
        """See `Transport.close`."""
        self._channel.close()
