"""Two processes on loopback that train small models together, as TF_CONFIG tells them."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

from aisle.model.training import workers
from tests.s3_server import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = pathlib.Path(__file__).with_name("worker_training.py")


def trained_by_two(folder: pathlib.Path, parts: list[str]) -> list[dict[str, Any]]:
    """What each of two processes comes to, the chief first; see `worker_training.main`.

    Raises:
        RuntimeError: one ended with an error.
    """
    cluster = {"worker": [f"127.0.0.1:{free_port()}" for _ in range(2)]}
    outs = [folder / f"worker{number}" for number in range(2)]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    running = []
    for number, out in enumerate(outs):
        out.mkdir()
        config = {"cluster": cluster, "task": {"type": "worker", "index": number}}
        running.append(
            subprocess.Popen(
                [sys.executable, "-W", "ignore", str(SCRIPT), str(out), *parts],
                env={**os.environ, workers.VARIABLE: json.dumps(config), "PYTHONPATH": path},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        )
    said = [process.communicate()[0].decode(errors="replace")[-3000:] for process in running]
    if any(process.returncode for process in running):
        raise RuntimeError("\n".join(said))
    return [json.loads((out / "found.json").read_text(encoding="utf-8")) for out in outs]
