"""`aisle compile`: the Kubeflow specification is well formed, and all that it names is there."""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from aisle.cli.run import compile_
from aisle.schema.errors import InputError

IMAGE = "registry.example/aisle:0.1.0"
ROOT = "gs://bucket/aisle"
DATA = "gs://bucket/shop"
DOTTED = re.compile(r"(?:aisle|tfx)(?:\.[A-Za-z_]\w*)+")


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command wrote, without a network and without the data."""
    output = tmp_path_factory.mktemp("compiled") / "pipeline.json"
    command = [sys.executable, "-m", "aisle.cli.main", "compile", DATA, "--root", ROOT, "--image", IMAGE]
    # A proxy that is not there: a step that asked the network would fail.
    environment = os.environ | {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        [*command, "--output", str(output)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert str(output) in done.stdout
    content: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    return content


def _strings(value: Any) -> Iterator[str]:
    """Every string in nested dicts and lists, and in the JSON that strings hold."""
    if isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, str):
        yield value
        if value[:1] in "{[":
            try:
                inner = json.loads(value)
            except ValueError:
                return
            yield from _strings(inner)


def _resolve(path: str) -> Any:
    """The module, class or function that a dotted path names."""
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError as error:
            if not path.startswith(error.name or "\0"):
                raise
            continue
        for name in parts[end:]:
            found = getattr(found, name)
        return found
    raise ModuleNotFoundError(path)


def test_the_output_is_a_specification_that_kubeflow_takes(spec: dict[str, Any]) -> None:
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2

    # As its API server reads an upload: a bare specification, of this version, with nothing that it doesn't know.
    parsed = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec(), ignore_unknown_fields=False)
    assert parsed.pipeline_info.name == "aisle"
    assert parsed.schema_version == "2.1.0"
    assert parsed.default_pipeline_root == f"{ROOT}/artifacts"


def test_every_task_has_a_name_that_argo_takes(spec: dict[str, Any]) -> None:
    tasks = spec["root"]["dag"]["tasks"]
    assert len(tasks) > 20
    for name, task in tasks.items():
        assert re.fullmatch("[a-zA-Z0-9][-a-zA-Z0-9]*", name)
        assert task["taskInfo"]["name"] == task["componentRef"]["name"] == name


def test_what_reads_the_data_is_never_taken_from_the_cache(spec: dict[str, Any]) -> None:
    for name, task in spec["root"]["dag"]["tasks"].items():
        cached = task.get("cachingOptions", {}).get("enableCache", False)
        assert cached == ("dependentTasks" in task), name


def test_every_step_runs_in_the_image(spec: dict[str, Any]) -> None:
    executors = spec["deploymentSpec"]["executors"]
    assert executors
    assert {executor["container"]["image"] for executor in executors.values()} == {IMAGE}


def test_every_executor_class_imports(spec: dict[str, Any]) -> None:
    for executor in spec["deploymentSpec"]["executors"].values():
        arguments = executor["container"]["args"]
        path = arguments[arguments.index("--executor_class_path") + 1]
        assert isinstance(_resolve(path), type), path


def test_every_container_runs_a_module_that_is_there(spec: dict[str, Any]) -> None:
    for executor in spec["deploymentSpec"]["executors"].values():
        command = executor["container"]["command"]
        assert command[:2] == ["python", "-m"]
        assert callable(_resolve(command[2]).main)


def test_every_dotted_path_in_a_parameter_resolves(spec: dict[str, Any]) -> None:
    tasks = spec["root"]["dag"]["tasks"].values()
    parameters = [task.get("inputs", {}).get("parameters", {}) for task in tasks]
    paths = {text for text in _strings(parameters) if DOTTED.fullmatch(text)}
    assert {path.rpartition(".")[2] for path in paths} >= {
        "run_fn",
        "preprocessing_fn",
        "candidates_fn",
        "bundle_fn",
    }
    for path in sorted(paths):
        _resolve(path)


def test_every_task_has_its_component_and_every_component_its_executor(spec: dict[str, Any]) -> None:
    tasks = spec["root"]["dag"]["tasks"]
    for name, task in tasks.items():
        component = spec["components"][task["componentRef"]["name"]]
        assert component["executorLabel"] in spec["deploymentSpec"]["executors"], name
        assert set(task.get("dependentTasks", ())) <= set(tasks), name


def test_every_input_of_a_task_is_an_output_of_its_producer(spec: dict[str, Any]) -> None:
    tasks = spec["root"]["dag"]["tasks"]
    for name, task in tasks.items():
        for key, value in task.get("inputs", {}).get("artifacts", {}).items():
            output = value["taskOutputArtifact"]
            producer = spec["components"][tasks[output["producerTask"]]["componentRef"]["name"]]
            assert output["outputArtifactKey"] in producer["outputDefinitions"]["artifacts"], (name, key)
            assert output["producerTask"] in task["dependentTasks"], (name, key)


def test_nothing_of_the_compiling_machine_is_in_it(spec: dict[str, Any]) -> None:
    text = json.dumps(spec)
    assert DATA in text and ROOT in text
    for folder in (str(pathlib.Path.home()), str(pathlib.Path.cwd()), sys.prefix):
        assert folder == "/" or f"{folder}/" not in text


def test_a_file_in_the_place_of_its_folder_is_told_in_one_line(tmp_path: pathlib.Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    output = str(tmp_path / "taken" / "pipeline.json")
    arguments = [DATA, "--root", ROOT, "--image", IMAGE, "--output", output]
    done = CliRunner().invoke(compile_, arguments)
    assert isinstance(done.exception, InputError)
    assert "taken" in str(done.exception)


def test_of_another_shop_the_file_is_read_on_the_cluster_and_its_encoder_is_to_be_named(
    tmp_path: pathlib.Path,
) -> None:
    output = tmp_path / "pipeline.json"
    arguments = [DATA, "--root", ROOT, "--image", IMAGE, "--output", str(output)]
    given = ["--set", "transfer.from=gs://bucket/taught.npz"]
    CliRunner().invoke(compile_, [*arguments, *given], standalone_mode=False, catch_exceptions=False)
    tasks = json.loads(output.read_text(encoding="utf-8"))["root"]["dag"]["tasks"]
    (trial,) = (task for name, task in tasks.items() if name.lower().startswith("encoder"))
    told = json.dumps(trial["inputs"]["parameters"])
    assert "name its BERT's folder by model.bert" in told
    assert "gs://bucket/taught.npz" in json.dumps(tasks)
