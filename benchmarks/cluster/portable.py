"""What speaks Beam's portable protocol on loopback: Beam's own job server, a pool of workers, and the arguments that name them."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import sys
from collections.abc import Iterator

from benchmarks.cluster.processes import ended, listening, started
from benchmarks.shared.ports import free_port

WORKERS = 2


@dataclasses.dataclass(frozen=True)
class Server:
    """One that runs: its HOST:PORT, and the process, which is a session."""

    address: str
    session: int


def beam_args(job_server: str, workers: str, parallelism: int = WORKERS) -> tuple[str, ...]:
    """Beam's arguments that have it work there.

    Args:
        job_server: where jobs are handed in, HOST:PORT.
        workers: where their workers come from, HOST:PORT.
        parallelism: how many pieces of work are done at a time.
    """
    return (
        *("--runner=PortableRunner", f"--job_endpoint={job_server}"),
        # A job that takes longer than a minute is else given up by who waits for it.
        "--job_server_timeout=86400",
        *("--environment_type=EXTERNAL", f"--environment_config={workers}"),
        *(f"--direct_num_workers={parallelism}", f"--parallelism={parallelism}"),
    )


def beams_job_server(folder: pathlib.Path) -> contextlib.AbstractContextManager[Server]:
    """Beam's own job server; what it says goes into a folder."""
    return _serving("apache_beam.runners.portability.local_job_service_main", folder, "--port")


def worker_pool(folder: pathlib.Path) -> contextlib.AbstractContextManager[Server]:
    """A pool of workers; what it and they say goes into a folder."""
    return _serving("aisle.components.plans.worker_pool", folder)


@contextlib.contextmanager
def _serving(module: str, folder: pathlib.Path, *words: str) -> Iterator[Server]:
    port, log = free_port(), folder / f"{module}.log"
    server = started([sys.executable, "-W", "ignore", "-m", module, *words, str(port)], log)
    try:
        listening(server, port, log)
        yield Server(f"127.0.0.1:{port}", server.pid)
    finally:
        ended([server])
