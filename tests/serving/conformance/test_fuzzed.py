"""A few hundred requests that nobody should send; `benchmarks/serving/fuzz_server.py` sends a hundred thousand."""

from __future__ import annotations

from typing import Any

import pytest


def test_whatever_is_sent_has_a_proper_answer(
    monkeypatch: pytest.MonkeyPatch, asking: Any, address: str, real: bool
) -> None:
    if real:
        pytest.skip("these are the embedded server's answers; nobody asked for a crashed TF Serving")
    from benchmarks.serving import fuzz_server

    monkeypatch.setattr(fuzz_server, "DEADLINE", 300.0)
    found = fuzz_server.fuzz(address, lambda: 1, requests=300, seed=1)
    assert fuzz_server.complain(found) == []
    codes = {code for counts in found.counts.values() for code in counts}
    assert codes == {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "INTERNAL"}
    assert asking.status() == [(10, "AVAILABLE"), (9, "AVAILABLE")]


def test_an_answer_that_may_not_be_is_a_complaint() -> None:
    from benchmarks.serving import fuzz_server

    found = fuzz_server.Found(wrong=[(7, "Predict", "UNKNOWN", "oops")], memory=(100, 120), ended=True)
    assert [line.split(":")[0] for line in fuzz_server.complain(found)] == [
        "request 7",
        "the server ended",
        "the server's memory grew by 20% after the first tenth of the requests",
    ]
    assert fuzz_server.complain(fuzz_server.Found(memory=(100, 109))) == []
