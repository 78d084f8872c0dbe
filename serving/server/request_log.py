"""A sample of the requests of the embedded server, as Parquet that the anomaly gate reads (`gate.serving_log`)."""

from __future__ import annotations

import datetime
import logging
import pathlib
import queue
import random
import threading
import time
import uuid
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from aisle.schema.errors import InputError
from aisle.schema.whole_files import whole_file
from aisle.serving.server.metrics import signature_label

SCHEMA = pa.schema(
    {
        "timestamp": pa.timestamp("us", "UTC"),
        "signature": pa.string(),
        "query": pa.string(),
        "user_id": pa.string(),
        "item_id": pa.string(),
        "k": pa.int32(),
        "code": pa.string(),
        "milliseconds": pa.float64(),
    }
)
"""A row for each row of a request; `timestamp`, `query`, `user_id`, `item_id` as in the table of events."""

_WAITING = 10_000
"""Requests that wait to be written; beyond, they are dropped rather than keep an answer waiting."""
_FILE_ROWS = 10_000
_FILE_SECONDS = 60.0
_CELL_BYTES = 4_096
"""Of a text; longer ones are cut."""


class RequestLog:
    """Writes a sample of requests to files `requests-TIME-….parquet`, whole ones by a rename.

    A thread of its own writes; a request never waits for it. `close` writes what is left.
    """

    def __init__(self, folder: str | pathlib.Path, share: float, rows: int = _FILE_ROWS) -> None:
        """Starts the log.

        Args:
            folder: where the files go; made where it is missing.
            share: of the requests that are logged, 0 to 1.
            rows: of a file; one is also ended after a minute.

        Raises:
            InputError: there is no such folder, and none can be made.
        """
        self._folder = pathlib.Path(folder)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"--log {folder} can't be written to: {error.strerror}; name a folder"
            ) from error
        self._share, self._rows = share, rows
        self._waiting: queue.Queue[tuple[float, Any, str, float] | None] = queue.Queue(_WAITING)
        self._dropped = 0
        self._thread = threading.Thread(target=self._write, name="request-log", daemon=True)
        self._thread.start()

    def observe(self, method: str, request: Any, code: str, seconds: float) -> None:
        """An Observer (see `metrics`): takes a Predict request into the sample, or not."""
        # Bytes that were no message have no inputs.
        if (
            not method.endswith("/Predict")
            or not hasattr(request, "inputs")
            or random.random() >= self._share
        ):
            return
        try:
            self._waiting.put_nowait((time.time(), request, code, seconds))
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Writes what waits and ends the thread."""
        self._waiting.put(None)
        self._thread.join()
        if self._dropped:
            logging.getLogger(__name__).warning(
                "%d requests were not logged: the log was behind", self._dropped
            )

    def _write(self) -> None:
        rows: list[dict[str, Any]] = []
        due = time.monotonic() + _FILE_SECONDS
        ended = False
        while not ended:
            try:
                one = self._waiting.get(timeout=max(0.0, due - time.monotonic()))
                ended = one is None
                if one is not None:
                    rows += logged_rows(*one)
            except queue.Empty:
                pass
            if ended or len(rows) >= self._rows or time.monotonic() >= due:
                self._flush(rows)
                rows, due = [], time.monotonic() + _FILE_SECONDS

    def _flush(self, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
        target = self._folder / f"requests-{stamp}-{uuid.uuid4().hex[:8]}.parquet"
        try:
            with whole_file(target) as partial:
                pq.write_table(pa.Table.from_pylist(rows, SCHEMA), partial)
        except OSError as error:  # A full disk must not end the server.
            logging.getLogger(__name__).error("%d logged requests are lost: %s", len(rows), error)


def logged_rows(at: float, request: Any, code: str, seconds: float) -> list[dict[str, Any]]:
    """What is logged of a PredictRequest, a row for each of its rows; an input it lacks is null.

    Args:
        at: seconds since 1970, when it was answered.
        request: a PredictRequest.
        code: the status code's name.
        seconds: that it took.
    """
    texts = {name: _texts(request, name) for name in ("query", "user_id", "item_id")}
    k = _number(request, "k")
    return [
        {
            "timestamp": datetime.datetime.fromtimestamp(at, datetime.timezone.utc),
            "signature": signature_label(request),
            **{name: values[row] if row < len(values) else None for name, values in texts.items()},
            "k": k,
            "code": code,
            "milliseconds": seconds * 1e3,
        }
        for row in range(max((len(values) for values in texts.values()), default=0))
    ]


def _texts(request: Any, name: str) -> list[str]:
    """The strings of an input, and none where it is absent; `request.inputs[name]` would make it."""
    if name not in request.inputs:
        return []
    return [value[:_CELL_BYTES].decode("utf-8", "replace") for value in request.inputs[name].string_val]


def _number(request: Any, name: str) -> int | None:
    """An int32 scalar, however the client wrote it; None where it is absent or something else."""
    if name not in request.inputs:
        return None
    proto = request.inputs[name]
    if len(proto.int_val):
        return int(proto.int_val[0])
    return (
        int.from_bytes(proto.tensor_content, "little", signed=True)
        if len(proto.tensor_content) == 4
        else None
    )
