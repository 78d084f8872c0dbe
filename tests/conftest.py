"""What every test shares: the legacy-Keras switch, quiet logs, the real data where present, the installed wheel."""

from __future__ import annotations

import gc
import os
import pathlib
import shutil
import site
import subprocess
import sys

import hypothesis
import pytest

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile(
    "aisle", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("aisle")

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
SLOW = (
    *("test_fuzz.py", "test_reader_pieces.py", "test_reader.py", "test_killed_steps.py"),
    *("test_distillation.py", "test_explained_search.py", "test_index.py", "test_lean_graph.py"),
    *("test_pretraining.py", "test_text_head.py", "test_two_tower_variants.py", "test_search.py"),
    *("test_workers.py",),
)
"""What trains, saves or fuzzes for longer than a few seconds: CI runs it on one of the stacks."""
PARTS = (
    *("schema", "ads", "experiments", "datasets", "model"),
    *("components", "pipeline", "serving", "gateway", "cli"),
)

collect_ignore = [] if os.environ.get("AISLE_CLUSTER") else ["cluster"]
"""`make cluster-test` runs those: each is a run of the pipeline by other processes."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is slow, and keeps the tests that share a module's fixture in one process, so that it is made once.

    Puts first what takes longest, so that no process is left alone with it when the others are done.
    """
    for item in items:
        if item.path.name in SLOW:
            item.add_marker(pytest.mark.slow)
        found = getattr(item, "_fixtureinfo", None)
        scopes = {given[-1].scope for given in found.name2fixturedefs.values()} if found else set()
        if "module" in scopes and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(REPOSITORY).as_posix()))
    items.sort(key=_how_soon)


def _how_soon(item: pytest.Item) -> int:
    """The runs of the whole pipeline, what trains or fuzzes, the groups that stay together, and single tests at last."""
    marks = [mark.name for mark in item.iter_markers()]
    return next((place for place, name in enumerate(("e2e", "slow", "xdist_group")) if name in marks), 3)


def pytest_collection_finish() -> None:
    """Has the collector of garbage pass over what the tests imported: millions of objects that stay.

    It walks all others again and again, and on Python 3.10 so does pyarrow before it reads a CSV file.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """The folder of real data sets; the test is skipped, saying so, where it is absent."""
    folder = pathlib.Path(os.environ.get("AISLE_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the real data sets are absent: {folder} (set AISLE_SHARED_DATA to their folder)")
    return folder


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The project's wheel, built from a copy so that nothing old in `build/` gets into it."""
    source = tmp_path_factory.mktemp("source")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    for part in PARTS:
        shutil.copytree(REPOSITORY / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(target),
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The `bin` folder of an environment with the wheel in it and this environment's packages behind it.

    The other packages come by a path in a `.pth` file, whose own `.pth` files are not read: the editable
    installation of the repository stays out.
    """
    folder = tmp_path_factory.mktemp("environment")
    # An own pip takes seconds to unpack.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "locked.pth").write_text("\n".join(site.getsitepackages()) + "\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    command = [*pip, "install", "--quiet", "--no-deps", "--no-index"]
    # `aisle` itself is seen through the .pth file where it is installed editable: install over it.
    subprocess.run([*command, "--force-reinstall", "--ignore-installed", str(wheel)], check=True)
    return folder / "bin"
