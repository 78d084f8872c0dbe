"""Two-tower training, Candidates and Bundle at any size: seconds and peak memory of each, each step in a fresh process.

    python -m benchmarks.data.training_scale [--events 1000000 10000000] [--items 100000 1000000] [--results docs/scale.md]

What they read is made by `training_input`. The Trainer's `run_fn` and the executors of Candidates and Bundle run as in a pipeline,
but for the vectors of titles and of their word pieces, which are drawn at random: a BERT takes an hour or more on two cores for a
million titles. The ranking head that Bundle takes has learnt nothing, which is no matter to it. `--steps`, `--compared`, `--users` and
`--windows` say how much of the work is done, which is a matter of time and, once the first step of each is done, hardly of memory.
`--made` keeps what all read for another run.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import sys
import time
import types
from typing import Any

from benchmarks.data.data_path import peak_mb
from benchmarks.data.training_input import artifact, write_head, write_input
from benchmarks.shared.command import Command, Figure, in_fresh_process
from benchmarks.shared.results import table

Measured = dict[str, Any]

STEPS = ("Trainer.two_tower", "Candidates", "Bundle")
_SET = {
    "TF_ONEDNN_USE_SYSTEM_ALLOCATOR": "1",
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0",
}
"""As docs/scale.md tells a large shop to, so that freed memory goes back to the machine."""

FIGURES = (
    Figure(
        "peak_mb",
        lambda found: max(run[step]["peak_mb"] for run in found["runs"] for step in STEPS[:2]),
        most=6_000,
    ),
    Figure("bundle_peak_mb", lambda found: max(run["Bundle"]["peak_mb"] for run in found["runs"])),
)


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    for name, sizes in (("--events", [1_000_000, 10_000_000]), ("--items", [100_000, 1_000_000])):
        command.add_argument(
            name, type=int, nargs="+", default=sizes, help="a run for each of these, in turn"
        )
    command.add_argument("--steps", type=int, default=100, help="of the training at most (default 100)")
    command.add_argument("--users", type=int, default=50, help="asked in each window (default 50)")
    command.add_argument("--windows", type=int, default=2, help="asked (default 2)")
    command.add_argument(
        "--compared",
        type=int,
        default=20_000,
        help="items that tell each one's vector by what is described alike (default 20,000, as in a pipeline)",
    )
    command.add_argument(
        "--made", type=pathlib.Path, help="a folder of inputs that were made before, and are kept"
    )
    command.run(lambda told, scratch: measure(told, told.made or scratch), {"training-scale": markdown})


def measure(told: Any, folder: pathlib.Path) -> Measured:
    """A run for each size; see `markdown` for the shape."""
    settings = {name: getattr(told, name) for name in ("steps", "users", "windows", "compared")}
    runs = []
    for events, items in zip(told.events, told.items, strict=True):
        made = folder / f"{events}-{items}"
        run = {"items": items, **in_fresh_process(_made, made, events, items)}
        in_fresh_process(write_head, made / "model" / "head")
        for step, work in zip(STEPS, (_train, _find, _bundle), strict=True):
            run[step] = in_fresh_process(_timed, work, made, settings)
            print(f"{step}: {run[step]}", file=sys.stderr)
        runs.append(run)
        shutil.rmtree(made / "model")
    return {**settings, "runs": runs}


def _made(folder: pathlib.Path, events: int, items: int) -> dict[str, int]:
    """Makes what the steps read, unless it is there; how many of each there are."""
    counts = folder / "counts.json"
    if not counts.exists():
        counts.parent.mkdir(parents=True)
        counts.write_text(json.dumps(write_input(folder, events, items)), encoding="utf-8")
    return dict(json.loads(counts.read_text(encoding="utf-8")))


def _timed(work: Any, folder: pathlib.Path, settings: dict[str, int]) -> Measured:
    """What a step takes; what importing TFX takes is in its memory, and shown beside it."""
    for name, value in _SET.items():
        os.environ.setdefault(name, value)
    import aisle.pipeline.create  # noqa: F401  As the process of a pipeline does.

    imported, started = peak_mb(), time.monotonic()
    work(folder, settings)
    return {"seconds": time.monotonic() - started, "peak_mb": peak_mb(), "import_mb": imported}


def _train(folder: pathlib.Path, settings: dict[str, int]) -> None:
    from aisle.model.options import TwoTowerOptions
    from aisle.model.train_two_tower import train
    from aisle.model.two_tower import kin
    from benchmarks.recommendation.growth import drawn_encoder

    kin._MOST_COMPARED = settings["compared"]
    options = TwoTowerOptions(steps=settings["steps"])
    told = types.SimpleNamespace(
        train_files=[str(folder / "examples" / f"Split-{split}" / "*") for split in ("items", "train")],
        eval_files=[str(folder / "examples" / "Split-eval" / "*")],
        transform_output=str(folder / "graph"),
        serving_model_dir=str(folder / "model" / "Format-Serving"),
        model_run_dir=str(folder / "model" / "run"),
        custom_config={"options": options.to_json()},
    )
    train(told, drawn_encoder())  # type: ignore[arg-type]


def _find(folder: pathlib.Path, settings: dict[str, int]) -> None:
    from aisle.components.candidates.executor import Executor
    from aisle.model.options import CandidateOptions
    from aisle.pipeline.wiring.models import CANDIDATES_FN

    users = settings["users"]
    options = CandidateOptions(users=users, test_users=users, windows=settings["windows"])
    inputs = {name: [artifact(folder / name)] for name in ("interactions", "model")}
    told = {"candidates_fn": CANDIDATES_FN, "bert_dir": "", "options": options.to_json(), "taught": ""}
    Executor().Do(inputs, {"examples": [artifact(folder / "model" / "found")]}, told)


def _bundle(folder: pathlib.Path, settings: dict[str, int]) -> None:
    from aisle.components.bundle.executor import Executor
    from aisle.components.reviews.options import ReviewOptions
    from aisle.model.options import BundleOptions
    from aisle.pipeline.wiring.models import BUNDLE_FN

    lie = {"interactions": "interactions", "tables": "cleaned", "two_tower": "model", "ranking": "model/head"}
    made = {name: [artifact(folder / "model" / name)] for name in ("model", "tested_model")}
    told = {"bundle_fn": BUNDLE_FN, "bert_dir": "", "taught": "", "options": BundleOptions().to_json()}
    told["reviews"] = ReviewOptions().to_json()
    Executor().Do({name: [artifact(folder / place)] for name, place in lie.items()}, made, told)


def markdown(found: Measured) -> str:
    """The table people read: `seconds / peak MB` of each step."""
    runs = found["runs"]
    rows: list[tuple[object, ...]] = [
        (name, *(f"{run[name]:,}" for run in runs)) for name in ("items", "interactions", "queries")
    ]
    for step in STEPS:
        cells = (f"{run[step]['seconds']:.0f} / {run[step]['peak_mb']:,}" for run in runs)
        rows.append((f"{step}, seconds / peak MB", *cells))
    rows.append(("of it TFX, imported", *(f"{run[STEPS[0]]['import_mb']:,} MB" for run in runs)))
    done = (
        f"{found['steps']} steps at most, each item told by {found['compared']:,} others; "
        f"{found['users']} users asked in each of {found['windows']} windows and of the test."
    )
    return table(("", *(f"{run['events']:,} events" for run in runs)), rows) + f"\n\n{done}"


if __name__ == "__main__":
    main()
