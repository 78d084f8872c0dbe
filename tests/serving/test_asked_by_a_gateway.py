"""The gateway between a site and a real server of a real model."""

from __future__ import annotations

import importlib
import json
import pathlib
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")


@pytest.fixture(scope="module")
def address(target: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """http://HOST:PORT of a gateway to that server."""
    log = str(tmp_path_factory.mktemp("live"))
    words = ["gateway", "--target", target, "--port", "0", "--timeout", "10", "--log", log]
    gateway = subprocess.Popen(
        [sys.executable, "-m", "aisle.cli.main", *words], stdout=subprocess.PIPE, text=True
    )
    assert gateway.stdout is not None
    try:
        yield gateway.stdout.readline().split()[-1]
    finally:
        gateway.terminate()
        gateway.communicate()


def test_a_gateway_asks_the_served_model(address: str) -> None:
    def ask(path: str) -> dict:
        with urllib.request.urlopen(f"{address}/v1/{path}", timeout=30) as answer:
            return json.load(answer)

    best = [{"item_id": "a", "score": 4.0}, {"item_id": "b", "score": 3.0}]
    for path in ("search?query=red", "recommend?session_id=s1", "similar?item_id=d"):
        answer = ask(f"{path}&k=2")
        assert (answer["items"], answer["version"], answer["stale"]) == (best, 7, False)
    assert ask("rank?item_ids=a&item_ids=long")["items"][1] == {"item_id": "long", "score": 4.0}
    (why,) = ask("explain?query=red&item_ids=a")["items"]
    assert (why["score"], sum(part["contribution"] for part in why["parts"])) == (2.0, 2.0)
    assert ask("search?query=red&in_stock=true&category=Hats")["facets"]["categories"] == [
        {"value": "Hats", "count": 3}
    ]


def test_nothing_that_the_contract_tells_of_fails_or_is_answered_otherwise(
    address: str, tmp_path: pathlib.Path
) -> None:
    pytest.importorskip("schemathesis", reason="schemathesis is absent: pip install 'aisle[dev]'")
    contract = importlib.import_module("benchmarks.live.contract")
    found = contract.ask_everything(
        address, tmp_path / "report.json", 2, 1, "--phases", "examples,coverage,fuzzing"
    )
    with urllib.request.urlopen(f"{address}/openapi.json", timeout=30) as answer:
        told = sum(len(methods) for methods in json.load(answer)["paths"].values())
    assert (found["failures"], found["operations"]) == (0, told)
    assert found["requests"] > 500
