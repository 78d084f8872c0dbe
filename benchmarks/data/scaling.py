"""The data path at 1, 2, 4 and 8 million simulated events: seconds and peak memory of each step.

    python -m benchmarks.data.scaling [--millions 1 2 4 8] [--dirt 0.05]

Each size runs in a fresh process as `aisle run` does (LocalDagRunner, ML Metadata in SQLite), up to the labels.
The memory of a step holds what importing TFX takes, which is shown beside it.
"""

from __future__ import annotations

import pathlib
import shutil
import sys

from benchmarks.data.data_path import STEPS, Measured, run_side
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table

MILLION = 1_000_000


FIGURES = (
    Figure("seconds_grow_by_events", lambda found: _growth(found["runs"], "total"), most=1.0),
    Figure("memory_grows_by_events", lambda found: _growth(found["runs"], "peak_mb"), most=1.0),
)
"""From the first size to the last, for each time as many events: both grow less than the events do."""


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument(
        "--millions", type=float, nargs="+", default=[1, 2, 4, 8], help="of events (default 1 2 4 8)"
    )
    command.add_argument("--dirt", type=float, default=0.05, help="share of rows with a fault (default 0.05)")
    command.run(lambda told, scratch: measure(told.millions, told.dirt, scratch), {"scaling": markdown})


def measure(sizes: list[float], dirt: float, scratch: pathlib.Path) -> Measured:
    """A run for each size; see `markdown` for the shape."""
    runs = []
    for millions in sizes:
        tables = scratch / f"{millions:g}"
        events = _simulate(tables, round(millions * MILLION), dirt)
        runs.append({"events": events, "largest_shard": _largest(tables), **run_side("labelled", tables)})
        shutil.rmtree(tables)
    return {"dirt": dirt, "runs": runs}


def _simulate(dest: pathlib.Path, events: int, dirt: float) -> int:
    """Writes a shop that grows with its events; returns how many there are."""
    from aisle.datasets import simulator

    options = simulator.SimulatorOptions(
        users=max(1_000, events // 50), items=5_000, days=180, events=events, dirt=dirt
    )
    print(f"simulating {events:,} events", file=sys.stderr)
    return simulator.write(simulator.simulate(options), dest).rows["events"]


def _largest(tables: pathlib.Path) -> int:
    return max(path.stat().st_size for path in tables.rglob("*.csv"))


def _growth(runs: list[Measured], name: str) -> float:
    """How many times a figure grows for each time that the events do."""
    first, last = runs[0], runs[-1]
    return float(last[name] / first[name] / (last["events"] / first["events"]))


def markdown(found: Measured) -> str:
    """The table people read: `seconds / peak MB` by step."""
    runs = found["runs"]
    rows = [(step, *(_cell(run, step) for run in runs)) for step in STEPS]
    rows.append(("all steps", *(f"{run['total']:.1f} / {run['peak_mb']}" for run in runs)))
    rows.append(("of it TFX, imported", *(f"{run['import_mb']} MB" for run in runs)))
    rows.append(("largest shard", *(f"{run['largest_shard'] / MILLION:.1f} MB" for run in runs)))
    return table(("seconds / peak MB", *(f"{run['events']:,} events" for run in runs)), rows)


def _cell(run: Measured, step: str) -> str:
    """A step's seconds and peak, all tables together."""
    names = [name for name in run["steps"] if name.split(".")[0] == step]
    seconds = sum(run["steps"][name] for name in names)
    return f"{seconds:.1f} / {max(run['step_peaks_mb'][name] for name in names)}"


if __name__ == "__main__":
    main()
