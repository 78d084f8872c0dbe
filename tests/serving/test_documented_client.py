"""The Python that docs/serving.md shows of the client runs, in the order a reader would type it."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from aisle.serving import Tls
from aisle.serving.testing import AsyncFakeTransport, FakeTransport

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "serving.md"
ANSWERS = dict.fromkeys(
    ["search", "filtered_search", "recommend", "similar", "rank", "explain"], [("i1", 0.5), ("i2", 0.25)]
)


def test_the_documented_client_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def answering(fake: Callable[..., Any]) -> Callable[..., Any]:
        return staticmethod(lambda target, max_message_bytes, tls: fake(ANSWERS))

    monkeypatch.setattr("aisle.serving.client.client.Client._grpc", answering(FakeTransport))
    monkeypatch.setattr("aisle.serving.client.async_client.AsyncClient._grpc", answering(AsyncFakeTransport))
    # Its files are the reader's own.
    monkeypatch.setattr(Tls, "__post_init__", lambda self: None)
    blocks = re.findall(
        r"^```python\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert len(blocks) > 6
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(DOCUMENT), "exec"), names)
    assert names["ranked"].fallback is False
