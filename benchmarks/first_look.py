"""What a first look costs after set-up: CPU seconds and wall seconds of `aisle demo`, or of a whole run on Online Retail.

    python -m benchmarks.first_look [--check]
    python -m benchmarks.first_look --source ../shared/data/online-retail [--check]

The goals of --check are those of two cores that do nothing else.
"""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import time
from typing import Any

import psutil

from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table

_STEP = re.compile(r"\s*\d+:\d\d\s+\d+/\d+ (\S+)")
_COMMAND = re.compile(r"aisle (\w+) ")
_AISLE = [sys.executable, "-m", "aisle.cli.main"]


FIGURES = (
    Figure("cpu", lambda found: _of(found, "demo", "cpu"), most=240.0),
    Figure("wall", lambda found: _of(found, "demo", "wall"), most=180.0),
    Figure("retail_cpu", lambda found: _of(found, "retail", "cpu")),
    Figure("retail_wall", lambda found: _of(found, "retail", "wall"), most=600.0),
)
"""Seconds, on two cores that do nothing else."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument(
        "--source", type=pathlib.Path, help="the folder of UCI Online Retail; without it the demo is measured"
    )
    command.run(
        lambda told, scratch: retail(told.source, scratch) if told.source else demo(scratch),
        {"first-look": markdown},
    )


def demo(folder: pathlib.Path) -> dict[str, Any]:
    """`aisle demo` with its default options."""
    return {"of": "demo", **measured([*_AISLE, "demo", "--out", str(folder / "demo")])}


def retail(source: pathlib.Path, folder: pathlib.Path) -> dict[str, Any]:
    """A whole run on Online Retail with the default settings."""
    subprocess.run([*_AISLE, "import", "online-retail", str(source), str(folder / "shop")], check=True)
    return {"of": "retail", **measured([*_AISLE, "run", str(folder / "shop"), "--out", str(folder / "out")])}


def markdown(found: dict[str, Any]) -> str:
    """What each step cost, the dearest first."""
    steps = sorted(found["steps"], key=lambda step: -step["cpu"])
    return table(("step", "CPU s", "s"), ((step["step"], step["cpu"], step["wall"]) for step in steps))


def _of(found: dict[str, Any], what: str, name: str) -> float | None:
    """A figure of the demo or of Online Retail; None where the other one was measured."""
    return float(found[name]) if found["of"] == what else None


def measured(command: list[str]) -> dict[str, Any]:
    """Runs a command, and says of each step of its what it cost.

    Args:
        command: prints a line at the start of each step, as `aisle run` does.

    Returns:
        `cpu` and `wall`, seconds; `steps`: name, cpu and wall of each.
    """
    before = _reaped()
    started = time.monotonic()
    marks = [("start", 0.0, 0.0)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if found := _STEP.match(line) or _COMMAND.match(line):
                marks.append((found[1], _cpu(process.pid), time.monotonic() - started))
        code = process.wait()
    if code:
        sys.exit(f"{' '.join(command)} failed with {code}")
    marks.append(("end", _reaped() - before, time.monotonic() - started))
    steps = [
        {"step": name, "cpu": round(next_cpu - cpu, 1), "wall": round(next_wall - wall, 1)}
        for (name, cpu, wall), (_, next_cpu, next_wall) in zip(marks, marks[1:], strict=False)
    ]
    return {"cpu": round(marks[-1][1], 1), "wall": round(marks[-1][2], 1), "steps": steps}


def _cpu(pid: int) -> float:
    """CPU seconds of a process and of all that it started, those that have ended among them."""
    total = 0.0
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _reaped() -> float:
    """CPU seconds of all that this process started and that has ended."""
    times = psutil.Process().cpu_times()
    return float(times.children_user + times.children_system)


if __name__ == "__main__":
    main()
