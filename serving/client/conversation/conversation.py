"""What a client says to a server, step by step; `Client` and `AsyncClient` carry the same steps out.

A conversation is a generator: it yields what to do next and is sent what came of it, so that deadlines and
retries are written once and can be tested without a server or a clock.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Generator
from typing import TypeVar

from google.protobuf.message import DecodeError

from aisle.schema.contract import MODEL_NAME, RECENT_ITEMS, Signature
from aisle.schema.errors import InputError
from aisle.serving.client.answers import Outputs
from aisle.serving.client.conversation.fallback import FAILURES, Fallback
from aisle.serving.client.conversation.routing import Route, Version, merge_rows, take_rows
from aisle.serving.client.errors import (
    BadAnswer,
    MessageTooLarge,
    RequestRefused,
    ServingError,
    Unreachable,
    from_status,
)
from aisle.serving.client.inputs import Tensors
from aisle.serving.client.questions import Question
from aisle.serving.client.transport import CallError, Retry
from aisle.serving.wire import messages_pb2
from aisle.serving.wire.tensors import to_array, to_proto

PREDICT = "/tensorflow.serving.PredictionService/Predict"
GET_MODEL_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Send:
    """Call the method, and send the response's bytes in, or throw the CallError in."""

    method: str
    request: bytes
    timeout: float


@dataclasses.dataclass(frozen=True)
class Pause:
    """Wait, and send b"" in."""

    seconds: float


Steps = Generator[Send | Pause, bytes, T]


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """A version the server knows of.

    Attributes:
        version: its number.
        state: "AVAILABLE" answers; "END" with an error could not be loaded.
        error: why, or "".
    """

    version: int
    state: str
    error: str


@dataclasses.dataclass(frozen=True)
class _Deadline:
    """A time of the clock, and how many seconds that was away when it was set."""

    at: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class Conversation:
    """How a client asks.

    Attributes:
        target: HOST:PORT.
        timeout: seconds for one question, all its attempts included.
        retry: when a server that was not reached is asked again.
        max_message_bytes: largest request that is sent.
        route: which version is asked.
        fallback: whether a question's own may stand in for it; None is no.
        clock: seconds that only grow.

    Raises:
        InputError: `target` or `timeout` can't be used.
    """

    target: str
    timeout: float
    retry: Retry
    max_message_bytes: int
    route: Route
    fallback: Fallback | None
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        host, _, port = self.target.rpartition(":")
        by_http = host.startswith(("http://", "https://"))
        if by_http or not host or not (port.isascii() and port.isdecimal()) or not 0 < int(port) < 65536:
            raise InputError(f"target is {self.target!r}; expected HOST:PORT, such as 127.0.0.1:8500")
        if not 0 < self.timeout < math.inf:
            raise InputError(f"timeout is {self.timeout!r}; expected seconds above 0")

    def ask(self, question: Question[T]) -> Steps[T]:
        """The question's answer, or its fallback's; raises ServingError."""
        deadline = self._deadline()
        other = question.fallback
        if self.fallback is None or other is None:
            return (yield from self._ask(question, deadline))
        # A fallback that takes no server takes no time either.
        seconds = self.timeout * (self.fallback.share if other.sent else 1.0)
        try:
            first = _Deadline(deadline.at - (self.timeout - seconds), seconds)
            return (yield from self._ask(question, first))
        except FAILURES:
            return (yield from self._ask(other, deadline))

    def predict(self, signature: Signature, inputs: Tensors) -> Steps[Outputs]:
        """The signature's outputs; raises ServingError."""
        return (yield from self._predict(self.route, signature, inputs, self._deadline()))

    def versions(self) -> Steps[list[VersionStatus]]:
        """The model's versions on the server, as it lists them; raises ServingError."""
        request = messages_pb2.GetModelStatusRequest(model_spec=messages_pb2.ModelSpec(name=MODEL_NAME))
        payload = yield from self._call(GET_MODEL_STATUS, request.SerializeToString(), self._deadline())
        try:
            response = messages_pb2.GetModelStatusResponse.FromString(payload)
            name = messages_pb2.ModelVersionStatus.State.Name
            return [
                VersionStatus(status.version, name(status.state), status.status.error_message)
                for status in response.model_version_status
            ]
        except (DecodeError, ValueError) as error:
            raise self._unreadable(error) from error

    def _deadline(self) -> _Deadline:
        return _Deadline(self.clock() + self.timeout, self.timeout)

    def _ask(self, question: Question[T], deadline: _Deadline) -> Steps[T]:
        if not question.sent:
            return question.read({})
        route = self.route if question.version is None else Route(version=question.version)
        try:
            outputs = yield from self._predict(route, question.signature, question.inputs, deadline)
        except RequestRefused as error:
            # Of an input that it doesn't have a server says the name.
            if question.older is None or RECENT_ITEMS not in error.details:
                raise
            return (yield from self._ask(question.older, deadline))
        return question.read(outputs)

    def _predict(
        self, route: Route, signature: Signature, inputs: Tensors, deadline: _Deadline
    ) -> Steps[Outputs]:
        """Asks each version for its rows of the batch."""
        parts = route.parts(inputs)
        if len(parts) == 1:
            return (yield from self._predict_by(parts[0][0], signature, inputs, deadline))
        answers = []
        for version, rows in parts:
            its = take_rows(signature, inputs, rows)
            answers.append((rows, (yield from self._predict_by(version, signature, its, deadline))))
        return Outputs(merge_rows(signature, answers))

    def _predict_by(
        self, version: Version, signature: Signature, inputs: Tensors, deadline: _Deadline
    ) -> Steps[Outputs]:
        spec = messages_pb2.ModelSpec(name=MODEL_NAME, signature_name=signature.name)
        if isinstance(version, str):
            spec.version_label = version
        elif version is not None:
            spec.version.value = version
        request = messages_pb2.PredictRequest(
            model_spec=spec, inputs={name: to_proto(value) for name, value in inputs.items()}
        )
        payload = yield from self._call(PREDICT, request.SerializeToString(), deadline)
        try:
            response = messages_pb2.PredictResponse.FromString(payload)
            outputs = {name: to_array(proto) for name, proto in response.outputs.items()}
            return Outputs(outputs, response.model_spec.version.value or None)
        except (DecodeError, ValueError) as error:
            raise self._unreadable(error) from error

    def _call(self, method: str, request: bytes, deadline: _Deadline) -> Steps[bytes]:
        """Sends, and sends again what did not arrive, before the deadline."""
        if len(request) > self.max_message_bytes:
            raise MessageTooLarge(
                f"the request has {len(request)} bytes; at most {self.max_message_bytes} are sent: "
                "ask for fewer at a time, or raise max_message_bytes"
            )
        failure = CallError("DEADLINE_EXCEEDED", "")
        for pause in itertools.chain(self.retry.pauses(), (math.inf,)):
            # Looked at again after a pause, which may last longer than it was meant to.
            left = deadline.at - self.clock()
            if left <= 0:
                break
            try:
                return (yield Send(method, request, left))
            except CallError as error:
                failure = error
            known = self._error(failure, deadline)
            if not isinstance(known, Unreachable) or pause >= deadline.at - self.clock():
                break
            yield Pause(pause)
        raise self._error(failure, deadline) from failure

    def _error(self, failure: CallError, deadline: _Deadline) -> ServingError:
        return from_status(failure.code, failure.details, self.target, deadline.seconds)

    def _unreadable(self, error: Exception) -> BadAnswer:
        return BadAnswer(f"{self.target} answered what can't be read: {error}")
