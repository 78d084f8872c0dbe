"""The output folder of a run: held by one run, its metadata checked and never removed, on a disk that fills up."""

from __future__ import annotations

import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
from typing import Any

import pytest

from aisle.pipeline import output_folder
from aisle.pipeline.output_folder import held
from aisle.pipeline.paths import Layout
from aisle.schema.errors import AisleError, InputError
from aisle.schema.stacks import MODERN, OLD

HOLDING = """
import sys
from aisle.pipeline.output_folder import held
from aisle.pipeline.paths import Layout
with held(Layout(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def layout(tmp_path: pathlib.Path) -> Layout:
    return Layout(str(tmp_path / "out"))


def _database(layout: Layout) -> pathlib.Path:
    """An SQLite file of many pages where a run has its metadata."""
    path = pathlib.Path(layout.metadata)
    path.parent.mkdir(exist_ok=True)
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE Artifact (id INTEGER PRIMARY KEY, uri TEXT)")
    database.executemany("INSERT INTO Artifact (uri) VALUES (?)", [("x" * 900,) for _ in range(200)])
    database.commit()
    database.close()
    return path


def test_a_second_run_is_refused_at_once_and_let_in_when_the_first_was_killed(layout: Layout) -> None:
    command = [sys.executable, "-c", HOLDING, layout.root]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None and first.stdout.readline() == "held\n"
    with pytest.raises(InputError, match="another run is writing to .*; wait for it"), held(layout):
        pass
    first.send_signal(signal.SIGKILL)
    first.communicate()
    with held(layout):
        pass


@pytest.mark.parametrize("lock", ["EXCLUSIVE", "IMMEDIATE"])
def test_locked_metadata_is_waited_for_a_while_and_then_told(
    lock: str, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_folder, "LOCK_SECONDS", 0.2)
    path = _database(layout)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(f"BEGIN {lock}")
    with pytest.raises(InputError, match="can't be used: another program has locked it"), held(layout):
        pass
    other.close()


@pytest.mark.parametrize("damage", ["another file", "cut short", "overwritten"])
def test_damaged_metadata_is_told_with_the_way_out_and_left_as_it_is(damage: str, layout: Layout) -> None:
    path = _database(layout)
    whole = path.read_bytes()
    if damage == "another file":
        path.write_bytes(b"no database" * 1000)
    elif damage == "cut short":
        path.write_bytes(whole[: len(whole) // 2])
    else:
        path.write_bytes(whole[:8192] + b"\xff" * 65536 + whole[8192 + 65536 :])
    left = path.read_bytes()
    with pytest.raises(InputError) as caught, held(layout):
        pass
    message = str(caught.value)
    assert f"{path} is damaged" in message
    assert f"put a copy of it back, or move it and {layout.artifacts} away and run again" in message
    assert "\n" not in message
    assert path.read_bytes() == left


def test_artifacts_without_their_metadata_are_never_mixed_with_new_ones(layout: Layout) -> None:
    (pathlib.Path(layout.artifacts) / "ExampleGen.items" / "examples" / "1").mkdir(parents=True)
    with pytest.raises(InputError, match=r"metadata\.db is gone, but not the artifacts"), held(layout):
        pass


def test_a_folder_of_another_stack_is_refused_with_the_two_ways_out(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_folder, "stack_of", lambda: MODERN)
    with held(layout):
        pass
    with held(layout):
        pass
    monkeypatch.setattr(output_folder, "stack_of", lambda: OLD)
    with pytest.raises(InputError) as caught, held(layout):
        pass
    assert f"was made by {MODERN}, and this is {OLD}" in str(caught.value)
    assert "choose another --out, or set the other one up: AISLE_STACK=modern make setup" in str(caught.value)


def test_a_folder_from_before_there_were_two_stacks_is_the_old_ones(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    _database(layout)
    monkeypatch.setattr(output_folder, "stack_of", lambda: MODERN)
    with pytest.raises(InputError, match="was made by the old stack"), held(layout):
        pass


def test_a_stamp_that_cannot_be_read_is_told(layout: Layout) -> None:
    pathlib.Path(layout.root).mkdir()
    pathlib.Path(layout.stack).write_text("[", encoding="utf-8")
    with pytest.raises(InputError, match=r"stack\.json can't be read .*; remove it"), held(layout):
        pass


@pytest.mark.parametrize(
    ("text", "full"),
    [("OSError: [Errno 28] No space left on device [while running 'Write']", True), ("nonsense", False)],
)
def test_a_full_disk_is_told_however_the_error_came(text: str, full: bool, layout: Layout) -> None:
    with pytest.raises(AisleError if full else RuntimeError) as caught, held(layout):
        raise RuntimeError(text)
    assert str(caught.value).startswith("a disk is full: ") == full


def _read_items(data: pathlib.Path, layout: Layout) -> Any:
    """The run of a pipeline that reads a table, as `aisle run` runs it."""
    from tfx import v1 as tfx

    from aisle.components.example_gen.component import TableExampleGen

    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(layout.metadata)
    reader = TableExampleGen(str(data), "items", "a fingerprint").with_id("ExampleGen.items")
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="aisle",
        pipeline_root=layout.artifacts,
        components=[reader],
        metadata_connection_config=connection,
    )
    with held(layout):
        tfx.orchestration.LocalDagRunner().run(pipeline)


def test_a_full_disk_is_one_clear_error_and_the_run_goes_on_when_there_is_room(
    small_disk: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    from aisle.components.tables import read_rows

    layout = Layout(str(small_disk / "out"))
    served = pathlib.Path(layout.serving) / "7" / "saved_model.pb"
    served.parent.mkdir(parents=True)
    served.write_bytes(b"the model")
    (tmp_path / "data").mkdir()
    noise = random.Random(0)  # Examples are compressed, and nothing compresses this below a half.
    rows = "".join(f"i{n},{noise.randbytes(100).hex()}\n" for n in range(30_000))
    (tmp_path / "data" / "items.csv").write_text("item_id,title\n" + rows, encoding="utf-8")
    with pytest.raises(AisleError, match="a disk is full: .* make room and run again") as caught:
        _read_items(tmp_path / "data", layout)
    assert "\n" not in str(caught.value)
    assert sqlite3.connect(layout.metadata).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert served.read_bytes() == b"the model"
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    _read_items(tmp_path / "data", layout)
    (examples,) = pathlib.Path(layout.artifacts).glob("*/examples/*")
    assert read_rows(str(examples)).num_rows == 30_000
