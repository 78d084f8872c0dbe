"""Every step of the compiled specification runs by its own command line, out of the lock and the wheel alone.

`make kubeflow-test` installs both and runs this, for eight to nine minutes of a processor.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import pathlib
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pyarrow import fs

from aisle.components.mounts import MOUNTS
from aisle.components.storage import exists, list_folder
from aisle.components.tables import read_json
from aisle.schema.training import HISTORY_FILE
from tests.kubeflow.backend import Backend, Copier, StepFailed
from tests.s3_server import BUCKET, INSTALL, installed, s3_server

INSTALLATION = "AISLE_KUBEFLOW"
"""Names the folder of an installation: its `bin/python` runs the steps."""
STORE = "AISLE_KUBEFLOW_STORE"
"""`s3` has the tables and the root lie in an S3 store of this machine; else they lie in folders."""
Artifacts = dict[tuple[str, str], dict[str, Any]]
SETTINGS = (
    *("data.tables=items,events", "gate.max_quarantined_share=0.05"),
    *("labels.test_days=7", "labels.eval_days=7", "evaluator.resamples=10"),
    *("retrieval.steps=20", "retrieval.batch=64", "retrieval.order=never", "retrieval.refit=false"),
    *("candidates.windows=1", "candidates.users=20", "candidates.test_users=20", "candidates.recents=0"),
    *("ranker.layers=1", "ranker.epochs=1", "ranker.members=1", "ranker.text_rows=50", "ranker.dropout=0"),
    *("bless.min_auc=0", "bless.popularity_ratio=0.01", "bless.baseline_ratio=0", "bless.max_drop=1"),
)
"""What makes a run short, its model blessed whatever it has learnt, and two workers draw no dropout of their own."""

pytestmark = pytest.mark.skipif(
    INSTALLATION not in os.environ, reason="make kubeflow-test installs the wheel and the lock, and runs it"
)


@pytest.fixture(scope="module")
def programs() -> pathlib.Path:
    """The programs of the installation."""
    return pathlib.Path(os.environ[INSTALLATION]).absolute() / "bin"


@dataclasses.dataclass(frozen=True)
class Compiled:
    """A small shop's pipeline.

    Attributes:
        spec: its specification.
        root: where its steps write.
        environment: of its containers.
        copier: of the store; None where the root is a folder.
    """

    spec: dict[str, Any]
    root: str
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    copier: Copier | None = None


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory, programs: pathlib.Path) -> Iterator[Compiled]:
    """Its tables and its root lie in folders, which stand for a volume that all steps share, or in an S3 store."""
    folder = tmp_path_factory.mktemp("kubeflow")
    shop = str(folder / "shop")
    words = ["simulate", shop, "--users", "60", "--items", "60", "--days", "40"]
    subprocess.run([str(programs / "aisle"), *words], cwd=folder, check=True)
    if os.environ.get(STORE) != "s3":
        root = str(folder / "root")
        yield Compiled(_specification(programs, folder, shop, root), root)
        return
    if not installed():
        pytest.skip(INSTALL)
    with s3_server(tmp_path_factory.mktemp("store")) as server:
        data, root = f"s3://{BUCKET}/raw", f"s3://{BUCKET}/aisle"
        fs.copy_files(shop, f"{BUCKET}/raw", destination_filesystem=server.client, use_threads=False)
        spec = _specification(programs, folder, data, root)
        yield Compiled(spec, root, server.environment, _copier(server.client))


def _specification(programs: pathlib.Path, folder: pathlib.Path, data: str, root: str) -> dict[str, Any]:
    output = folder / "pipeline.yaml"
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    words = ["compile", data, "--root", root, "--image", "aisle", "--output", str(output), *settings]
    subprocess.run([str(programs / "aisle"), *words], cwd=folder, check=True)
    return dict(json.loads(output.read_text(encoding="utf-8")))


def _copier(client: fs.S3FileSystem) -> Copier:
    """Copies as the launcher does: files, and no folder that holds none."""

    def download(uri: str, path: pathlib.Path) -> None:
        key = uri.removeprefix("s3://")
        for entry in client.get_file_info(fs.FileSelector(key, recursive=True, allow_not_found=True)):
            if entry.type == fs.FileType.File:
                target = path / entry.path[len(key) + 1 :]
                target.parent.mkdir(parents=True, exist_ok=True)
                fs.copy_files(entry.path, str(target), source_filesystem=client, use_threads=False)

    def upload(path: pathlib.Path, uri: str) -> None:
        for file in path.rglob("*"):
            if file.is_file():
                key = f"{uri.removeprefix('s3://')}/{file.relative_to(path)}"
                fs.copy_files(str(file), key, destination_filesystem=client, use_threads=False)

    return Copier(download, upload)


def _backend(compiled: Compiled, programs: pathlib.Path, folder: pathlib.Path) -> Backend:
    environment = {**compiled.environment, MOUNTS: str(folder / "mounts")}
    root = compiled.spec["defaultPipelineRoot"]
    return Backend(compiled.spec, root, programs, folder, environment, compiled.copier)


@pytest.fixture(scope="module")
def ran(
    compiled: Compiled, programs: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Backend, Artifacts]:
    """What has run every step, and what they made."""
    backend = _backend(compiled, programs, tmp_path_factory.mktemp("containers"))
    made = backend.run()
    print(json.dumps(backend.seconds, indent=1))
    return backend, made


@pytest.fixture(autouse=True)
def _reachable(compiled: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process reaches the root as the containers do."""
    for name, value in compiled.environment.items():
        monkeypatch.setenv(name, value)


