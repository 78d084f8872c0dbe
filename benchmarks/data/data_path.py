"""The data path beside stock TFX, on the same tables, in turn: seconds a step and peak memory.

    python -m benchmarks.data.data_path --source FOLDER [--rounds 3]

`FOLDER` holds UCI Online Retail as CSV (see `aisle import online-retail`), or canonical tables. Both sides run
in a fresh process each time, by LocalDagRunner with ML Metadata in SQLite and Beam in memory with one worker;
the sides take turns, so that what else the machine does falls on both. Importing TFX is timed apart.
"""

from __future__ import annotations

import contextlib
import logging
import pathlib
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.shared.command import Command, Figure, in_fresh_process
from benchmarks.shared.results import table

Measured = dict[str, Any]
"""One run: `import` and `total` seconds, `steps` and `step_peaks_mb` by component, `peak_mb`, `import_mb`."""

CHECKED = ("ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator")
GATE, LABELS = "AnomalyGate", "Labeler"
STEPS = (*CHECKED, GATE, "Cleaner", LABELS)
BEAM_ARGS = ("--direct_num_workers=1", "--direct_running_mode=in_memory")


FIGURES = (
    Figure("times_as_fast_to_gate", lambda found: found["stock_by_gated"], least=5.0),
    Figure("times_as_fast_to_labels", lambda found: found["stock_by_labelled"]),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES, source="UCI Online Retail, or of canonical tables")
    command.add_argument("--rounds", type=int, default=3, help="runs of each side (default 3)")
    command.run(lambda told, scratch: measure(told.source, told.rounds, scratch), {"data-path": markdown})


