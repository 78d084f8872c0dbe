"""The client of a served model: gRPC without TensorFlow, imported in a fraction of a second."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from types import TracebackType

import numpy as np
from google.protobuf.message import DecodeError

from aisle.schema.contract import MODEL_NAME, Signature
from aisle.schema.errors import InputError
from aisle.serving.errors import NO_ANSWER, BadAnswer, MessageTooLarge, from_status
from aisle.serving.recommender import Recommender, Tensors
from aisle.serving.transport import CallError, GrpcTransport, Retry, Transport
from aisle.serving.wire import messages_pb2
from aisle.serving.wire.tensors import to_array, to_proto

PREDICT = "/tensorflow.serving.PredictionService/Predict"
GET_MODEL_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
MAX_MESSAGE_BYTES = 4 << 20
"""gRPC's own default for what is received."""


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


class Client(Recommender):
    """Asks a server that speaks TF Serving's protocol: TF Serving itself, or `aisle serve`.

    Example:
        >>> with Client("127.0.0.1:8500") as client:
        ...     for item in client.search("red shirt", k=5):
        ...         print(item.item_id, item.score)

    Threads may share one. Requests change nothing, so one that did not reach the server is sent again.
    """

    def __init__(
        self,
        target: str,
        *,
        timeout: float = 10.0,
        retry: Retry = Retry(),  # noqa: B008  A frozen value.
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        transport: Transport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Names the server; the first request connects.

        Args:
            target: HOST:PORT.
            timeout: seconds for one request, all its attempts included.
            retry: when a server that was not reached is asked again.
            max_message_bytes: largest request that is sent and response that is accepted.
            transport: carries the bytes; None is plain-text gRPC. For TLS give a `GrpcTransport` with
                credentials.
            sleep: waits between attempts.

        Raises:
            InputError: `target` or `timeout` can't be used.
        """
        self._target = _checked_target(target)
        if not 0 < timeout < float("inf"):
            raise InputError(f"timeout is {timeout!r}; expected seconds above 0")
        self._timeout = timeout
        self._retry = retry
        self._max_message_bytes = max_message_bytes
        self._transport = transport or GrpcTransport(target, max_message_bytes)
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
        request = messages_pb2.PredictRequest(
            model_spec=messages_pb2.ModelSpec(name=MODEL_NAME, signature_name=signature.name),
            inputs={name: to_proto(value) for name, value in inputs.items()},
        )
        payload = self._call(PREDICT, request.SerializeToString())
        try:
            response = messages_pb2.PredictResponse.FromString(payload)
            return {name: to_array(proto) for name, proto in response.outputs.items()}
        except (DecodeError, ValueError) as error:
            raise BadAnswer(f"{self._target} answered what can't be read: {error}") from error

    def versions(self) -> list[VersionStatus]:
        """The model's versions on the server, as it lists them."""
        request = messages_pb2.GetModelStatusRequest(model_spec=messages_pb2.ModelSpec(name=MODEL_NAME))
        payload = self._call(GET_MODEL_STATUS, request.SerializeToString())
        try:
            response = messages_pb2.GetModelStatusResponse.FromString(payload)
            name = messages_pb2.ModelVersionStatus.State.Name
            return [
                VersionStatus(status.version, name(status.state), status.status.error_message)
                for status in response.model_version_status
            ]
        except (DecodeError, ValueError) as error:
            raise BadAnswer(f"{self._target} answered what can't be read: {error}") from error

    def _call(self, method: str, request: bytes) -> bytes:
        """Sends, and sends again what did not arrive, within the timeout."""
        if len(request) > self._max_message_bytes:
            raise MessageTooLarge(
                f"the request has {len(request)} bytes; at most {self._max_message_bytes} are sent: "
                "ask for fewer at a time, or raise max_message_bytes"
            )
        deadline = time.monotonic() + self._timeout
        for pause in (*self._retry.pauses(), None):
            try:
                return self._transport.call(method, request, deadline - time.monotonic())
            except CallError as error:
                left = deadline - time.monotonic()
                if error.code not in NO_ANSWER or pause is None or pause >= left:
                    raise from_status(error.code, error.details, self._target, self._timeout) from error
            self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def _checked_target(target: str) -> str:
    host, _, port = target.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()) or not 0 < int(port) < 65536:
        raise InputError(f"target is {target!r}; expected HOST:PORT, such as 127.0.0.1:8500")
    return target
