"""The gateway between a site and a real server of a real model."""

from __future__ import annotations

import contextlib
import importlib
import json
import pathlib
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from aisle.schema.hashing import place_of
from aisle.serving.releases.pushed import promote

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")


@contextlib.contextmanager
def gateway_to(target: str, *words: str) -> Iterator[str]:
    """http://HOST:PORT of a gateway to a server."""
    started = ["gateway", "--target", target, "--port", "0", "--timeout", "10", *words]
    gateway = subprocess.Popen(
        [sys.executable, "-m", "aisle.cli.main", *started], stdout=subprocess.PIPE, text=True
    )
    assert gateway.stdout is not None
    try:
        yield gateway.stdout.readline().split()[-1]
    finally:
        gateway.terminate()
        gateway.communicate()


@pytest.fixture(scope="module")
def address(target: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """http://HOST:PORT of a gateway to that server."""
    with gateway_to(target, "--log", str(tmp_path_factory.mktemp("live"))) as there:
        yield there


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


def test_a_gateway_asks_the_version_of_each_users_arm(
    tmp_path: pathlib.Path, save_tiny_model: Callable[..., None], server_control: Callable
) -> None:
    base = tmp_path / "aisle"
    for version, label in ((1, "stable"), (2, "canary")):
        save_tiny_model(base / str(version), factor=float(version))
        promote(base, version, label)
    _, target = server_control(base)
    (tmp_path / "experiments.toml").write_text(
        '[[experiment]]\nname = "rerank"\narms = [{name = "as-is", share = 0.5, label = "stable"}, '
        '{name = "new", share = 0.5, label = "canary"}]\n[[metric]]\nname = "clicks"\nmeasure = {event = "click"}\n'
    )
    words = ["--log", str(tmp_path / "live"), "--experiments", str(tmp_path / "experiments.toml")]
    with gateway_to(target, *words) as address:
        for user in [f"user-{number}" for number in range(6)]:
            with urllib.request.urlopen(f"{address}/v1/recommend?user_id={user}&k=1", timeout=30) as came:
                answer = json.load(came)
            version = 1 if place_of("rerank", user.encode()) < 0.5 else 2
            assert answer["version"] == version and answer["items"][0]["score"] == 4.0 * version
            assert answer["assigned"]["arm"] == ("as-is", "new")[version - 1]
