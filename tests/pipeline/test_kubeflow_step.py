"""A step on Kubeflow is told what the backend leaves out, and works on the copies that the launcher made."""

from __future__ import annotations

import json
import pathlib
import sys
import types
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.components.mounts import MOUNTS, local_path, remote_uri
from aisle.pipeline.kubeflow.invocation import for_entry_point, for_launcher
from aisle.schema.errors import GateBlocked

TYPE = {"instanceSchema": "title: aisle.Quarantine\ntype: object\n"}
DEFINITIONS = {"artifacts": {"lost": {"artifactType": TYPE}}}


def _side(uri: str, type_: dict[str, str], key: str = "lost") -> dict[str, Any]:
    return {"artifacts": {key: {"artifacts": [{"name": "7", "uri": uri, "type": type_}]}}}


def _only(side: dict[str, Any], key: str = "lost") -> dict[str, Any]:
    (artifact,) = side["artifacts"][key]["artifacts"]
    return dict(artifact)


def test_an_input_that_comes_without_a_type_is_of_the_one_that_the_component_names() -> None:
    told = {"inputs": _side("gs://bucket/lost", {"instanceSchema": ""}), "outputs": {}}
    assert _only(for_entry_point(told, DEFINITIONS)["inputs"])["type"] == TYPE


def test_a_type_that_comes_is_kept() -> None:
    other = {"schemaTitle": "system.Dataset"}
    told = {"inputs": _side("gs://bucket/lost", dict(other)), "outputs": {}}
    assert _only(for_entry_point(told, DEFINITIONS)["inputs"])["type"] == other


def test_a_step_reads_and_writes_the_launchers_copies_and_tells_it_of_the_store(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MOUNTS, str(tmp_path))
    told = {
        "inputs": _side("s3://bucket/a/lost", {"instanceSchema": ""}),
        "outputs": _side("minio://bucket/b/kept", TYPE, "kept"),
    }
    read = for_entry_point(told, DEFINITIONS)
    assert _only(read["inputs"])["uri"] == f"{tmp_path}/s3/bucket/a/lost"
    assert _only(read["outputs"], "kept")["uri"] == f"{tmp_path}/minio/bucket/b/kept"
    assert (tmp_path / "minio/bucket/b/kept").is_dir()
    assert (
        _only(for_launcher(_side(f"{tmp_path}/minio/bucket/b/kept", TYPE)))["uri"] == "minio://bucket/b/kept"
    )


@given(
    st.sampled_from(["s3", "minio", "gs"]),
    st.from_regex(r"[a-z]{3,9}(/[a-z.=0-9]{1,9}){0,4}", fullmatch=True),
)
def test_a_path_leads_back_to_its_uri(scheme: str, rest: str) -> None:
    uri = f"{scheme}://{rest}"
    assert remote_uri(local_path(uri)) == uri
    assert (local_path(uri) == uri) == (scheme == "gs")


def test_what_lies_elsewhere_is_left_alone() -> None:
    for path in ("/s3x/bucket/a", "/home/s3/bucket", "gs://bucket/s3/a", "relative/s3/a"):
        assert local_path(path) == path == remote_uri(path)


class Blocked:
    """An executor that a gate stops."""

    def __init__(self, context: object) -> None:
        """Takes what TFX gives."""

    def Do(self, *told: object) -> None:
        raise GateBlocked("the events of May are missing; see reports/anomalies.html")


def test_a_gate_that_stops_a_step_ends_it_with_its_exit_code_and_one_line(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from aisle.pipeline.kubeflow import container

    module = types.ModuleType("executor_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(module, "Blocked", Blocked, raising=False)
    output = {"outputs": {"outputFile": str(tmp_path / "output_metadata.json")}, "inputs": {}}
    words = ["step", "--executor_class_path", f"{module.__name__}.Blocked"]
    words += ["--json_serialized_invocation_args", json.dumps(output)]
    assert container.run_step(container.parsed([*words, "--json_serialized_inputs_spec_args", "{}"])) == 3
    assert "aisle: the events of May are missing" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
