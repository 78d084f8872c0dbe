"""Set-up: what it says where it can't work. That it works is seen by every run of `make test`."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ("sh", "sed", "cat", "tr", "cksum", "dirname", "tail", "rm", "grep", "mkdir")


@pytest.fixture
def clone(tmp_path: pathlib.Path) -> pathlib.Path:
    """What set-up reads, without the rest of the repository."""
    folder = tmp_path / "a clone"
    folder.mkdir()
    for name in ("bootstrap.sh", "requirements.lock", "pyproject.toml", "setup.py"):
        shutil.copy(REPOSITORY / name, folder)
    return folder


@pytest.fixture
def bare_path(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder for PATH with the ordinary tools and no Python at all."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (folder / tool).symlink_to(found)
    return folder


def _set_up(clone: pathlib.Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(clone / "bootstrap.sh")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_without_python_3_10_set_up_says_so_in_one_line(clone: pathlib.Path, bare_path: pathlib.Path) -> None:
    done = _set_up(clone, PATH=str(bare_path), HOME=str(clone))
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("aisle: CPython 3.10 was not found")
    assert "pyenv install 3.10" in line
    assert not (clone / ".venv").exists()


def test_a_named_interpreter_of_another_version_is_refused(
    clone: pathlib.Path, bare_path: pathlib.Path
) -> None:
    done = _set_up(clone, PATH=str(bare_path), HOME=str(clone), AISLE_PYTHON="/bin/false")
    assert done.returncode == 1
    assert done.stderr == "aisle: AISLE_PYTHON=/bin/false is not CPython 3.10\n"


def test_python_3_10_is_found_among_pyenvs_versions(clone: pathlib.Path, bare_path: pathlib.Path) -> None:
    found = clone / ".pyenv" / "versions" / "3.10.99" / "bin"
    found.mkdir(parents=True)
    (found / "python3.10").symlink_to(sys.executable)
    # An unreachable index ends it after the interpreter was found.
    done = _set_up(clone, PATH=str(bare_path), HOME=str(clone), **_UNREACHABLE)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("aisle: setting up .venv with Python 3.10")


_UNREACHABLE = {
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_CONFIG_FILE": "/dev/null",
    "PIP_RETRIES": "0",
    "PIP_NO_CACHE_DIR": "1",
}


def test_without_a_package_index_set_up_says_so(clone: pathlib.Path, bare_path: pathlib.Path) -> None:
    done = _set_up(clone, PATH=str(bare_path), HOME=str(clone), AISLE_PYTHON=sys.executable, **_UNREACHABLE)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("aisle: the packages could not be installed (")
    assert "is a package index reachable?" in last
    assert not (clone / ".venv" / ".aisle-stamp").exists()
