"""Joins requests that wait at the same time into one call of the model (micro-batching).

Requests may be joined where they ask the same version and signature, and agree in everything but the first
dimension of the inputs that have one row a request: their scalars (`k`, `exclude_seen`) and the other dimensions.
"""

from __future__ import annotations

import collections
import dataclasses
import math
import threading
import time
from collections.abc import Callable, Collection, Hashable, Sequence

import grpc
import numpy as np

from aisle.schema.contract import SIGNATURES, Signature
from aisle.serving.server.calls import Arrays, RequestError

Call = Callable[[Arrays], Arrays]


def joined_inputs(signature: Signature) -> frozenset[str]:
    """The inputs with a row for each row of the answer; none where an output has no such rows (`explain`)."""
    first = {tensor.shape.partition(",")[0] for tensor in signature.outputs}
    if len(first) != 1:
        return frozenset()
    return frozenset(tensor.name for tensor in signature.inputs if tensor.shape.partition(",")[0] in first)


JOINED = {signature.name: joined_inputs(signature) for signature in SIGNATURES}
"""By the signature's name: the inputs that requests are joined along; empty where they can't be."""


def count_rows(inputs: Arrays, joined: Collection[str]) -> int:
    """The rows of a request; 0 where its inputs don't agree, or where there are no such inputs.

    Those that it leaves out have the model's defaults, for any number of rows.
    """
    rows = {len(inputs[name]) if inputs[name].ndim else 0 for name in joined if name in inputs}
    return rows.pop() if len(rows) == 1 else 0


def agreement(inputs: Arrays, joined: Collection[str]) -> Hashable:
    """What two requests must have in common to be joined; scalars, and the shape behind the rows."""
    return tuple(
        (name, value.dtype.str, value.shape[1:] if name in joined else (value.shape, str(value.tolist())))
        for name, value in sorted(inputs.items())
    )


def join(requests: Sequence[Arrays], joined: Collection[str]) -> Arrays:
    """The inputs of all requests, one behind the other; they agree in the others."""
    return {
        name: np.concatenate([request[name] for request in requests]) if name in joined else value
        for name, value in requests[0].items()
    }


def split(outputs: Arrays, rows: Sequence[int]) -> list[Arrays] | None:
    """Each request's part of the outputs; None where an output doesn't have a row for each of theirs."""
    if any(value.ndim == 0 or len(value) != sum(rows) for value in outputs.values()):
        return None
    ends = np.cumsum(rows)[:-1]
    parts = {name: np.split(value, ends) for name, value in outputs.items()}
    return [{name: part[i] for name, part in parts.items()} for i in range(len(rows))]


@dataclasses.dataclass(eq=False)
class _Request:
    """A request on its way: waiting, taken into a batch, done."""

    inputs: Arrays
    rows: int
    deadline: float
    taken: bool = False
    done: bool = False
    outputs: Arrays | None = None
    error: Exception | None = None

    def run(self, call: Call) -> None:
        """Asks for this request alone, unless its time is over."""
        try:
            if self.deadline <= time.monotonic():
                raise _late()
            self.outputs = call(self.inputs)
        except Exception as error:  # It is raised where the request waits.
            self.error = error

    def result(self) -> Arrays:
        """The outputs, or raises the error; once, so that an error, whose traceback holds the request, can go."""
        error, self.error = self.error, None
        try:
            if error is not None:
                raise error
            assert self.outputs is not None
            return self.outputs
        finally:
            del error


