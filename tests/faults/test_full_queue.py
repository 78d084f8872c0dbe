"""More requests than a server answers and lets wait: refused at once, by a typed error, and it goes on."""

from __future__ import annotations

import concurrent.futures
import pathlib
import runpy
import subprocess
import sys
from collections.abc import Iterator

import pytest

from aisle.serving import Client, Overloaded

TINY = pathlib.Path(__file__).parents[1] / "serving" / "tiny_model.py"
ONE_AT_A_TIME = """
import sys
from aisle.serving.server.server import ServerOptions, serve
serve(sys.argv[1], ServerOptions(port=0, workers=1, waiting=0), lambda address: print(address, flush=True))
"""


@pytest.fixture
def address(tmp_path: pathlib.Path) -> Iterator[str]:
    """HOST:PORT of a server that answers one request and lets none wait."""
    runpy.run_path(str(TINY))["save_tiny_model"](tmp_path / "aisle" / "1")
    command = [sys.executable, "-c", ONE_AT_A_TIME, str(tmp_path / "aisle")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.communicate()


def test_what_comes_beyond_the_queue_is_refused_and_the_rest_is_answered(address: str) -> None:
    with Client(address, timeout=600) as client, concurrent.futures.ThreadPoolExecutor(32) as pool:

        def ask(_: int) -> str:
            try:
                return f"{len(client.search_batch(['shirt'] * 5000, k=4))} answers"
            except Overloaded as error:
                return error.code

        assert set(pool.map(ask, range(32))) == {"5000 answers", "RESOURCE_EXHAUSTED"}
        assert client.search("shirt", k=1)[0].item_id == "a"
