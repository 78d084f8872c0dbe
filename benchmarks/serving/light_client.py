"""What a backend pays that asks by `aisle.serving.Client`: bytes, seconds of import, memory.

    python -m benchmarks.serving.light_client dist/aisle-0.1.0-py3-none-any.whl --check
    python -m benchmarks.serving.light_client dist/aisle-0.1.0-py3-none-any.whl --target 127.0.0.1:8500

Installs the wheel alone into an environment of its own. With `--target`, a search is part of what is timed.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

MOST = {"download_mb": 60.0, "memory_mb": 60.0, "import_s": 0.5}
ROUNDS = 7

_ASK = """
import json, resource, sys, time
started = time.perf_counter()
from aisle.serving import Client
imported = time.perf_counter() - started
if sys.argv[1]:
    with Client(sys.argv[1]) as client:
        client.search("red shirt", k=5)
print(json.dumps([imported, time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def _size(folder: pathlib.Path) -> float:
    """In MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def measure(wheel: str, target: str) -> dict[str, float]:
    """The figures, by name: megabytes (10^6 bytes) and seconds, medians of `ROUNDS` processes."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        python = str(folder / "venv" / "bin" / "python")
        pip = [python, "-m", "pip", "--quiet"]
        (packages,) = (folder / "venv").glob("lib/python*/site-packages")
        before = _size(packages)
        subprocess.run([*pip, "download", "--dest", str(folder / "wheels"), wheel], check=True)
        subprocess.run(
            [*pip, "install", "--no-index", "--find-links", str(folder / "wheels"), wheel], check=True
        )
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


def main() -> None:
    """Prints the figures, and as JSON in the last line; with --check a missed one ends with 1."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", help="aisle's wheel (make wheel)")
    parser.add_argument("--target", default="", metavar="HOST:PORT", help="a server to search")
    parser.add_argument("--check", action="store_true", help="end with 1 where a goal is missed")
    arguments = parser.parse_args()
    figures = measure(arguments.wheel, arguments.target)
    missed = [name for name, most in MOST.items() if figures[name] > most]
    for name, value in figures.items():
        goal = f" (at most {MOST[name]:g})" if name in MOST else ""
        print(f"{name:20} {value:8.2f}{goal}{', missed' if name in missed else ''}")
    print(json.dumps(figures))
    if arguments.check and missed:
        sys.exit(1)


if __name__ == "__main__":
    main()
