"""The data path to the labels at any size: seconds and peak memory by component, each size in a fresh process.

    python -m benchmarks.data.scale [--events 1000000 10000000] [--items 5000] [--dirt 0.05] [--last Labeler]

The events are drawn column by column (`many_events`), so that a hundred million take minutes and not hours to make. A step's
memory holds what importing TFX takes, which is shown beside it. Where `TMPDIR` points is room for the tables, artifacts
and parts, about 60 bytes an event.
"""

from __future__ import annotations

import pathlib
import shutil
import sys
import time

from benchmarks.data.data_path import LABELS, STEPS, Measured, run_until
from benchmarks.data.many_events import write_shop
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table

_MOST_MB = 4_096
_LARGE = 100_000_000


def _seconds_grow(found: Measured) -> float | None:
    """How many times the seconds grow for each time that the events do, from the first size to the last."""
    first, last = found["runs"][0], found["runs"][-1]
    more = last["events"] / first["events"]
    return float(last["total"] / first["total"] / more) if more > 1 else None


def _minutes_of_large(found: Measured) -> float | None:
    taken = [run["total"] / 60 for run in found["runs"] if run["events"] > 0.9 * _LARGE]
    return max(taken) if taken else None


FIGURES = (
    Figure("peak_mb", lambda found: max(run["peak_mb"] for run in found["runs"]), most=_MOST_MB),
    Figure("seconds_grow_by_events", _seconds_grow, most=1.0),
    Figure("minutes_of_100_million", _minutes_of_large, most=40.0),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument(
        "--events",
        type=int,
        nargs="+",
        default=[1_000_000, 10_000_000],
        help="about how many, a run for each (default 1000000 10000000)",
    )
    command.add_argument("--items", type=int, default=5_000, help="of the catalogue (default 5000)")
    command.add_argument(
        "--dirt", type=float, default=0.05, help="share of events with a fault (default 0.05)"
    )
    command.add_argument(
        "--last", choices=STEPS, default=LABELS, help="the component that a run ends with (default Labeler)"
    )
    command.run(
        lambda told, scratch: measure(told.events, told.items, told.dirt, told.last, scratch),
        {"scale": markdown},
    )


def measure(sizes: list[int], items: int, dirt: float, last: str, scratch: pathlib.Path) -> Measured:
    """A run for each size; see `markdown` for the shape."""
    runs = []
    for size in sizes:
        tables, began = scratch / str(size), time.monotonic()
        events = write_shop(tables, size, items, dirt)
        made = time.monotonic() - began
        print(f"{events:,} events made in {made:.0f} s", file=sys.stderr)
        runs.append({"events": events, "made": made, **run_until(last, tables)})
        shutil.rmtree(tables)
    return {"items": items, "dirt": dirt, "runs": runs}


def markdown(found: Measured) -> str:
    """The table people read: `seconds / peak MB` by component, all tables together; and all threads' seconds."""
    runs = found["runs"]
    there = {name.split(".")[0] for name in runs[0]["steps"]}
    rows = [(step, *(_cell(run, step) for run in runs)) for step in STEPS if step in there]
    rows.append(("all steps", *(f"{run['total']:.0f} / {run['peak_mb']:,}" for run in runs)))
    rows.append(("seconds of processors", *(f"{run['processors']:.0f}" for run in runs)))
    rows.append(("of it TFX, imported", *(f"{run['import_mb']:,} MB" for run in runs)))
    return table(("seconds / peak MB", *(f"{run['events']:,} events" for run in runs)), rows)


def _cell(run: Measured, step: str) -> str:
    names = [name for name in run["steps"] if name.split(".")[0] == step]
    seconds = sum(run["steps"][name] for name in names)
    return f"{seconds:.1f} / {max(run['step_peaks_mb'][name] for name in names):,}"


if __name__ == "__main__":
    main()
