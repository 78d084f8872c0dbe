"""A push that is killed, fails, or runs beside another; the real files, without TFX."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from aisle.components.pusher.local import push

KILLED = """
import os, pathlib, shutil, signal, sys
from aisle.components.pusher.local import push

def killing(step, dies):
    def stepped(*arguments):
        if dies(*arguments):
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*arguments)
    return stepped

if sys.argv[3] == "copy":
    shutil.copyfile = killing(shutil.copyfile, lambda source, target: "variables" in target)
else:
    pathlib.Path.rename = killing(pathlib.Path.rename, lambda path, target: True)
push(sys.argv[1], sys.argv[2])
"""
"""Pushes argv[1] to argv[2] and kills itself, as SIGKILL does, in the middle."""


@pytest.fixture
def model(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"index")
    return folder


@pytest.fixture
def base(tmp_path: pathlib.Path) -> pathlib.Path:
    """The folder of a model that serves version 7."""
    folder = tmp_path / "serving" / "aisle"
    (folder / "7").mkdir(parents=True)
    (folder / "7" / "saved_model.pb").write_bytes(b"the old one")
    return folder


def _names(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _files(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("moment", ["copy", "rename"])
def test_a_killed_push_leaves_a_hidden_folder_that_the_next_push_removes(
    moment: str, model: pathlib.Path, base: pathlib.Path
) -> None:
    command = [sys.executable, "-c", KILLED, str(model), str(base), moment]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    left, served = _names(base)
    assert (served, left[:9]) == ("7", ".pushing-")
    destination = pathlib.Path(push(str(model), str(base)))
    assert _names(base) == sorted(["7", destination.name])
    assert _files(destination) == _files(model)


def test_versions_rise_within_a_second_and_when_the_clock_is_set_back(
    model: pathlib.Path, base: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for now in (1000.2, 1000.9, 500.0):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        push(str(model), str(base))
    assert _names(base) == ["1000", "1001", "1002", "7"]


def test_a_version_rises_above_those_withdrawn_or_being_removed(
    model: pathlib.Path, base: pathlib.Path
) -> None:
    future = 99_999_999_999
    for name in (f".withdrawn-{future}", f".removing-{future + 1}"):
        (base / name).mkdir()
    assert pathlib.Path(push(str(model), str(base))).name == str(future + 2)


def test_a_push_waits_for_one_that_is_under_way(
    model: pathlib.Path, base: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushes: list[concurrent.futures.Future[str]] = []
    copy = shutil.copyfile
    with concurrent.futures.ThreadPoolExecutor(1) as pool:

        def copied(source: str, target: str) -> None:
            if not pushes:
                pushes.append(pool.submit(push, str(model), str(base)))
                with pytest.raises(concurrent.futures.TimeoutError):
                    pushes[0].result(timeout=1)
            copy(source, target)

        monkeypatch.setattr(shutil, "copyfile", copied)
        first = push(str(model), str(base))
        second = pushes[0].result()
    assert int(pathlib.Path(second).name) > int(pathlib.Path(first).name)
    assert _names(base) == sorted(["7", pathlib.Path(first).name, pathlib.Path(second).name])


def test_every_file_and_folder_is_on_the_disk_before_the_version_shows(
    model: pathlib.Path, base: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    rename = pathlib.Path.rename

    def renamed(path: pathlib.Path, target: Any) -> pathlib.Path:
        done.append("rename")
        return rename(path, target)

    def synced(descriptor: int) -> None:
        done.append(os.readlink(f"/proc/self/fd/{descriptor}"))

    monkeypatch.setattr(pathlib.Path, "rename", renamed)
    monkeypatch.setattr(os, "fsync", synced)
    push(str(model), str(base))
    before, after = done[: done.index("rename")], done[done.index("rename") + 1 :]
    relative = {path.partition(".pushing-")[2].partition("/")[2] for path in before}
    assert relative == {"", "assets", "saved_model.pb", "variables", "variables/variables.index"}
    assert after == [str(base)]


def test_a_copy_that_lacks_bytes_is_not_shown_and_the_file_is_named(
    model: pathlib.Path, base: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "copyfile", lambda source, target: pathlib.Path(target).write_bytes(b"inde"))
    with pytest.raises(ValueError, match=r"variables/variables\.index|saved_model\.pb") as caught:
        push(str(model), str(base))
    assert "has 5 bytes and its copy 4; nothing was pushed" in str(caught.value)
    assert _names(base) == ["7"]


def test_a_disk_that_is_full_leaves_what_was_there(
    model: pathlib.Path, base: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        push(str(model), str(base))
    assert _names(base) == ["7"]


def test_a_disk_that_fills_up_in_the_middle_leaves_what_was_there_and_the_next_push_is_whole(
    model: pathlib.Path, small_disk: pathlib.Path
) -> None:
    base = small_disk / "aisle"
    (base / "7").mkdir(parents=True)
    (base / "7" / "saved_model.pb").write_bytes(b"the old one")
    (model / "variables" / "variables.data").write_bytes(bytes(4 << 20))
    with pytest.raises(OSError, match="No space left"):
        push(str(model), str(base))
    assert _files(base) == {"7/saved_model.pb": b"the old one"}
    assert _names(base) == ["7"]
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    assert _files(pathlib.Path(push(str(model), str(base)))) == _files(model)


def test_a_folder_without_a_model_is_refused_and_leaves_nothing(tmp_path: pathlib.Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(ValueError, match=r"holds no saved_model\.pb"):
        push(str(tmp_path / "model"), str(tmp_path / "aisle"))
    assert _names(tmp_path) == ["model"]
