"""What the embedded server logs of its requests, read by the anomaly gate and held against the events."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pyarrow as pa

from aisle.components.anomaly_gate.comparison import compare
from aisle.components.anomaly_gate.evidence import TableEvidence
from aisle.components.anomaly_gate.judge import judge
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.anomaly_gate.serving_log import read_log
from aisle.components.anomaly_gate.statistics import table_statistics
from aisle.serving.server.request_log import RequestLog
from aisle.serving.wire import messages_pb2
from aisle.serving.wire.tensors import to_proto

DAY = 24 * 60 * 60 * 1_000_000
ROWS = 1500
WORDS = ("mug", "lamp", "chair", "rug")
PREDICT = "/tensorflow.serving.PredictionService/Predict"


def _events() -> TableEvidence:
    """Searches of a shop, half of them by nobody that is known, with what was chosen."""
    rng = np.random.default_rng(1)
    columns = {
        "timestamp": pa.array(rng.integers(19_000, 19_100, ROWS) * DAY),
        "event": pa.array(rng.choice(["click", "purchase"], ROWS)),
        "item_id": pa.array([f"i{n}" for n in rng.integers(0, 100, ROWS)]),
        "user_id": pa.array([f"u{n}" if n < 50 else None for n in rng.integers(0, 100, ROWS)]),
        "query": pa.array(rng.choice(WORDS, ROWS, p=[0.4, 0.3, 0.2, 0.1])),
    }
    rows = pa.table(columns)
    counts = {"read": ROWS, "kept": ROWS, "quarantined": 0}
    return TableEvidence("events", counts, statistics=table_statistics(rows), rows=rows)


def _request(signature: str, **inputs: Any) -> messages_pb2.PredictRequest:
    spec = messages_pb2.ModelSpec(name="aisle", signature_name=signature)
    request = messages_pb2.PredictRequest(model_spec=spec)
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(to_proto(value))
    return request


def _text(value: object) -> np.ndarray:
    return np.array([str(value).encode()], object)


def _logged(folder: pathlib.Path, shares: list[float], known: float = 0.5) -> pa.Table:
    """The log of searches with words of such shares, by users of which so many are known, as the gate reads it."""
    rng = np.random.default_rng(2)
    log = RequestLog(folder, share=1.0, rows=500)
    k = np.array(10, np.int32)
    for word in rng.choice(WORDS, ROWS, p=shares):
        user = f"u{rng.integers(0, 50)}" if rng.random() < known else ""
        log.observe(PREDICT, _request("search", query=_text(word), user_id=_text(user), k=k), "OK", 0.02)
    for item in range(20):
        log.observe(PREDICT, _request("similar", item_id=_text(f"i{item}"), k=k), "OK", 0.01)
    log.close()
    return read_log(str(folder))


def _found(log: pa.Table) -> tuple[str, dict[str, Any]]:
    """The gate's verdict on the events beside the log, and its findings by name."""
    events, options = _events(), GateOptions(skew_by_column={"events.query": 0.2})
    report = judge([events], options, 20_000 * DAY, compare([events], options, {}, curated=False, log=log))
    return report["verdict"], {anomaly["name"]: anomaly for anomaly in report["anomalies"]}


def test_requests_as_the_events_are_no_anomaly(tmp_path: pathlib.Path) -> None:
    verdict, found = _found(_logged(tmp_path, [0.4, 0.3, 0.2, 0.1]))
    assert found == {}
    assert verdict == "passed"


def test_other_queries_than_those_trained_on_are_skew_and_block(tmp_path: pathlib.Path) -> None:
    verdict, found = _found(_logged(tmp_path, [0.1, 0.1, 0.1, 0.7]))
    assert list(found) == ["serving_log.query:SKEW"]
    assert found["serving_log.query:SKEW"]["contributors"][0]["value"] == "rug"
    assert verdict == "blocked"


def test_requests_without_a_user_count_as_such(tmp_path: pathlib.Path) -> None:
    _, found = _found(_logged(tmp_path, [0.4, 0.3, 0.2, 0.1], known=0.0))
    assert list(found) == ["serving_log.user_id:FILLED_CHANGED"]
    assert found["serving_log.user_id:FILLED_CHANGED"]["severity"] == "WARNING"
