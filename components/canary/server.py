"""The embedded server as a process of its own, which always ends."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator

from aisle.components.canary.failure import CanaryFailure
from aisle.components.canary.process import START_SECONDS, end, lay_out, log_tail
from aisle.components.canary.served import Served

_READY = "listening on "


@contextlib.contextmanager
def embedded_server(module: str, model_path: str, folder: pathlib.Path) -> Iterator[Served]:
    """Serves the model as version 1 on a free port.

    Args:
        module: served by `python -m`.
        model_path: the SavedModel's folder.
        folder: an empty one, for the version folder and the server's log.

    Raises:
        CanaryFailure: the server ended, or said nothing, instead of listening.
    """
    base = lay_out(model_path, folder)
    log = folder / "server.log"
    command = [sys.executable, "-m", module, "--base", str(base), "--port", "0"]
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder)
    try:
        yield Served(_address(process, log))
    finally:
        end(process)


def _address(process: subprocess.Popen[str], log: pathlib.Path) -> str:
    """HOST:PORT that the server prints once it is ready."""
    assert process.stdout is not None
    # Killing the process ends its output, and so the loop below.
    late = threading.Event()

    def end_late() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(START_SECONDS, end_late)
    timer.start()
    try:
        for line in process.stdout:
            if line.startswith(_READY):
                return line[len(_READY) :].strip()
    finally:
        timer.cancel()
    code = process.wait()
    if late.is_set():
        raise CanaryFailure(
            f"the server was not ready within {START_SECONDS:g} seconds, and was ended: {log_tail(log)}"
        )
    raise CanaryFailure(f"the server did not start (exit code {code}): {log_tail(log)}")
