"""What both clients are made of: what they are told, and the steps of a conversation under way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from aisle.schema.errors import InputError
from aisle.serving.client.conversation.conversation import Conversation, Pause, Send, Steps
from aisle.serving.client.conversation.fallback import Fallback
from aisle.serving.client.conversation.routing import Canary, Route
from aisle.serving.client.transport import MAX_MESSAGE_BYTES, CallError, Retry
from aisle.serving.tls import Tls

T = TypeVar("T")
Carrier = TypeVar("Carrier")
Sleep = TypeVar("Sleep")


class Connection(Generic[Carrier, Sleep]):
    """The server that a client asks, and how."""

    _grpc: Callable[[str, int, Tls | None], Carrier]
    _waits: Sleep

    def __init__(
        self,
        target: str,
        *,
        timeout: float = 10.0,
        retry: Retry = Retry(),  # noqa: B008  A frozen value.
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        tls: Tls | None = None,
        label: str | None = None,
        version: int | None = None,
        canary: Canary | None = None,
        fallback: Fallback | None = None,
        transport: Carrier | None = None,
        sleep: Sleep | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Names the server; the first request connects.

        Args:
            target: HOST:PORT.
            timeout: seconds for one request, all its attempts included.
            retry: when a server that was not reached is asked again.
            max_message_bytes: largest request that is sent and response that is accepted.
            tls: whom to trust; None is plain text, which anyone on the way may read and change.
            label: the version label to ask, such as "stable", instead of the server's newest version.
            version: the version's number to ask.
            canary: asks another version for a share of the users.
            fallback: lets an answer without ranking stand in for one that fails; None lets it fail.
            transport: carries the bytes; None is gRPC.
            sleep: waits between attempts; None is `time.sleep`, or asyncio's.
            clock: seconds that only grow, which deadlines are measured by.

        Raises:
            InputError: `target` or `timeout` can't be used, `tls` came with a transport, or more than one of
                `label`, `version` and `canary`.
        """
        self._conversation = Conversation(
            target, timeout, retry, max_message_bytes, Route(label, version, canary), fallback, clock
        )
        if transport is not None and tls is not None:
            raise InputError("tls came with a transport, which has its own; give one of them")
        self._transport = transport or type(self)._grpc(target, max_message_bytes, tls)
        self._sleep = sleep or self._waits


class UnderWay(Generic[T]):
    """Steps that someone who can wait is carrying out.

    Attributes:
        step: what to do next; None once there is an answer.
        answer: then.
    """

    answer: T

    def __init__(self, steps: Steps[T]) -> None:
        """Takes the first step; raises what the steps raise, as the rest does."""
        self._steps = steps
        self.step: Send | Pause | None = None
        self._go_on(lambda: next(steps))

    def came(self, response: bytes) -> None:
        """The step's response, b"" for a pause."""
        self._go_on(lambda: self._steps.send(response))

    def failed(self, error: CallError) -> None:
        """The step's call ended with it."""
        self._go_on(lambda: self._steps.throw(error))

    def _go_on(self, following: Callable[[], Send | Pause]) -> None:
        try:
            self.step = following()
        except StopIteration as end:
            self.step, self.answer = None, end.value
