"""Set-up: what it says where it can't work. That it works is seen by every run of `make test`."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

import pytest

from aisle.schema.stacks import STACKS, stack_of

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ("sh", "sed", "cat", "tr", "cksum", "dirname", "tail", "rm", "grep", "mkdir", "getconf", "env")
STACK = stack_of()
assert STACK is not None
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def clone(tmp_path: pathlib.Path) -> pathlib.Path:
    """What set-up reads, without the rest of the repository."""
    folder = tmp_path / "a clone"
    folder.mkdir()
    for name in (
        "bootstrap.sh",
        "pyproject.toml",
        "setup.py",
        *(f"requirements-{s.name}.lock" for s in STACKS),
    ):
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


def _glibc(bare_path: pathlib.Path, told: str) -> None:
    """Has `getconf` tell of another C library."""
    (bare_path / "getconf").unlink()
    (bare_path / "getconf").write_text(f"#!/bin/sh\n{told}\n", encoding="utf-8")
    (bare_path / "getconf").chmod(0o755)


def _set_up(clone: pathlib.Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(clone / "bootstrap.sh"), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_without_any_python_set_up_says_so_in_one_line(clone: pathlib.Path, bare_path: pathlib.Path) -> None:
    done = _set_up(clone, PATH=str(bare_path), HOME=str(clone))
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert re.match("aisle: CPython (3.13, 3.12 or )?3.10 was not found", line)
    assert "apt-get install python3 python3-venv" in line
    assert not (clone / ".venv").exists()


def test_a_named_interpreter_of_another_version_is_refused(
    clone: pathlib.Path, bare_path: pathlib.Path
) -> None:
    done = _set_up(clone, PATH=str(bare_path), HOME=str(clone), AISLE_PYTHON="/bin/false")
    assert done.returncode == 1
    assert re.fullmatch(r"aisle: AISLE_PYTHON=/bin/false is not CPython (3.13, 3.12 or )?3.10\n", done.stderr)


def test_an_interpreter_is_found_among_pyenvs_versions(clone: pathlib.Path, bare_path: pathlib.Path) -> None:
    found = clone / ".pyenv" / "versions" / f"{VERSION}.99" / "bin"
    found.mkdir(parents=True)
    (found / f"python{VERSION}").symlink_to(sys.executable)
    done = _set_up(clone, "--python", PATH=str(bare_path), HOME=str(clone))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{STACK.name} {found}/python{VERSION}\n"


@pytest.mark.parametrize(
    ("glibc", "versions", "taken"),
    [
        ("2.41", "3.13 3.12 3.10", "modern 3.13"),
        ("2.39", "3.12 3.10", "modern 3.12"),
        ("2.41", "3.10", "old 3.10"),
        ("2.36", "3.13 3.12 3.11 3.10", "old 3.10"),
        ("2.31", "3.10", "old 3.10"),
    ],
    ids=["Debian 13", "Ubuntu 24.04", "a new system with an old Python", "Debian 12", "the oldest"],
)
def test_the_better_stack_that_the_machine_can_have_is_taken(
    glibc: str, versions: str, taken: str, clone: pathlib.Path, bare_path: pathlib.Path
) -> None:
    _glibc(bare_path, f"echo glibc {glibc}")
    for version in versions.split():
        python = bare_path / f"python{version}"
        python.write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
        python.chmod(0o755)
    done = _set_up(clone, "--python", PATH=str(bare_path), HOME=str(clone))
    assert (done.returncode, done.stderr) == (0, "")
    stack, version = taken.split()
    assert done.stdout == f"{stack} {bare_path}/python{version}\n"


@pytest.mark.parametrize("told", ["echo glibc 2.30", "exit 1"], ids=["an old one", "another one"])
def test_a_c_library_that_no_stack_loads_on_is_told(
    told: str, clone: pathlib.Path, bare_path: pathlib.Path
) -> None:
    _glibc(bare_path, told)
    done = _set_up(clone, PATH=str(bare_path), HOME=str(clone))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "was found; aisle needs glibc 2.31 or newer" in line


def test_a_stack_that_there_is_not_is_refused(clone: pathlib.Path, bare_path: pathlib.Path) -> None:
    done = _set_up(clone, PATH=str(bare_path), HOME=str(clone), AISLE_STACK="new")
    assert (done.returncode, done.stderr) == (
        1,
        "aisle: AISLE_STACK=new is no stack; it may be modern or old\n",
    )


def test_a_python_without_venv_is_told_in_one_line_with_the_package_to_install(
    clone: pathlib.Path, bare_path: pathlib.Path
) -> None:
    python = bare_path / "python3"
    # As Debian's python3 without python3-venv: `import ensurepip` fails.
    python.write_text(
        f'#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"\n', encoding="utf-8"
    )
    python.chmod(0o755)
    done = _set_up(clone, PATH=str(bare_path), HOME=str(clone))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "can't make virtual environments; install its venv module" in line
    assert "apt-get install python3-venv" in line
    assert not (clone / ".venv").exists()


def test_where_no_python_fits_a_locked_uv_installs_one_from_a_mirror(
    clone: pathlib.Path, bare_path: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """What uv downloads is described by a file here, and lie beside it; the index is the machine's."""
    for tool in ("uname", "ldd", "mktemp", "chmod"):
        if (found := shutil.which(tool)) is not None:
            (bare_path / tool).symlink_to(found)
    # Of a version that no stack has, but good enough to hold uv.
    python = bare_path / "python3"
    python.write_text(
        f'#!/bin/sh\ncase "$2" in *version_info*) echo 3.9 ;; *) exec {sys.executable} "$@" ;; esac\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    version = sys.version_info
    archive = tmp_path / "python.tar.gz"
    base = pathlib.Path(sys.base_prefix)
    if base == pathlib.Path("/usr"):
        pytest.skip("the system's Python can't be packed as one folder")
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        packed.add(base, "python", filter=_without_tests)
    described = {
        f"cpython-{version[0]}.{version[1]}.{version[2]}-linux-x86_64-gnu": {
            "name": "cpython",
            "arch": {"family": "x86_64", "variant": None},
            "os": "linux",
            "libc": "gnu",
            "major": version[0],
            "minor": version[1],
            "patch": version[2],
            "prerelease": "",
            "url": archive.as_uri(),
            "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
            "variant": None,
            "build": "20260101",
        }
    }
    mirror = tmp_path / "downloads.json"
    mirror.write_text(json.dumps(described), encoding="utf-8")
    kept = {
        key: value
        for key, value in os.environ.items()
        if key.startswith("PIP_") or "CERT" in key or "SSL" in key
    }
    done = _set_up(
        clone,
        "--python",
        **kept,
        PATH=str(bare_path),
        HOME=str(clone),
        AISLE_STACK=STACK.name,
        UV_PYTHON_DOWNLOADS_JSON_URL=str(mirror),
        UV_PYTHON_INSTALL_DIR=str(tmp_path / "installed"),
    )
    assert done.returncode == 0, done.stderr
    stack, _, path = done.stdout.strip().partition(" ")
    assert stack == STACK.name
    assert pathlib.Path(path).is_relative_to(tmp_path / "installed")
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    assert told.startswith(f"Python {VERSION}")


def _without_tests(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leaves out what only makes the archive large."""
    parts = pathlib.PurePosixPath(member.name).parts
    return None if {"test", "site-packages", "__pycache__", "share"} & set(parts) else member


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