def _late() -> RequestError:
    return RequestError(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed before a worker was free")


class Batcher:
    """Makes a bounded number of calls at once; what waits meanwhile is joined.

    Whoever gets a free place takes the requests that wait for the same call, its own among them or soon after,
    asks for all of them, and hands each its part. Where the joined call fails each is asked alone, so that a bad
    request fails by itself.
    """

    def __init__(
        self,
        places: int,
        rows: int,
        wait: float = 0.0,
        observe: Callable[[str, int], None] = lambda *_: None,
    ) -> None:
        """A batcher in whose queue nothing waits.

        Args:
            places: calls at once.
            rows: of a joined call at most; larger requests, and all where it is 0 or 1, are asked alone.
            wait: seconds for which a batch that is not full waits for more; 0 takes what waits already.
            observe: told of each call: the signature, how many requests it answers.
        """
        self._free, self._rows, self._wait, self._observe = places, rows, wait, observe
        self._changed = threading.Condition()
        self._queues: dict[Hashable, collections.deque[_Request]] = {}
        self._gathering: set[Hashable] = set()

    @property
    def waiting(self) -> int:
        """Requests that no call has taken yet."""
        with self._changed:
            return sum(map(len, self._queues.values()))

    def run(
        self,
        call: Call,
        model: Hashable,
        name: str,
        inputs: Arrays,
        joined: Collection[str],
        deadline: float = math.inf,
    ) -> Arrays:
        """The outputs for the inputs, by a call of its own or with others.

        Args:
            call: the signature of the model; the same for all requests of the same `model` and `name`.
            model: the version that is asked.
            name: the signature's.
            inputs: checked against its specs.
            joined: names of the inputs that have a row for each row of the outputs (`JOINED`).
            deadline: by `time.monotonic`.

        Raises:
            RequestError: DEADLINE_EXCEEDED, where no place was free in time; else what `call` raises.
        """
        mine = _Request(inputs, count_rows(inputs, joined), deadline)
        alone = not 0 < mine.rows < self._rows
        key = object() if alone else (model, name, agreement(inputs, joined))
        with self._changed:
            self._queues.setdefault(key, collections.deque()).append(mine)
            self._changed.notify_all()
        while (batch := self._next(key, mine, gather=not alone)) is not None:
            try:
                self._answer(call, name, batch, joined)
            finally:
                self._leave(batch)
        return mine.result()

    def _next(self, key: Hashable, mine: _Request, gather: bool) -> list[_Request] | None:
        """Waits for a place and takes a batch, which may be empty; None once another thread has answered `mine`."""
        with self._changed:
            while not mine.done and (mine.taken or not self._free or key in self._gathering):
                left = math.inf if mine.taken else mine.deadline - time.monotonic()
                if left <= 0:
                    self._queues[key].remove(mine)
                    self._forget(key)
                    raise _late()
                self._changed.wait(None if math.isinf(left) else min(left, threading.TIMEOUT_MAX))
            if mine.done:
                return None
            self._free -= 1
            if gather and self._wait:
                self._gathering.add(key)
                self._changed.wait_for(lambda: self._rows_of(key) >= self._rows, self._wait)
                self._gathering.discard(key)
                self._changed.notify_all()
            return self._take(key)

    def _rows_of(self, key: Hashable) -> int:
        return sum(request.rows for request in self._queues.get(key, ()))

    def _take(self, key: Hashable) -> list[_Request]:
        """The oldest requests, as many as a call may have; those whose time is over are done."""
        queue, batch, rows = self._queues[key], list[_Request](), 0
        now = time.monotonic()
        while queue and (not batch or rows + queue[0].rows <= self._rows):
            request = queue.popleft()
            if request.deadline <= now:
                request.error, request.done = _late(), True
                continue
            request.taken = True
            batch.append(request)
            rows += request.rows
        self._forget(key)
        return batch

    def _forget(self, key: Hashable) -> None:
        """Keys are many (each request that is asked alone has its own): none is kept for an empty queue."""
        if not self._queues[key]:
            del self._queues[key]

    def _answer(self, call: Call, name: str, batch: Sequence[_Request], joined: Collection[str]) -> None:
        if len(batch) > 1 and (parts := _together(call, batch, joined)) is not None:
            self._observe(name, len(batch))
            for request, part in zip(batch, parts, strict=True):
                request.outputs = part
            return
        for request in batch:
            self._observe(name, 1)
            request.run(call)

    def _leave(self, batch: Sequence[_Request]) -> None:
        with self._changed:
            for request in batch:
                request.done = True
            self._free += 1
            self._changed.notify_all()


def _together(call: Call, batch: Sequence[_Request], joined: Collection[str]) -> list[Arrays] | None:
    """Each request's outputs by one call; None where it fails, or can't be split."""
    try:
        outputs = call(join([request.inputs for request in batch], joined))
    except Exception:  # Whose fault it is shows when each is asked alone.
        return None
    return split(outputs, [request.rows for request in batch])
