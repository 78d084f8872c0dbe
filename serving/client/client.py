"""The client of a served model: gRPC without TensorFlow, imported in a fraction of a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

import numpy as np

from aisle.schema.contract import Signature
from aisle.serving.client.connection import Connection, UnderWay
from aisle.serving.client.conversation.conversation import Send, Steps, VersionStatus
from aisle.serving.client.inputs import Tensors
from aisle.serving.client.questions import Question
from aisle.serving.client.recommender import Recommender
from aisle.serving.client.transport import CallError, GrpcTransport, Transport

T = TypeVar("T")


class Client(Connection[Transport, Callable[[float], None]], Recommender):
    """Asks a server that speaks TF Serving's protocol: TF Serving itself, or `aisle serve`.

    Example:
        >>> with Client("127.0.0.1:8500") as client:
        ...     for item in client.search("red shirt", k=5):
        ...         print(item.item_id, item.score)

    Threads may share one. Requests change nothing, so one that did not reach the server is sent again.
    `AsyncClient` asks the same from asyncio.
    """

    _grpc = GrpcTransport
    _waits = staticmethod(time.sleep)

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
        under_way = UnderWay(steps)
        while (step := under_way.step) is not None:
            came = b""
            try:
                if isinstance(step, Send):
                    came = self._transport.call(step.method, step.request, step.timeout)
                else:
                    self._sleep(step.seconds)
            except CallError as error:
                under_way.failed(error)
            else:
                under_way.came(came)
        return under_way.answer
