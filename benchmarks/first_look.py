"""What a first look costs after set-up: CPU seconds and wall seconds of `aisle demo`, or of a whole run on Online Retail.

    python -m benchmarks.first_look [--check]
    python -m benchmarks.first_look --source ../shared/data/online-retail [--check]

The last line is the figures as JSON. With --check it fails where a demo takes more than 240 CPU seconds or 180 seconds, or
Online Retail more than 600 seconds, on two cores that do nothing else.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import psutil

DEMO_CPU, DEMO_WALL, RETAIL_WALL = 240.0, 180.0, 600.0
_STEP = re.compile(r"\s*\d+:\d\d\s+\d+/\d+ (\S+)")
_COMMAND = re.compile(r"aisle (\w+) ")
_AISLE = [sys.executable, "-m", "aisle.cli.main"]


def main() -> None:
    """Runs it, prints a line a step, and the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--source", help="a folder of Online Retail; without it the demo is measured")
    parser.add_argument("--check", action="store_true", help="fail where a goal is missed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        if arguments.source:
            figures = retail(arguments.source, folder)
            goals = {"wall": RETAIL_WALL}
        else:
            figures = measured([*_AISLE, "demo", "--out", str(folder / "demo")])
            goals = {"cpu": DEMO_CPU, "wall": DEMO_WALL}
    missed = [
        f"{name} {figures[name]:.0f} s, asked {goal:.0f}"
        for name, goal in goals.items()
        if figures[name] > goal
    ]
    print(json.dumps({**figures, "missed": missed}))
    if arguments.check and missed:
        sys.exit(f"missed: {'; '.join(missed)}")


def retail(source: str, folder: pathlib.Path) -> dict[str, object]:
    """A whole run on Online Retail with the default settings."""
    subprocess.run([*_AISLE, "import", "online-retail", source, str(folder / "shop")], check=True)
    return measured([*_AISLE, "run", str(folder / "shop"), "--out", str(folder / "out")])


def measured(command: list[str]) -> dict[str, object]:
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
    for step in sorted(steps, key=lambda step: -float(str(step["cpu"]))):
        print(f"{step['cpu']:8} CPU s {step['wall']:8} s  {step['step']}")
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
