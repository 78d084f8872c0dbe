"""The data path to the labels here and with Flink: seconds, processors, what crosses the wire, and whether the bytes are the same.

    python -m benchmarks.data.flink [--events 10000000] [--items 5000] [--dirt 0.05] [--part-rows 2000000]

Flink is a job manager and two task managers on this machine, each with a worker (`benchmarks.cluster`), which share its cores
with the process that the pipeline runs in: so what it takes longer is what handing the work out costs. The first run is by this
process alone, with parts of as many rows.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import sys
from typing import Any

from benchmarks.cluster.flink import Flink
from benchmarks.cluster.portable import beam_args, worker_pool
from benchmarks.cluster.processes import taken
from benchmarks.data.data_path import LABELS, STEPS, Measured, run_until
from benchmarks.data.many_events import write_shop
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table

CACHED = pathlib.Path("build/cluster")
SAME = ("ExampleGen", "SchemaGen", "Cleaner", "Labeler")
"""Whose files are compared. Of examples the features are in no order within one: those files aren't."""

FIGURES = (
    Figure("times_the_local_seconds", lambda found: max(map(_times, found["runs"])), most=1.5),
    Figure("files_that_differ", lambda found: sum(len(run["differ"]) for run in found["runs"]), most=0),
    Figure("megabytes_on_the_wire", lambda found: max(run["wire_mb"] for run in found["runs"])),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    command.add_argument(
        "--events", type=int, nargs="+", default=[10_000_000], help="about how many (default 10000000)"
    )
    command.add_argument("--items", type=int, default=5_000, help="of the catalogue (default 5000)")
    command.add_argument(
        "--dirt", type=float, default=0.05, help="share of events with a fault (default 0.05)"
    )
    command.add_argument(
        "--part-rows", type=int, default=2_000_000, help="cleaner.part_rows of both (default 2000000)"
    )
    command.run(
        lambda told, scratch: measure(told.events, told.items, told.dirt, told.part_rows, scratch),
        {"flink": markdown},
    )


def measure(sizes: list[int], items: int, dirt: float, part_rows: int, scratch: pathlib.Path) -> Measured:
    """Both runs for each size; see `markdown` for the shape."""
    runs = []
    for size in sizes:
        tables = scratch / str(size)
        events = write_shop(tables, size, items, dirt)
        here = _local(tables, part_rows)
        print(f"{events:,} events took {here['total']:.0f} s here", file=sys.stderr)
        there = _flink(tables, part_rows, scratch / f"{size}-flink")
        print(f"{there['total']:.0f} s with Flink", file=sys.stderr)
        digests, others = here.pop("seen"), there.pop("seen")
        differ = sorted(name for name in digests | others if digests.get(name) != others.get(name))
        runs.append(
            {"events": events, "here": here, "flink": there, "differ": differ, "files": len(digests)}
            | {"wire_mb": there["wire"] / 1e6}
        )
        shutil.rmtree(tables)
    return {"items": items, "dirt": dirt, "part_rows": part_rows, "runs": runs}


def _times(run: Measured) -> float:
    return float(run["flink"]["total"] / run["here"]["total"])


def _local(tables: pathlib.Path, part_rows: int) -> Measured:
    measured = run_until(LABELS, tables, {"cleaner": {"part_rows": part_rows}}, digests)
    return {**measured, "cpu": measured["processors"]}


def _flink(tables: pathlib.Path, part_rows: int, folder: pathlib.Path) -> Measured:
    """The run with Flink; `cpu` is that of all processes while the pipeline runs, `wire` bytes between tasks."""
    folder.mkdir()
    with Flink(folder / "flink", CACHED) as flink, worker_pool(folder) as pool:
        began, before_work = taken(flink.sessions), taken([pool.session])
        args = beam_args(flink.job_server, pool.address)
        settings = {"cleaner": {"part_rows": part_rows}, "infra": {"beam_args": args}}
        measured = run_until(LABELS, tables, settings, digests)
        cluster, workers = taken(flink.sessions) - began, taken([pool.session]) - before_work
        jobs = flink.jobs()
    return {
        **measured,
        "cpu": measured["processors"] + cluster.cpu + workers.cpu,
        "cluster_cpu": cluster.cpu,
        "workers_cpu": workers.cpu,
        "jobs": len(jobs),
        "restarts": sum(job["timestamps"]["RESTARTING"] > 0 for job in jobs),
        "wire": sum(vertex["metrics"]["write-bytes"] for job in jobs for vertex in job["vertices"]),
        "read": workers.read,
        "written": workers.written,
    }


def digests(artifacts: pathlib.Path) -> dict[str, str]:
    """The files of the components `SAME`, by component, output and name, without the number of the execution."""
    found = {}
    for path in sorted(artifacts.rglob("*")):
        component, *where = path.relative_to(artifacts).parts
        kept = path.is_file() and component.split(".")[0] in SAME and not where[0].startswith(".")
        if kept and not path.name.endswith(".gz"):
            name = "/".join((component, where[0], *where[2:]))
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def markdown(found: Measured) -> str:
    """The table people read: seconds by component, all tables together."""
    runs = found["runs"]
    sides = ("here", "flink")
    there = {name.split(".")[0] for name in runs[0]["here"]["steps"]}
    rows: list[tuple[Any, ...]] = [
        (step, *(f"{_seconds(run[side], step):.1f}" for run in runs for side in sides))
        for step in STEPS
        if step in there
    ]
    rows.append(("all steps", *(f"{run[side]['total']:.0f}" for run in runs for side in sides)))
    rows.append(("seconds of processors", *(f"{run[side]['cpu']:.0f}" for run in runs for side in sides)))
    head = ("seconds", *(f"{run['events']:,} events, {side}" for run in runs for side in sides))
    return "\n\n".join([table(head, rows), *map(_told, runs)])


def _told(run: Measured) -> str:
    flink = run["flink"]
    same = "the same bytes" if not run["differ"] else f"{len(run['differ'])} of them not the same bytes"
    return (
        f"{run['events']:,} events: {_times(run):.2f} times the seconds; {run['files']} files, {same}; {flink['jobs']} jobs, of "
        f"which {flink['restarts']} were begun again; {flink['wire'] / 1e6:.1f} MB between Flink's tasks, and the workers read "
        f"{flink['read'] / 1e9:.1f} GB and wrote {flink['written'] / 1e9:.1f} GB of files; of the "
        f"processors' seconds Flink took {flink['cluster_cpu']:.0f} and its workers {flink['workers_cpu']:.0f}; {os.cpu_count()} cores"
    )


def _seconds(measured: Measured, step: str) -> float:
    return float(sum(s for name, s in measured["steps"].items() if name.split(".")[0] == step))


if __name__ == "__main__":
    main()