def measure(source: pathlib.Path, rounds: int, scratch: pathlib.Path) -> Measured:
    """Every side in turn; see `markdown` for the shape."""
    from benchmarks.shared.training import canonical

    tables = canonical(source, scratch)
    runs: dict[str, list[Measured]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side, measured in runs.items():
            measured.append(run_side(side, tables))
    return {"rows": count_rows(tables), "runs": runs, **summary(runs)}


def count_rows(tables: pathlib.Path) -> dict[str, int]:
    """Counts the lines of each table, headers left out."""
    from aisle.components.example_gen.discovery import find_tables

    return {
        name: sum(pathlib.Path(path).read_bytes().count(b"\n") - 1 for path in files)
        for name, files in find_tables(str(tables)).items()
    }


def run_until(
    last: str,
    tables: pathlib.Path,
    settings: Mapping[str, Any] | None = None,
    look: Callable[[pathlib.Path], Any] | None = None,
) -> Measured:
    """Runs this pipeline in a process of its own, until a component has run.

    Args:
        last: that component.
        tables: the data.
        settings: what differs from those that a pipeline has where nothing is said, by part and name.
        look: told the folder of the artifacts before it is deleted; what it returns is `seen` of the measured.
    """
    return in_fresh_process(_aisle, tables, last, settings, look)


def run_side(side: str, tables: pathlib.Path) -> Measured:
    """Runs one side in a process of its own."""
    measured = in_fresh_process(SIDES[side], tables)
    print(f"{side}: {measured['total']:.1f} s, {measured['peak_mb']} MB", file=sys.stderr)
    return measured


def stock(tables: pathlib.Path) -> Measured:
    """CsvExampleGen, StatisticsGen, SchemaGen and ExampleValidator, once for each table.

    One split, not the default's two: that spares stock a shuffle and half of its statistics' overhead.
    """
    started = _import_tfx()
    from tfx import v1 as tfx

    from aisle.components.example_gen.discovery import find_tables

    whole = tfx.proto.Output(
        split_config=tfx.proto.SplitConfig(splits=[tfx.proto.SplitConfig.Split(name="rows", hash_buckets=1)])
    )
    with tempfile.TemporaryDirectory() as scratch:
        nodes: list[Any] = []
        for name, files in find_tables(str(tables)).items():
            folder = pathlib.Path(scratch, "csv", name)
            folder.mkdir(parents=True)
            for path in map(pathlib.Path, files):
                (folder / path.name).symlink_to(path.absolute())
            reader = tfx.components.CsvExampleGen(str(folder), output_config=whole)
            found = tfx.components.StatisticsGen(examples=reader.outputs["examples"])
            schema = tfx.components.SchemaGen(statistics=found.outputs["statistics"])
            validator = tfx.components.ExampleValidator(
                statistics=found.outputs["statistics"], schema=schema.outputs["schema"]
            )
            steps = zip(CHECKED, (reader, found, schema, validator), strict=True)
            nodes += [node.with_id(f"{step}.{name}") for step, node in steps]
        pipeline = tfx.dsl.Pipeline(
            pipeline_name="stock",
            pipeline_root=str(pathlib.Path(scratch, "artifacts")),
            components=nodes,
            metadata_connection_config=_database(scratch),
            beam_pipeline_args=list(BEAM_ARGS),
        )
        return _timed(pipeline, started)


def gated(tables: pathlib.Path) -> Measured:
    """This pipeline up to the gate: the strict reader, the quarantine and the gate's report included."""
    return _aisle(tables, GATE)


def labelled(tables: pathlib.Path) -> Measured:
    """This pipeline up to the labels."""
    return _aisle(tables, LABELS)


SIDES = {"stock": stock, "gated": gated, "labelled": labelled}


def _aisle(
    tables: pathlib.Path,
    last: str,
    settings: Mapping[str, Any] | None = None,
    look: Callable[[pathlib.Path], Any] | None = None,
) -> Measured:
    """Runs the pipeline as `aisle run` does; see `run_until`."""
    started = _import_tfx()
    from aisle.pipeline.config import Config
    from aisle.pipeline.create import create_pipeline
    from aisle.pipeline.inputs import fingerprint_tables
    from aisle.pipeline.paths import Layout

    with tempfile.TemporaryDirectory() as scratch:
        fingerprints = fingerprint_tables(str(tables), "auto")
        config = Config.model_validate(settings or {})
        pipeline = create_pipeline(str(tables), fingerprints, Layout(scratch), config, _database(scratch))
        measured = _timed(pipeline, started, last)
        return {**measured, "seen": look(pathlib.Path(scratch, "artifacts"))} if look else measured


def _import_tfx() -> float:
    """Imports what both sides import, and returns how long that took."""
    start = time.monotonic()
    import aisle.pipeline.create
    import aisle.pipeline.local  # noqa: F401

    return time.monotonic() - start


def _database(scratch: str) -> Any:
    from tfx import v1 as tfx

    database = str(pathlib.Path(scratch, "metadata.db"))
    return tfx.orchestration.metadata.sqlite_metadata_connection_config(database)


def _timed(pipeline: Any, importing: float, last: str | None = None) -> Measured:
    """Runs a pipeline, up to its component `last`, and times each component by what LocalDagRunner logs."""
    from tfx import v1 as tfx
    from tfx.orchestration.pipeline import RunOptions

    clock = _Clock()
    root = logging.getLogger()
    root.handlers[:] = [clock]
    root.setLevel(logging.INFO)
    logging.getLogger("absl").setLevel(logging.INFO)
    imported = peak_mb()
    start, processors = time.monotonic(), time.process_time()
    tfx.orchestration.LocalDagRunner().run(pipeline, RunOptions(to_nodes=[last]) if last else None)
    total = time.monotonic() - start
    return {
        "import": importing,
        "import_mb": imported,
        "total": total,
        "processors": time.process_time() - processors,
        "steps": clock.seconds,
        "peak_mb": max(clock.peaks.values()),
        "step_peaks_mb": clock.peaks,
    }


class _Clock(logging.Handler):
    """Notes when each component starts and ends, and how much memory the process held between."""

    _SIGN = re.compile(r"Component (\S+) is (running|finished)\.")

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._started = 0.0
        self.seconds: dict[str, float] = {}
        self.peaks: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Reads one record of the log."""
        sign = self._SIGN.match(record.getMessage())
        if sign and sign.group(2) == "running":
            forget_peak()
            self._started = time.monotonic()
        elif sign:
            self.seconds[sign.group(1)] = time.monotonic() - self._started
            self.peaks[sign.group(1)] = peak_mb()


def peak_mb() -> int:
    """The most memory this process held since `forget_peak`, in MB."""
    status = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024  # type: ignore[index]


def forget_peak() -> None:
    """Starts the peak anew (see proc(5), clear_refs)."""
    with contextlib.suppress(OSError):
        pathlib.Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def summary(runs: Mapping[str, Sequence[Measured]]) -> Measured:
    """Medians over the rounds, by step (all tables of a step together) and in all, and stock's ratio to ours."""
    median = {side: _median(measured) for side, measured in runs.items()}
    total = {side: of["total"] for side, of in median.items()}
    return {
        "median": median,
        "stock_by_gated": round(total["stock"] / total["gated"], 2),
        "stock_by_labelled": round(total["stock"] / total["labelled"], 2),
    }


def _median(measured: Sequence[Measured]) -> Measured:
    kinds = dict.fromkeys(name.split(".")[0] for name in measured[0]["steps"])
    by_step = {
        kind: statistics.median(
            sum(taken for name, taken in run["steps"].items() if name.split(".")[0] == kind)
            for run in measured
        )
        for kind in kinds
    }
    whole = {key: statistics.median(run[key] for run in measured) for key in ("import", "total", "peak_mb")}
    return {"steps": by_step, **whole}


def markdown(found: Measured) -> str:
    """The table people read."""
    median = found["median"]
    rows = [(step, *(median[side]["steps"].get(step) for side in SIDES)) for step in STEPS]
    rows.append(("all steps", *(median[side]["total"] for side in SIDES)))
    rows.append(("importing TFX (not counted)", *(median[side]["import"] for side in SIDES)))
    cells: list[tuple[object, ...]] = [
        (name, *("" if seconds is None else f"{seconds:.2f}" for seconds in each)) for name, *each in rows
    ]
    cells.append(("peak memory, MB", *(f"{median[side]['peak_mb']:.0f}" for side in SIDES)))
    cells.append(("times as fast as stock", 1, found["stock_by_gated"], found["stock_by_labelled"]))
    counts = ", ".join(f"{count:,} {name}" for name, count in found["rows"].items())
    rounds = len(found["runs"]["stock"])
    head = ("seconds", "stock", "aisle to the gate", "aisle to the labels")
    return f"{table(head, cells)}\n\n{counts}; medians of {rounds} runs of each side, in turn"


if __name__ == "__main__":
    main()