def test_every_step_runs_and_a_blessed_model_is_pushed(
    compiled: Compiled, ran: tuple[Backend, Artifacts]
) -> None:
    made = ran[1]
    assert made.keys() == {
        (name, key)
        for name, component in compiled.spec["components"].items()
        for key in component["outputDefinitions"]["artifacts"]
    }
    served = f"{compiled.root}/serving/aisle"
    (version,) = list_folder(served)
    assert exists(f"{served}/{version}/saved_model.pb")
    assert made["Pusher", "pushed_model"]["metadata"]["pushed_version"] == version
    for report in ("anomalies", "cleaning", "labels", "evaluation"):
        assert read_json(f"{compiled.root}/reports/{report}.json")


@pytest.mark.parametrize("trainer", ["Trainer-two-tower", "Trainer-ranking"])
def test_two_workers_that_run_a_trainers_command_learn_what_one_learns(
    ran: tuple[Backend, Artifacts], trainer: str
) -> None:
    backend, made = ran
    together = backend.step(trainer, workers=2)
    one, two = (
        read_json(f"{run['uri']}/{HISTORY_FILE}")
        for run in (made[trainer, "model_run"], together["model_run"])
    )
    assert two.keys() == one.keys()
    assert two["loss"] == pytest.approx(one["loss"], rel=1e-4)
    assert exists(f"{together['model']['uri']}/Format-Serving/saved_model.pb")


def test_a_step_without_its_tables_ends_with_one_line_and_its_exit_code(
    compiled: Compiled, programs: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    spec = copy.deepcopy(compiled.spec)
    nowhere = f"{compiled.root}/nowhere"
    for task in spec["root"]["dag"]["tasks"].values():
        given = task["inputs"].get("parameters", {})
        if "data_folder" in given:
            given["data_folder"]["runtimeValue"]["constant"] = nowhere
    backend = _backend(dataclasses.replace(compiled, spec=spec), programs, tmp_path)
    with pytest.raises(StepFailed) as failed:
        backend.run()
    assert failed.value.code == 2
    assert failed.value.log.splitlines()[-1].startswith(f"aisle: the data folder {nowhere} does not exist")
