"""A job server and workers in processes of their own, on loopback, and a small shop's runs here and by them."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from aisle.datasets.simulator import SimulatorOptions, simulate, write

HERE = pathlib.Path(__file__).parent
WORKERS = 2


def free_port() -> int:
    """A port of loopback that nobody listens to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Where jobs are handed in, and where their workers come from: HOST:PORT of each."""

    job_server: str
    workers: str

    @property
    def beam_args(self) -> tuple[str, ...]:
        """Beam's arguments that have it work there."""
        return (
            *("--runner=PortableRunner", f"--job_endpoint={self.job_server}"),
            # A job that takes longer than a minute is else given up by who waits for it.
            "--job_server_timeout=3600",
            *("--environment_type=EXTERNAL", f"--environment_config={self.workers}"),
            *(f"--direct_num_workers={WORKERS}", f"--parallelism={WORKERS}"),
        )


def _started(port: int, *words: str) -> subprocess.Popen[bytes]:
    """Starts a server by this Python, in a session of its own, and waits until it listens."""
    # The pool starts `python`: it must be this one.
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", *words], env={**os.environ, "PATH": path}, start_new_session=True
    )
    for _ in range(1_200):
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return process
        assert process.poll() is None, f"{words} ended with {process.returncode}"
        time.sleep(0.25)
    raise AssertionError(f"{words} does not listen on port {port}")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The job server that `AISLE_JOB_SERVER` names, or Beam's own, and a pool of workers."""
    started, ports = [], (free_port(), free_port())
    server = os.environ.get("AISLE_JOB_SERVER", "")
    try:
        if not server:
            module = "apache_beam.runners.portability.local_job_service_main"
            started.append(_started(ports[0], "-m", module, "--port", str(ports[0])))
        started.append(_started(ports[1], str(HERE / "worker_pool.py"), str(ports[1])))
        yield Cluster(server or f"127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}")
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A simulated shop's tables, with every kind of dirt."""
    folder = tmp_path_factory.mktemp("shop")
    write(simulate(SimulatorOptions(users=120, items=120, days=30, dirt=0.1)), folder)
    return folder
