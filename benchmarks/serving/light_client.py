"""What a backend pays that asks by `aisle.serving.Client`: bytes, seconds of import, memory.

    python -m benchmarks.serving.light_client dist/aisle-0.1.0-py3-none-any.whl --check
    python -m benchmarks.serving.light_client dist/aisle-0.1.0-py3-none-any.whl --target 127.0.0.1:8500

Installs the wheel alone into an environment of its own. With `--target`, a search is part of what is timed.
"""

from __future__ import annotations

import json
import pathlib
import statistics
import subprocess
import sys
from typing import Any

from benchmarks.shared.command import Command, Figure

ROUNDS = 7

_ASK = """
import json, sys, time
started = time.perf_counter()
from aisle.serving import Client
imported = time.perf_counter() - started
if sys.argv[1]:
    with Client(sys.argv[1]) as client:
        client.search("red shirt", k=5)
# Not by getrusage, where a process starts from the peak of the one that began it.
peak = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
print(json.dumps([imported, time.perf_counter() - started, peak / 1024]))
"""


def _size(folder: pathlib.Path) -> float:
    """In MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def measure(wheel: str, target: str, folder: pathlib.Path) -> dict[str, Any]:
    """The figures, by name: megabytes (10^6 bytes) and seconds, medians of `ROUNDS` processes."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    python = str(folder / "venv" / "bin" / "python")
    pip = [python, "-m", "pip", "--quiet"]
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    before = _size(packages)
    subprocess.run([*pip, "download", "--dest", str(folder / "wheels"), wheel], check=True)
    subprocess.run([*pip, "install", "--no-index", "--find-links", str(folder / "wheels"), wheel], check=True)
    rounds = [
        json.loads(subprocess.run([python, "-c", _ASK, target], capture_output=True, check=True).stdout)
        for _ in range(ROUNDS)
    ]
    imported, asked, memory = (statistics.median(column) for column in zip(*rounds, strict=True))
    figures = {
        "download_mb": _size(folder / "wheels"),
        "installed_mb": _size(packages) - before,
        "import_s": imported,
        "memory_mb": memory,
    }
    return {**figures, "import_and_search_s": asked} if target else figures


FIGURES = (
    Figure("download_mb", lambda found: found["download_mb"], most=60.0),
    Figure("installed_mb", lambda found: found["installed_mb"]),
    Figure("import_s", lambda found: found["import_s"], most=0.5),
    Figure("memory_mb", lambda found: found["memory_mb"], most=60.0),
    Figure("import_and_search_s", lambda found: found.get("import_and_search_s")),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument("wheel", help="aisle's wheel (make wheel)")
    command.add_argument("--target", default="", metavar="HOST:PORT", help="a server to search")
    command.run(lambda told, scratch: measure(told.wheel, told.target, scratch), {})


if __name__ == "__main__":
    main()
