"""The data path at 1, 2, 4 and 8 million simulated events: seconds and peak memory of each step.

    python -m benchmarks.data.scaling [--millions 1 2 4 8] [--dirt 0.05] [--json FILE]

Each size runs in a fresh process as `aisle run` does (LocalDagRunner, ML Metadata in SQLite), up to the labels.
The memory of a step holds what importing TFX takes, which is shown beside it.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import tempfile

from benchmarks.data.data_path import STEPS, Measured, run_side

MILLION = 1_000_000


def main() -> None:
    """Parses the arguments, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--millions", type=float, nargs="+", default=[1, 2, 4, 8], help="of events (default 1 2 4 8)"
    )
    parser.add_argument("--dirt", type=float, default=0.05, help="share of rows with a fault (default 0.05)")
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path("scaling.json"))
    arguments = parser.parse_args()
    runs = []
    for millions in arguments.millions:
        with tempfile.TemporaryDirectory() as scratch:
            tables = pathlib.Path(scratch, "shop")
            events = _simulate(tables, round(millions * MILLION), arguments.dirt)
            runs.append({"events": events, "largest_shard": _largest(tables), **run_side("labelled", tables)})
        arguments.json.write_text(
            json.dumps({"dirt": arguments.dirt, "runs": runs}, indent=2), encoding="utf-8"
        )
    print(markdown(runs))


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


def markdown(runs: list[Measured]) -> str:
    """The table people read: `seconds / peak MB` by step."""
    sizes = " | ".join(f"{run['events']:,} events" for run in runs)
    lines = [f"| seconds / peak MB | {sizes} |", "|---" * (len(runs) + 1) + "|"]
    for step in STEPS:
        lines.append(f"| {step} | " + " | ".join(_cell(run, step) for run in runs) + " |")
    total = (f"{run['total']:.1f} / {run['peak_mb']}" for run in runs)
    shard = (f"{run['largest_shard'] / MILLION:.1f} MB" for run in runs)
    base = (f"{run['import_mb']} MB" for run in runs)
    lines += [
        f"| all steps | {' | '.join(total)} |",
        f"| of it TFX, imported | {' | '.join(base)} |",
        f"| largest shard | {' | '.join(shard)} |",
    ]
    return "\n".join(lines)


def _cell(run: Measured, step: str) -> str:
    """A step's seconds and peak, all tables together."""
    names = [name for name in run["steps"] if name.split(".")[0] == step]
    seconds = sum(run["steps"][name] for name in names)
    return f"{seconds:.1f} / {max(run['step_peaks_mb'][name] for name in names)}"


if __name__ == "__main__":
    main()
