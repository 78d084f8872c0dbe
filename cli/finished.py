"""A run that is finished: its cleaned tables, and its model behind a server."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

from aisle.schema.errors import AisleError


def cleaned(output: pathlib.Path, name: str) -> pathlib.Path:
    """The folder of the newest artifact of that name that the Cleaner wrote."""
    from aisle.pipeline.paths import Layout

    folders = (pathlib.Path(Layout(str(output)).artifacts) / "Cleaner" / name).iterdir()
    return max((folder for folder in folders if folder.name.isdecimal()), key=lambda folder: int(folder.name))


@contextlib.contextmanager
def embedded_server(output: pathlib.Path) -> Iterator[str]:
    """Serves the output's model on a free port; yields its address, ends the server after."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "aisle.serving.server",
        "--base",
        str(output / "serving" / "aisle"),
        "--port",
        "0",
    ]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=quiet) as process:
        try:
            assert process.stdout is not None
            line = next((line for line in process.stdout if "listening on" in line), "")
            if not line:
                raise AisleError("the server did not start; run `aisle serve` to see why")
            yield line.split()[-1]
        finally:
            process.terminate()
