"""The client of a served model: gRPC without TensorFlow, imported in a fraction of a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

import numpy as np

from aisle.schema.contract import Signature
from aisle.schema.errors import InputError
from aisle.serving.client.conversation import Conversation, Send, Steps, VersionStatus
from aisle.serving.client.fallback import Fallback
from aisle.serving.client.inputs import Tensors
from aisle.serving.client.questions import Question
from aisle.serving.client.recommender import Recommender
from aisle.serving.client.routing import Canary, Route
from aisle.serving.client.transport import MAX_MESSAGE_BYTES, CallError, GrpcTransport, Retry, Transport
from aisle.serving.tls import Tls

T = TypeVar("T")


class Client(Recommender):
    """Asks a server that speaks TF Serving's protocol: TF Serving itself, or `aisle serve`.

    Example:
        >>> with Client("127.0.0.1:8500") as client:
        ...     for item in client.search("red shirt", k=5):
        ...         print(item.item_id, item.score)

    Threads may share one. Requests change nothing, so one that did not reach the server is sent again.
    `AsyncClient` asks the same from asyncio.
    """

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
        transport: Transport | None = None,
        sleep: Callable[[float], None] = time.sleep,
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
            sleep: waits between attempts.
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
        self._transport = transport or GrpcTransport(target, max_message_bytes, tls)
        self._sleep = sleep

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._transport.close()

    def predict(self, signature: Signature, inputs: Tensors) -> dict[str, np.ndarray]:
        """See `Recommender.predict`; raises ServingError."""
        return self._do(self._conversation.predict(signature, inputs))

    def ask(self, question: Question[T]) -> T:
        """See `Recommender.ask`; raises ServingError."""
        return self._do(self._conversation.ask(question))

    def versions(self) -> list[VersionStatus]:
        """The model's versions on the server, as it lists them."""
        return self._do(self._conversation.versions())

    def _do(self, steps: Steps[T]) -> T:
        """Carries the steps out; raises what they raise."""
        try:
            step = next(steps)
            while True:
                try:
                    came = b""
                    if isinstance(step, Send):
                        came = self._transport.call(step.method, step.request, step.timeout)
                    else:
                        self._sleep(step.seconds)
                except CallError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(came)
        except StopIteration as end:
            answer: T = end.value
            return answer
