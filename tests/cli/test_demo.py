"""How the demo says a shop is asked on."""

from __future__ import annotations

import pathlib
import shlex
import subprocess
import sys

import polars as pl
import pytest

from aisle.cli.demo.command import print_next
from aisle.cli.demo.questions import Questions

QUESTIONS = Questions("men's socks", "u1", pl.DataFrame(), pl.DataFrame())


@pytest.fixture
def script(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A clone's `aisle`, in which we are, and which the shell does not find."""
    made = tmp_path / "clone" / ".venv" / "bin" / "aisle"
    made.parent.mkdir(parents=True)
    made.touch(0o755)
    monkeypatch.setattr(sys, "executable", str(made.with_name("python")))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path / "clone")
    return made


def said(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """The words of each command."""
    print_next(pathlib.Path("my demo", "out"), QUESTIONS)
    return [shlex.split(line) for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]


def test_from_a_clone_the_commands_have_the_path_from_there(
    script: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys) == [
        [".venv/bin/aisle", "serve", "--out", "my demo/out"],
        [".venv/bin/aisle", "search", "men's socks", "--target", "127.0.0.1:8500"],
        [".venv/bin/aisle", "recommend", "u1", "--target", "127.0.0.1:8500"],
        [".venv/bin/aisle", "shop", "--out", "my demo/out"],
    ]


def test_from_elsewhere_it_is_the_whole_path_and_where_the_shell_finds_it_the_name(
    script: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "aisle").touch(0o755)  # Another one, which the shell would take.
    assert said(capsys)[0][0] == "clone/.venv/bin/aisle"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert said(capsys)[0][0] == str(script)
    monkeypatch.setenv("PATH", str(script.parent))
    assert said(capsys)[0][0] == "aisle"


def test_a_demo_in_another_language_has_a_folder_and_a_shop_of_its_own(tmp_path: pathlib.Path) -> None:
    size = ("--users", "50", "--items", "50", "--days", "30")
    # No run follows: the table is told of before anything slow.
    words = ("demo", "--language", "ja", *size, "--set", "data.tables=nosuch")
    command = [sys.executable, "-m", "aisle.cli.main", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "data.tables names 'nosuch'" in done.stderr
    assert "スマートフォン" in (tmp_path / "demo-ja" / "shop" / "items.csv").read_text(encoding="utf-8")
