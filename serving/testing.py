"""A server for tests of code that asks a client: it answers what the test says, and records what it was asked.

    >>> from aisle.serving import Client
    >>> from aisle.serving.testing import FakeClock, FakeTransport
    >>> fake = FakeTransport({"search": [("red-mug", 0.5), ("blue-mug", 0.25)]}, failures=["UNAVAILABLE"])
    >>> clock = FakeClock()
    >>> shop = Client("shop:8500", transport=fake, clock=clock, sleep=clock.sleep)
    >>> shop.search("mug", k=1)
    [ScoredItem(item_id='red-mug', score=0.5)]
    >>> fake.requests[-1].inputs
    {'k': 1, 'query': ['mug'], 'user_id': ['']}

It asked twice: the first call found no server. `AsyncFakeTransport` is the same for an `AsyncClient`, and `serve` puts
a fake behind a real connection.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from aisle.schema import contract
from aisle.serving.client.conversation.conversation import GET_MODEL_STATUS, PREDICT, VersionStatus
from aisle.serving.client.transport import CallError
from aisle.serving.wire import messages_pb2
from aisle.serving.wire.tensors import to_array, to_proto

Tensors = Mapping[str, np.ndarray]
Answer = Sequence[tuple[str, float]] | Tensors | Callable[[Tensors], Tensors] | bytes
"""Of a signature: items with their scores, best first; the output tensors, or a function that makes them of the input
tensors; or the response's very bytes.

Items are what every row of a batch is answered, cut to k. `rank` and `explain` look each item's score up among them,
and find -inf for the others.
"""


@dataclasses.dataclass(frozen=True)
class FakeRequest:
    """A call that reached the fake, whether it was answered or failed.

    Attributes:
        signature: its name; "" of `versions`.
        inputs: the tensors as nested lists of texts and numbers; of bytes, where these are no text.
        version: the version's label or number that was asked for; None is whichever the server has.
        timeout: seconds the server was given.
        payload: the message as it was sent.
    """

    signature: str
    inputs: dict[str, Any]
    version: str | int | None
    timeout: float
    # A map has no order on the wire: equal requests may differ in their bytes.
    payload: bytes = dataclasses.field(compare=False, repr=False)


class FakeClock:
    """Time that passes only where a test says so, for a client's `clock` and `sleep` (`async_sleep`).

    Attributes:
        now: seconds.
    """

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Lets time pass, and returns at once."""
        self.now += seconds

    async def async_sleep(self, seconds: float) -> None:
        """`sleep` for an `AsyncClient`."""
        self.now += seconds


class _Fake:
    """What both fakes do.

    Attributes:
        answers: by the signature's name; may be changed between calls. Any other signature is refused.
        versions: what `versions` is answered.
        requests: the calls, oldest first.
        closed: whether the client closed it.
    """

    def __init__(
        self,
        answers: Mapping[str, Answer] | None = None,
        *,
        failures: Iterable[str | CallError | None] = (),
        versions: Sequence[VersionStatus] = (VersionStatus(1, "AVAILABLE", ""),),
    ) -> None:
        """A fake that answers, or first fails.

        Args:
            answers: by the signature's name.
            failures: a gRPC status code's name, such as "UNAVAILABLE", or a whole error, for one call after
                the other; None answers that call, and so are those after the last. May be endless
                (`itertools.repeat`).
            versions: those on the server.
        """
        self.answers = dict(answers or {})
        self.versions = versions
        self.requests: list[FakeRequest] = []
        self.closed = False
        self._failures = iter(failures)

    def _answer(self, method: str, request: bytes, timeout: float) -> bytes:
        """The response; raises CallError."""
        predict = messages_pb2.PredictRequest()
        if method == PREDICT:
            predict.ParseFromString(request)
        self.requests.append(_record(predict, timeout, request))
        failure = next(self._failures, None)
        if failure is not None:
            raise failure if isinstance(failure, CallError) else CallError(failure, "by the test's wish")
        if method == GET_MODEL_STATUS:
            return self._status()
        name = predict.model_spec.signature_name
        if name not in self.answers:
            said = f"the fake has no answer for {name!r}; the test gave it those for {sorted(self.answers)}"
            raise CallError("FAILED_PRECONDITION", said)
        answer = self.answers[name]
        if isinstance(answer, bytes):
            return answer
        if not isinstance(answer, Mapping):
            inputs = {name: to_array(proto) for name, proto in predict.inputs.items()}
            answer = answer(inputs) if callable(answer) else _outputs(name, inputs, answer)
        outputs = {name: to_proto(value) for name, value in answer.items()}
        response = messages_pb2.PredictResponse(outputs=outputs)
        newest = max((known.version for known in self.versions if known.state == "AVAILABLE"), default=0)
        response.model_spec.version.value = predict.model_spec.version.value or newest
        return response.SerializeToString()

    def _status(self) -> bytes:
        response = messages_pb2.GetModelStatusResponse()
        for version in self.versions:
            response.model_version_status.add(
                version=version.version,
                state=messages_pb2.ModelVersionStatus.State.Value(version.state),
                status=messages_pb2.StatusProto(error_message=version.error),
            )
        return response.SerializeToString()


