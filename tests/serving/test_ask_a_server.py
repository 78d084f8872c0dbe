"""The client against a real server process, and the model in this process beside it."""

from __future__ import annotations

import os
import pathlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable

import pytest

from aisle.schema.contract import SEARCH
from aisle.schema.errors import InputError
from aisle.serving import (
    Client,
    DeadlineExceeded,
    Facet,
    Filters,
    Recommender,
    RequestRefused,
    Retry,
    ScoredItem,
    Unreachable,
)
from aisle.serving.local import LocalModel

Start = Callable[..., tuple[subprocess.Popen[str], str]]
ITEMS = [ScoredItem("a", 4.0), ScoredItem("b", 3.0), ScoredItem("c", 2.0), ScoredItem("d", 1.0)]


@pytest.fixture(scope="module", params=["client", "local model", "TF Serving"])
def recommender(request: pytest.FixtureRequest) -> Recommender:
    """Each way to ask; TF Serving too where AISLE_TF_SERVING names one that serves tiny_model.py's model."""
    if request.param == "client":
        return Client(request.getfixturevalue("target"))
    if request.param == "local model":
        return LocalModel(request.getfixturevalue("out") / "serving" / "aisle")
    if not os.environ.get("AISLE_TF_SERVING"):
        pytest.skip("AISLE_TF_SERVING names no HOST:PORT of a TF Serving")
    return Client(os.environ["AISLE_TF_SERVING"])


def test_all_questions_are_answered(recommender: Recommender) -> None:
    assert recommender.search("shirt", k=2) == ITEMS[:2]
    assert recommender.recommend("nobody", history=["a"], exclude_seen=True, k=1) == ITEMS[:1]
    assert recommender.similar("unknown", k=9) == ITEMS
    assert recommender.rank("q", "u", ["a", "bbb", ""]) == [
        ScoredItem("a", 1.0),
        ScoredItem("bbb", 3.0),
        ScoredItem("", 0.0),
    ]


def test_a_filtered_search_is_answered_with_facets(recommender: Recommender) -> None:
    found = recommender.search("shirt", k=1, filters=Filters("Home/é", ("Acme",), (2.5, None), True))
    assert found.items == (ITEMS[0],)
    assert found.facets.categories == (Facet("Home/é", 3),)
    # The tiny model's brands tell what reached it.
    assert [facet.value for facet in found.facets.brands] == ["Acme", "2.50", "nan", "true"]


def test_batches_are_answered_row_by_row(recommender: Recommender) -> None:
    assert recommender.search_batch(["", "é✓"], k=1) == [ITEMS[:1]] * 2
    assert recommender.recommend_batch(["", "u"], k=1) == [ITEMS[:1]] * 2
    assert recommender.similar_batch(["a", "b", "c"], k=1) == [ITEMS[:1]] * 3
    answers = recommender.rank_batch(["q", "r"], ["", ""], [["a"], ["b", "cc"]])
    assert [[item.score for item in row] for row in answers] == [[1.0], [1.0, 2.0]]


def test_k_of_zero_is_no_item(recommender: Recommender) -> None:
    assert recommender.search("shirt", k=0) == []


def test_what_the_model_does_not_take_is_refused(recommender: Recommender) -> None:
    with pytest.raises(RequestRefused):
        recommender.predict(SEARCH, {})


def test_the_version_that_answers_is_told(target: str) -> None:
    with Client(target) as client:
        assert [(status.version, status.state, status.error) for status in client.versions()] == [
            (7, "AVAILABLE", "")
        ]


def test_a_port_nobody_listens_on_is_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreachable), Client(f"127.0.0.1:{port}", timeout=2) as client:
        client.search("x")


def test_a_server_that_says_nothing_is_a_passed_deadline() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(DeadlineExceeded), Client(target, timeout=0.5) as client:
            client.search("x")


def test_no_pushed_model_is_told_without_loading_tensorflow(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="run `aisle run DATA --out DIR` first"):
        LocalModel(tmp_path / "serving" / "aisle")


def test_no_request_fails_while_versions_switch_and_the_server_restarts(
    tmp_path: pathlib.Path, save_tiny_model: Callable[..., None], server_control: Start
) -> None:
    base = tmp_path / "aisle"
    save_tiny_model(base / "1")
    save_tiny_model(tmp_path / "next", factor=2.0)
    process, target = server_control(base)
    patient = Client(target, timeout=300, retry=Retry(longest_pause=0.2))
    seen: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            seen.append(patient.search("x", k=1)[0].score)

    def wait_until(reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 600
        while not reached():
            assert asking.is_alive() and time.monotonic() < deadline, seen[-3:]
            time.sleep(0.05)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        wait_until(lambda: len(seen) > 3)
        (tmp_path / "next").rename(base / "2")
        wait_until(lambda: seen[-1] == 8.0)
        process.terminate()
        process.communicate()
        before = len(seen)
        server_control(base, int(target.rpartition(":")[2]))
        wait_until(lambda: len(seen) > before + 3)
    finally:
        stop.set()
        asking.join(timeout=600)
        patient.close()
    assert not asking.is_alive()
    assert seen == sorted(seen)
    assert set(seen) == {4.0, 8.0}
