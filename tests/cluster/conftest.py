"""Job servers and workers in processes of their own, on loopback, and a small shop's runs here and by them."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import TypeVar

import pytest

from aisle.datasets.simulator import SimulatorOptions, simulate, write
from benchmarks.cluster.engine import Engine, NoEngine
from benchmarks.cluster.flink import Flink
from benchmarks.cluster.portable import beam_args, beams_job_server, worker_pool
from benchmarks.cluster.spark import Spark

CACHED = pathlib.Path("build/cluster").absolute()
AnEngine = TypeVar("AnEngine", bound=Engine)
RUNNER = pathlib.Path(__file__).with_name("portable_run.py")


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The HOST:PORT of a pool of workers."""
    with worker_pool(tmp_path_factory.mktemp("workers")) as pool:
        yield pool.address


@pytest.fixture(scope="session")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flink]:
    """A Flink of two task managers."""
    yield from _running(Flink, tmp_path_factory.mktemp("flink"))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    """A Spark of two workers."""
    yield from _running(Spark, tmp_path_factory.mktemp("spark"))


def _running(kind: type[AnEngine], folder: pathlib.Path) -> Iterator[AnEngine]:
    try:
        engine = kind(folder, CACHED)
    except NoEngine as error:
        pytest.skip(str(error))
    with engine:
        yield engine


@pytest.fixture(scope="session", params=["beam", "flink", "spark"])
def job_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The HOST:PORT of Beam's own job server, then of Flink's and Spark's; or of the one that `AISLE_JOB_SERVER` names."""
    if named := os.environ.get("AISLE_JOB_SERVER"):
        if request.param != "beam":
            pytest.skip("AISLE_JOB_SERVER names the one to ask")
        yield named
    elif request.param == "beam":
        with beams_job_server(tmp_path_factory.mktemp("beam")) as server:
            yield server.address
    else:
        yield request.getfixturevalue(request.param).job_server


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A simulated shop's tables, with every kind of dirt."""
    folder = tmp_path_factory.mktemp("shop")
    write(simulate(SimulatorOptions(users=120, items=120, days=30, dirt=0.1)), folder)
    return folder


@pytest.fixture(scope="session")
def here(shop: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The artifacts of a run in one process."""
    return ran(shop, tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="session")
def there(
    shop: pathlib.Path, job_server: str, workers: str, tmp_path_factory: pytest.TempPathFactory
) -> pathlib.Path:
    """The artifacts of a run by workers."""
    return ran(shop, tmp_path_factory.mktemp("there"), *beam_args(job_server, workers))


def ran(shop: pathlib.Path, out: pathlib.Path, *args: str) -> pathlib.Path:
    """Runs the pipeline, to the labels and through Transform, by the arguments of Beam; returns its artifacts."""
    done = subprocess.run(command(shop, out, *args), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-4000:]
    return out / "artifacts"


def command(shop: pathlib.Path, out: pathlib.Path, *args: str) -> list[str]:
    """The command line of such a run."""
    return [sys.executable, "-W", "ignore", str(RUNNER), str(shop), str(out), *args]
