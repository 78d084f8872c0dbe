"""A server's process: its model's folder, the end of its log, its own end."""

from __future__ import annotations

import os
import pathlib
import subprocess

from tfx.utils import io_utils

from aisle.schema.contract import MODEL_NAME

START_SECONDS = 300.0
"""That a server may take until the model answers."""
END_SECONDS = 15.0
_LOG_LINES = 5


def lay_out(model_path: str, folder: pathlib.Path) -> pathlib.Path:
    """Makes the SavedModel version 1 below a base folder in `folder`; copied where it is not on this machine."""
    base = folder / MODEL_NAME
    base.mkdir()
    if os.path.isdir(model_path):
        (base / "1").symlink_to(os.path.abspath(model_path), target_is_directory=True)
    else:
        io_utils.copy_dir(model_path, str(base / "1"))
    return base


def log_tail(log: pathlib.Path) -> str:
    """The last lines of a server's log, as one."""
    return " | ".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:])


def end(process: subprocess.Popen[str]) -> None:
    """Ends the process: asks it to, and kills it where it doesn't."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
