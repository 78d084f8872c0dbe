"""The client of a served model for asyncio."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TypeVar

import numpy as np

from aisle.schema.contract import Signature
from aisle.schema.errors import InputError
from aisle.serving.client.async_recommender import AsyncRecommender
from aisle.serving.client.conversation import Conversation, Send, Steps, VersionStatus
from aisle.serving.client.fallback import Fallback
from aisle.serving.client.inputs import Tensors
from aisle.serving.client.questions import Question
from aisle.serving.client.routing import Canary, Route
from aisle.serving.client.transport import (
    MAX_MESSAGE_BYTES,
    AsyncGrpcTransport,
    AsyncTransport,
    CallError,
    Retry,
)
from aisle.serving.tls import Tls

T = TypeVar("T")


class AsyncClient(AsyncRecommender):
    """`Client` for asyncio: the same questions, deadlines, retries and errors, as coroutines.

    Example:
        >>> async with AsyncClient("127.0.0.1:8500") as client:
        ...     found, liked = await asyncio.gather(client.search("red shirt"), client.recommend("u17"))

    Tasks may share one, event loops may not: the first request ties it to its loop. A task that is cancelled
    cancels its request.
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
        transport: AsyncTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Names the server; the first request connects.

        Args:
            target: here and below: see `Client`.
            timeout: seconds.
            retry: a value.
            max_message_bytes: of requests and responses.
            tls: whom to trust.
            label: of the version to ask.
            version: its number.
            canary: another version for a share of the users.
            fallback: what may stand in for an answer.
            transport: carries the bytes; None is gRPC.
            sleep: waits between attempts; None is `asyncio.sleep`.
            clock: seconds.

        Raises:
            InputError: as `Client`.
        """
        self._conversation = Conversation(
            target, timeout, retry, max_message_bytes, Route(label, version, canary), fallback, clock
        )
        if transport is not None and tls is not None:
            raise InputError("tls came with a transport, which has its own; give one of them")
        self._transport = transport or AsyncGrpcTransport(target, max_message_bytes, tls)
        self._sleep = sleep or _sleep

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connection."""
        await self._transport.close()

    async def predict(self, signature: Signature, inputs: Tensors) -> dict[str, np.ndarray]:
        """See `Recommender.predict`; raises ServingError."""
        return await self._do(self._conversation.predict(signature, inputs))

    async def ask(self, question: Question[T]) -> T:
        """See `Recommender.ask`; raises ServingError."""
        return await self._do(self._conversation.ask(question))

    async def versions(self) -> list[VersionStatus]:
        """The model's versions on the server, as it lists them."""
        return await self._do(self._conversation.versions())

    async def _do(self, steps: Steps[T]) -> T:
        """Carries the steps out; raises what they raise."""
        try:
            step = next(steps)
            while True:
                try:
                    came = b""
                    if isinstance(step, Send):
                        came = await self._transport.call(step.method, step.request, step.timeout)
                    else:
                        await self._sleep(step.seconds)
                except CallError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(came)
        except StopIteration as end:
            answer: T = end.value
            return answer


async def _sleep(seconds: float) -> None:
    # Whoever awaits this has imported it; the package's import does without.
    import asyncio

    await asyncio.sleep(seconds)
