"""A model server as a process of its own, which always ends."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator

from tfx.utils import io_utils

from aisle.components.canary.failure import CanaryFailure
from aisle.schema.contract import MODEL_NAME

START_SECONDS = 300.0
END_SECONDS = 15.0
_READY = "listening on "
_LOG_LINES = 5


@contextlib.contextmanager
def running_server(module: str, model_path: str, folder: pathlib.Path) -> Iterator[str]:
    """Serves the model as version 1 on a free port; yields HOST:PORT.

    Args:
        module: served by `python -m`.
        model_path: the SavedModel's folder; copied first if it is not on this machine.
        folder: an empty one, for the version folder and the server's log.

    Raises:
        CanaryFailure: the server ended, or said nothing, instead of listening.
    """
    base = folder / MODEL_NAME
    base.mkdir()
    if os.path.isdir(model_path):
        (base / "1").symlink_to(os.path.abspath(model_path), target_is_directory=True)
    else:
        io_utils.copy_dir(model_path, str(base / "1"))
    log = folder / "server.log"
    command = [sys.executable, "-m", module, "--base", str(base), "--port", "0"]
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder)
    try:
        yield _address(process, log)
    finally:
        _end(process)


def _address(process: subprocess.Popen[str], log: pathlib.Path) -> str:
    """HOST:PORT that the server prints once it is ready."""
    assert process.stdout is not None
    # Killing the process ends its output, and so the loop below.
    timer = threading.Timer(START_SECONDS, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            if line.startswith(_READY):
                return line[len(_READY) :].strip()
    finally:
        timer.cancel()
    tail = " | ".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
    raise CanaryFailure(f"the server did not start (exit code {process.wait()}): {tail}")


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
