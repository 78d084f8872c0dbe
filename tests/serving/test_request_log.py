"""The sample of requests, against requests that a test made."""

from __future__ import annotations

import datetime
import pathlib
import shutil
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from aisle.schema.errors import InputError
from aisle.serving.server import request_log
from aisle.serving.server.request_log import RequestLog, logged_rows
from aisle.serving.wire import messages_pb2
from aisle.serving.wire.tensors import to_proto

PREDICT = "/tensorflow.serving.PredictionService/Predict"


def make_request(signature: str, k: int | None = None, **texts: list[str]) -> Any:
    spec = messages_pb2.ModelSpec(name="aisle", signature_name=signature)
    request = messages_pb2.PredictRequest(model_spec=spec)
    for name, values in texts.items():
        request.inputs[name].string_val.extend(value.encode() for value in values)
    if k is not None:
        request.inputs["k"].int_val.append(k)
    return request


def read(folder: pathlib.Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_each_row_of_a_request_is_a_row() -> None:
    request = make_request("search", 5, query=["red mug", "lamp"], user_id=["u1", ""])
    rows = logged_rows(1.5, request, "OK", 0.25)
    assert [(row["query"], row["user_id"], row["k"]) for row in rows] == [
        ("red mug", "u1", 5),
        ("lamp", "", 5),
    ]
    first = rows[0]
    assert first["timestamp"] == datetime.datetime(1970, 1, 1, 0, 0, 1, 500_000, datetime.timezone.utc)
    assert (first["signature"], first["item_id"], first["code"]) == ("search", None, "OK")
    assert first["milliseconds"] == 250.0


def test_a_number_is_read_as_our_client_and_as_tensorflow_write_it() -> None:
    request = make_request("search", query=["mug"])
    assert logged_rows(0.0, request, "OK", 0.0)[0]["k"] is None
    request.inputs["k"].CopyFrom(to_proto(np.array(7, np.int32)))
    assert logged_rows(0.0, request, "OK", 0.0)[0]["k"] == 7
    request = make_request("search", -2, query=["mug"])
    assert logged_rows(0.0, request, "OK", 0.0)[0]["k"] == -2
    request.inputs["k"].Clear()
    request.inputs["k"].tensor_content = b"too long for one"
    assert logged_rows(0.0, request, "OK", 0.0)[0]["k"] is None


def test_reading_a_request_leaves_it_as_it_was() -> None:
    request = make_request("similar", item_id=["i1"])
    assert [row["item_id"] for row in logged_rows(0.0, request, "OK", 0.0)] == ["i1"]
    assert list(request.inputs) == ["item_id"]


def test_a_long_text_is_cut_and_bytes_that_are_no_text_are_replaced() -> None:
    request = make_request("search", query=["x" * 100_000])
    request.inputs["query"].string_val.append(b"\xff")
    first, second = logged_rows(0.0, request, "OK", 0.0)
    assert len(first["query"]) == 4_096
    assert second["query"] == "\N{REPLACEMENT CHARACTER}"


def test_what_was_taken_is_written_when_the_log_is_closed(tmp_path: pathlib.Path) -> None:
    log = RequestLog(tmp_path / "log", share=1.0)
    for number in range(3):
        log.observe(PREDICT, make_request("search", query=[f"mug {number}"], user_id=["u"]), "OK", 0.01)
    log.observe("/grpc.health.v1.Health/Check", messages_pb2.PredictRequest(), "OK", 0.01)
    log.close()
    assert [row["query"] for row in read(tmp_path / "log")] == ["mug 0", "mug 1", "mug 2"]
    assert not list((tmp_path / "log").glob(".*"))


def test_a_folder_that_cant_be_made_is_said_in_one_line(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--log .*/file can't be written to: File exists; name a folder"):
        RequestLog(tmp_path / "file", 1.0)


def test_a_share_of_nothing_logs_nothing(tmp_path: pathlib.Path) -> None:
    log = RequestLog(tmp_path, share=0.0)
    log.observe(PREDICT, make_request("search", query=["mug"]), "OK", 0.01)
    log.close()
    assert read(tmp_path) == []


def test_files_end_after_so_many_rows(tmp_path: pathlib.Path) -> None:
    log = RequestLog(tmp_path, share=1.0, rows=2)
    for number in range(5):
        log.observe(PREDICT, make_request("search", query=[str(number)]), "OK", 0.01)
    log.close()
    assert len(list(tmp_path.glob("*.parquet"))) == 3
    assert sorted(row["query"] for row in read(tmp_path)) == list("01234")


def test_a_folder_that_went_away_loses_rows_and_not_the_server(tmp_path: pathlib.Path, caplog: Any) -> None:
    folder = tmp_path / "log"
    log = RequestLog(folder, share=1.0, rows=1)
    shutil.rmtree(folder)
    log.observe(PREDICT, make_request("search", query=["mug"]), "OK", 0.01)
    log.close()
    assert "1 logged requests are lost" in caplog.text


def test_a_log_that_is_behind_drops_requests_and_says_so(
    tmp_path: pathlib.Path, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(request_log, "_WAITING", 1)
    monkeypatch.setattr(RequestLog, "_write", lambda self: None)
    log = RequestLog(tmp_path, share=1.0)
    for _ in range(3):
        log.observe(PREDICT, make_request("search", query=["mug"]), "OK", 0.01)
    log._waiting.get()
    log.close()
    assert "2 requests were not logged" in caplog.text
