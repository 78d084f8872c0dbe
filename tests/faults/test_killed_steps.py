"""Runs that are killed in Transform and in a Trainer, by SIGKILL, and repeated: real processes, real TFX."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

HERE = pathlib.Path(__file__).parent
ITEMS = "item_id,title\n" + "".join(f"i{n},thing {n}\n" for n in range(20))
Run = Callable[[str], int]


@pytest.fixture
def out(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "items.csv").write_text(ITEMS, encoding="utf-8")
    return tmp_path / "out"


@pytest.fixture
def run(out: pathlib.Path) -> Iterator[Run]:
    """Runs a pipeline that dies in a step, or in none; returns its exit status."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "dying_pipeline", str(out.parent / "data"), str(out)]
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )

    def run_once(dies_in: str) -> int:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(f"{dies_in}\n")
        return int(process.stdout.readline())

    yield run_once
    process.communicate()


def _made(out: pathlib.Path, node: str) -> list[str]:
    """The outputs of a node, as `key/execution`."""
    return sorted(
        str(path.relative_to(out / "artifacts" / node)) for path in out.glob(f"artifacts/{node}/[!.]*/*")
    )


def _temporary(out: pathlib.Path) -> list[pathlib.Path]:
    folders = (
        *out.glob("artifacts/*/.system/*/*/.temp"),
        *out.glob("artifacts/*/.system/stateful_working_dir/*"),
    )
    return list(folders)


def _live_models(out: pathlib.Path) -> list[pathlib.Path]:
    """The models that a later step may take: ML Metadata's artifacts that are LIVE (2)."""
    query = (
        "SELECT uri FROM Artifact WHERE state = 2 AND type_id IN (SELECT id FROM Type WHERE name = 'Model')"
    )
    with contextlib.closing(sqlite3.connect(out / "metadata.db")) as database:
        return [pathlib.Path(uri) for (uri,) in database.execute(query)]


def test_a_killed_transform_leaves_nothing_once_the_next_run_begins_and_a_killed_trainer_no_model_to_see(
    out: pathlib.Path, run: Run
) -> None:
    assert run("transform") == -signal.SIGKILL
    read = _made(out, "TableExampleGen")
    assert read and _made(out, "Transform") and _temporary(out)

    assert run("trainer") == -signal.SIGKILL
    assert _made(out, "Transform") == []
    (partial,) = out.glob("artifacts/Trainer/model/*/Format-Serving/saved_model.pb")
    assert partial.read_bytes() == b"half"
    assert _live_models(out) == []

    assert run("none") == 0
    assert _made(out, "TableExampleGen") == read, "the table was read again"
    assert not partial.exists()
    (model,) = _live_models(out)
    assert (model / "Format-Serving" / "saved_model.pb").read_bytes() == b"half of it and the rest"
    assert _temporary(out) == []
