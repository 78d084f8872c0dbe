"""The arrows between the parts, and the one name they are imported by, are held by lint."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PARTS = (
    *("schema", "ads", "experiments", "datasets", "model"),
    *("components", "pipeline", "serving", "gateway", "cli"),
)


def _lint(root: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Runs import-linter on the packages `root/aisle/PART` with the project's contracts."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    # Isolated (-I) but for `root`, so that an editable installation can't answer for the copies.
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(root)!r}); sys.meta_path[:] = "
        "[f for f in sys.meta_path if 'editable' not in getattr(f, '__module__', str(f)).lower()]; " + code,
    ]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.fixture
def hollow(tmp_path: pathlib.Path) -> pathlib.Path:
    """All parts, every module empty."""
    for part in PARTS:
        for module in (REPOSITORY / part).rglob("*.py"):
            empty = tmp_path / "aisle" / module.relative_to(REPOSITORY)
            empty.parent.mkdir(parents=True, exist_ok=True)
            empty.touch()
    return tmp_path


def test_the_parts_import_each_other_one_way(tmp_path: pathlib.Path) -> None:
    for part in PARTS:
        shutil.copytree(
            REPOSITORY / part, tmp_path / "aisle" / part, ignore=shutil.ignore_patterns("__pycache__")
        )
    done = _lint(tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("part", "imported"),
    [
        ("components", "aisle.model"),
        ("components", "aisle.serving"),
        ("serving", "aisle.components"),
        ("schema", "aisle.cli"),
        ("model", "aisle.pipeline"),
        ("datasets", "aisle.components"),
        ("gateway", "aisle.model"),
        ("serving", "aisle.gateway"),
        ("pipeline", "aisle.serving"),
        ("ads", "aisle.datasets"),
        ("model", "aisle.ads"),
        ("components", "aisle.ads"),
        ("experiments", "aisle.datasets"),
        ("experiments", "aisle.gateway"),
        ("serving", "aisle.experiments.analysis"),
        ("model/text", "aisle.model.ranking"),
        ("model/retrieval", "aisle.model.served"),
        ("serving/client", "aisle.serving.server"),
        ("serving/server", "aisle.serving.client"),
    ],
)
def test_an_import_against_the_arrows_is_found(part: str, imported: str, hollow: pathlib.Path) -> None:
    (hollow / "aisle" / part / "wrong.py").write_text(f"import {imported}\n", encoding="utf-8")
    done = _lint(hollow)
    assert done.returncode == 1, done.stdout[-3000:] + done.stderr[-3000:]
    assert "1 broken" in done.stdout


@pytest.mark.parametrize("part", [*PARTS, "benchmarks"])
def test_no_folder_holds_more_modules_than_a_stranger_takes_in(part: str) -> None:
    folders = {module.parent for module in (REPOSITORY / part).rglob("*.py")}
    modules = {folder: len(list(folder.glob("*.py"))) for folder in folders}
    full = {str(folder.relative_to(REPOSITORY)): count for folder, count in modules.items() if count > 15}
    assert full == {}


@pytest.mark.parametrize("part", PARTS)
def test_importing_a_part_without_aisle_is_found(part: str) -> None:
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--select",
        "TID251",
        "--stdin-filename",
        "tests/x.py",
        "-",
    ]
    code = f"from {part} import anything\n"
    done = subprocess.run(command, cwd=REPOSITORY, input=code, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"import aisle.{part}" in done.stdout
