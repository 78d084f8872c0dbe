"""The container image is built by `.ci/image`, where there is podman; here hadolint holds its Dockerfile to good practice."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DOCKERFILE = REPOSITORY / "Dockerfile"
HADOLINT = pathlib.Path(sys.executable).parent / "hadolint"


def _lint(text: str) -> subprocess.CompletedProcess[str]:
    command = [str(HADOLINT), "--no-color", "--failure-threshold", "info", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def test_hadolint_finds_nothing() -> None:
    done = _lint(DOCKERFILE.read_text(encoding="utf-8"))
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_what_hadolint_knows_is_found() -> None:
    done = _lint(DOCKERFILE.read_text(encoding="utf-8").replace("USER 1000", "USER root"))
    assert done.returncode == 1
    assert "DL3002" in done.stdout


def test_the_image_runs_as_a_user_without_rights_given_by_number() -> None:
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["1000"]
    assert any("useradd" in line and f"--uid {users[0]} " in line for line in lines)


def _built(machine: pathlib.Path, engines: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`image.sh` on a machine that has these engines, each a script."""
    machine.mkdir()
    for name in ("sh", "dirname"):
        found = subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
        (machine / name).symlink_to(found)
    for name, script in engines.items():
        (machine / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (machine / name).chmod(0o755)
    command = [str(machine / "sh"), str(REPOSITORY / "image.sh"), "--build-arg", "BASE=a base"]
    return subprocess.run(command, env={"PATH": str(machine)}, capture_output=True, text=True, check=False)


ANSWERS = 'printf "%s|" NAME "$@"; printf "\\n"'
DEAF = '[ "$1" = info ] && exit 1; echo "asked all the same"'


@pytest.mark.parametrize(
    ("engines", "taken"),
    [
        ({"docker": '[ "$1" = info ] || ' + ANSWERS.replace("NAME", "docker")}, "docker"),
        ({"docker": DEAF, "podman": ANSWERS.replace("NAME", "podman")}, "podman"),
        ({"podman": ANSWERS.replace("NAME", "podman")}, "podman"),
    ],
)
def test_the_engine_that_can_build_is_taken(
    engines: dict[str, str], taken: str, tmp_path: pathlib.Path
) -> None:
    done = _built(tmp_path / "machine", engines)
    assert done.stdout.strip() == f"{taken}|build|--tag|aisle:dev|--build-arg|BASE=a base|.|", done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize("engines", [{}, {"docker": DEAF}])
def test_without_an_engine_the_two_are_named(engines: dict[str, str], tmp_path: pathlib.Path) -> None:
    done = _built(tmp_path / "machine", engines)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "docker" in done.stderr
    assert "podman" in done.stderr
