"""`.ci/run` with steps that only write down that they ran: what it waits for, and what ends it."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import time

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
STEP = """#!/bin/sh
[ "${{0##*/}}" != modern ] || touch began
[ "$1" != {fails} ] && [ "${{0##*/}}" != {fails} ] || exit 7
case "${{0##*/}} $1" in
  "modern ") sleep {modern_takes} ;;
  "make setup") timeout 60 sh -c 'until [ -e began ]; do sleep 0.05; done' || exit 8 ;;
esac
echo "${{0##*/}} $1" >>steps
"""
"""Set-up ends well only where the modern stack's work began meanwhile."""


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """A repository with `.ci/run` alone."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(REPOSITORY / ".ci" / "run", tmp_path / ".ci")
    return tmp_path


def _ran(folder: pathlib.Path, fails: str = "nothing", modern_takes: float = 0.3) -> tuple[int, list[str]]:
    """The exit code, and the steps in the order in which they ended."""
    text = STEP.format(fails=fails, modern_takes=modern_takes)
    for step in (".ci/servers", ".ci/modern", "bin/make"):
        (folder / step).parent.mkdir(exist_ok=True)
        (folder / step).write_text(text, encoding="utf-8")
        (folder / step).chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run([folder / ".ci" / "run"], env=environment, capture_output=True, check=False)
    return done.returncode, (folder / "steps").read_text(encoding="utf-8").splitlines()


def test_the_modern_stack_is_made_meanwhile_and_the_tests_wait_for_both(folder: pathlib.Path) -> None:
    code, steps = _ran(folder)
    assert code == 0
    assert sorted(steps[:3]) == ["make lint", "make setup", "servers "]
    assert steps[3:] == ["modern ", "make test"]


@pytest.mark.parametrize("fails", ["modern", "test"])
def test_a_step_that_fails_fails_the_whole_before_what_follows(folder: pathlib.Path, fails: str) -> None:
    code, steps = _ran(folder, fails)
    assert code == 7
    assert "make test" not in steps


def test_where_lint_fails_the_modern_stack_is_ended_at_once(folder: pathlib.Path) -> None:
    began = time.monotonic()
    code, steps = _ran(folder, "lint", modern_takes=600)
    assert code == 7 and time.monotonic() - began < 300
    assert "make test" not in steps
