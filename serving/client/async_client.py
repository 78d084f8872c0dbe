"""The client of a served model for asyncio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TypeVar

import numpy as np

from aisle.schema.contract import Signature
from aisle.serving.client.async_recommender import AsyncRecommender
from aisle.serving.client.connection import Connection, UnderWay
from aisle.serving.client.conversation.conversation import Send, Steps, VersionStatus
from aisle.serving.client.inputs import Tensors
from aisle.serving.client.questions import Question
from aisle.serving.client.transport import AsyncGrpcTransport, AsyncTransport, CallError

T = TypeVar("T")


async def _sleep(seconds: float) -> None:
    # Whoever awaits this has imported it; the package's import does without.
    import asyncio

    await asyncio.sleep(seconds)


class AsyncClient(Connection[AsyncTransport, Callable[[float], Awaitable[None]]], AsyncRecommender):
    """`Client` for asyncio: the same questions, deadlines, retries and errors, as coroutines.

    Example:
        >>> async with AsyncClient("127.0.0.1:8500") as client:
        ...     found, liked = await asyncio.gather(client.search("red shirt"), client.recommend("u17"))

    Tasks may share one, event loops may not: the first request ties it to its loop. A task that is cancelled
    cancels its request.
    """

    _grpc = AsyncGrpcTransport
    _waits = staticmethod(_sleep)

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
        under_way = UnderWay(steps)
        while (step := under_way.step) is not None:
            came = b""
            try:
                if isinstance(step, Send):
                    came = await self._transport.call(step.method, step.request, step.timeout)
                else:
                    await self._sleep(step.seconds)
            except CallError as error:
                under_way.failed(error)
            else:
                under_way.came(came)
        return under_way.answer