class FakeTransport(_Fake):
    """Give it to a `Client` as its transport."""

    def call(self, method: str, request: bytes, timeout: float) -> bytes:
        """See `Transport.call`."""
        return self._answer(method, request, timeout)

    def close(self) -> None:
        """See `Transport.close`."""
        self.closed = True


class AsyncFakeTransport(_Fake):
    """Give it to an `AsyncClient` as its transport."""

    async def call(self, method: str, request: bytes, timeout: float) -> bytes:
        """See `Transport.call`."""
        return self._answer(method, request, timeout)

    async def close(self) -> None:
        """See `Transport.close`."""
        self.closed = True


def serve(fake: FakeTransport, port: int = 0, credentials: Any = None) -> tuple[Any, int]:
    """Starts a gRPC server on 127.0.0.1 that answers Predict by a fake.

    Args:
        fake: that answers.
        port: to listen on; 0 is a free one.
        credentials: `grpc.ServerCredentials`; None is plain text.

    Returns:
        The server, which runs until its `stop`, and its port.
    """
    import grpc

    def predict(request: bytes, context: Any) -> bytes:
        try:
            return fake.call(PREDICT, request, context.time_remaining())
        except CallError as error:
            context.abort(grpc.StatusCode[error.code], error.details)
            raise

    service, method = PREDICT[1:].split("/")
    handlers = {method: grpc.unary_unary_rpc_method_handler(predict)}
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    address = f"127.0.0.1:{port}"
    bound = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    return server, bound


def _record(request: messages_pb2.PredictRequest, timeout: float, payload: bytes) -> FakeRequest:
    spec = request.model_spec
    version = {"version": spec.version.value, "version_label": spec.version_label}.get(
        spec.WhichOneof("version_choice") or ""
    )
    inputs = {name: _texts(to_array(proto).tolist()) for name, proto in sorted(request.inputs.items())}
    return FakeRequest(spec.signature_name, inputs, version, timeout, payload)


def _texts(value: Any) -> Any:
    if isinstance(value, list):
        return [_texts(element) for element in value]
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value  # A picture's.


def _outputs(
    signature: str, inputs: Mapping[str, np.ndarray], items: Sequence[tuple[str, float]]
) -> dict[str, np.ndarray]:
    """The signature's outputs for items with their scores."""
    if contract.ITEM_IDS in inputs:
        return _item_scores(signature, inputs[contract.ITEM_IDS], dict(items))
    rows, k = max(len(value) for value in inputs.values() if value.ndim), int(inputs["k"])
    ids = np.full((rows, k), b"", object)
    scores = np.full((rows, k), -np.inf, np.float32)
    for place, (item, score) in enumerate(items[:k]):
        ids[:, place], scores[:, place] = item.encode(), score
    outputs = {contract.ITEM_IDS: ids, contract.SCORES: scores}
    if signature == contract.FILTERED_SEARCH.name:
        for name in (contract.CATEGORY_FACETS, contract.BRAND_FACETS):
            outputs[name] = np.empty((rows, 0), object)
        for name in (contract.CATEGORY_COUNTS, contract.BRAND_COUNTS):
            outputs[name] = np.empty((rows, 0), np.int32)
    return outputs


def _item_scores(signature: str, item_ids: np.ndarray, known: Mapping[str, float]) -> dict[str, np.ndarray]:
    """The outputs of a signature that is asked about items, bytes [b,m]."""
    found = [[known.get(item.decode(), -np.inf) for item in row] for row in item_ids]
    scores = np.array(found, np.float32).reshape(item_ids.shape)
    if signature != contract.EXPLAIN.name:
        return {contract.SCORES: scores}
    rows, m = item_ids.shape
    return {
        contract.SCORES: scores,
        contract.PARTS: np.array([b"score"], object),
        contract.CONTRIBUTIONS: np.where(np.isfinite(scores), scores, np.float32(0))[..., None],
        contract.WORDS: np.empty((rows, 0), object),
        contract.WORD_CONTRIBUTIONS: np.empty((rows, m, 0), np.float32),
        contract.MATCHED_WORDS: np.empty((rows, m, 0), object),
        contract.SOURCES: np.empty(0, object),
        contract.SOURCE_RANKS: np.empty((rows, m, 0), np.int32),
    }
