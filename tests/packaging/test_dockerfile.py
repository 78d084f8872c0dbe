"""The pipeline's container image can't be built without Docker; hadolint holds its Dockerfile to good practice."""

from __future__ import annotations

import pathlib
import subprocess
import sys

DOCKERFILE = pathlib.Path(__file__).resolve().parents[2] / "Dockerfile"
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
