"""The gateway between a site and a real server of a real model."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import urllib.request

import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")


def test_a_gateway_asks_the_served_model(target: str, tmp_path: pathlib.Path) -> None:
    words = ["gateway", "--target", target, "--port", "0", "--timeout", "10", "--log", str(tmp_path)]
    command = [sys.executable, "-m", "aisle.cli.main", *words]
    gateway = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert gateway.stdout is not None
    address = gateway.stdout.readline().split()[-1]

    def ask(path: str) -> dict:
        with urllib.request.urlopen(f"{address}/v1/{path}", timeout=30) as answer:
            return json.load(answer)

    try:
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
    finally:
        gateway.terminate()
        gateway.communicate()
