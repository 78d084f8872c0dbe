from __future__ import annotations

import pathlib
import runpy
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from tfx.components.pusher import executor as stock_pusher
from tfx.proto import pusher_pb2
from tfx.types import channel, standard_artifacts
from tfx.utils import proto_utils

from aisle.components.canary.compare import check_same
from aisle.components.canary.component import CanaryLoad
from aisle.components.canary.executor import Executor as CanaryExecutor
from aisle.components.canary.failure import CanaryFailure
from aisle.components.pusher.component import Pusher
from aisle.components.pusher.executor import Executor as PusherExecutor
from aisle.components.pusher.executor import next_version, push

TINY = pathlib.Path(__file__).parents[1] / "serving" / "tiny_model.py"
SERVER = "aisle.serving.server"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> standard_artifacts.Model:
    artifact = standard_artifacts.Model()
    artifact.uri = str(tmp_path_factory.mktemp("model"))
    folder = pathlib.Path(artifact.uri) / "Format-Serving"
    runpy.run_path(str(TINY))["save_tiny_model"](folder)
    return artifact


def _bless(model: standard_artifacts.Model, folder: pathlib.Path, **properties: Any) -> Any:
    blessing = standard_artifacts.InfraBlessing()
    blessing.uri = str(folder / "blessing")
    properties = {"server_module": SERVER, "max_latency_ms": 5000.0} | properties
    CanaryExecutor().Do({"model": [model]}, {"blessing": [blessing]}, properties)
    return blessing


def _files(blessing: Any) -> list[str]:
    return sorted(path.name for path in pathlib.Path(blessing.uri).iterdir())


def test_a_model_that_serves_as_in_memory_is_blessed(
    model: standard_artifacts.Model, tmp_path: pathlib.Path
) -> None:
    blessing = _bless(model, tmp_path)
    assert blessing.get_int_custom_property("blessed") == 1
    assert _files(blessing) == ["INFRA_BLESSED"]


def test_a_model_that_is_too_slow_is_not_blessed_and_the_file_says_why(
    model: standard_artifacts.Model, tmp_path: pathlib.Path
) -> None:
    blessing = _bless(model, tmp_path, max_latency_ms=0.001)
    assert blessing.get_int_custom_property("blessed") == 0
    assert "(median)" in (pathlib.Path(blessing.uri) / "INFRA_NOT_BLESSED").read_text()


def test_a_model_that_does_not_load_is_not_blessed(tmp_path: pathlib.Path) -> None:
    broken = standard_artifacts.Model()
    broken.uri = str(tmp_path)
    (tmp_path / "Format-Serving").mkdir()
    (tmp_path / "Format-Serving" / "saved_model.pb").write_bytes(b"not a model")
    blessing = _bless(broken, tmp_path)
    assert _files(blessing) == ["INFRA_NOT_BLESSED"]
    assert "did not start" in (pathlib.Path(blessing.uri) / "INFRA_NOT_BLESSED").read_text()


@pytest.mark.parametrize(
    ("ids", "scores"), [(b"b", 1.0), (b"a", 1.1), (b"a", np.nan)], ids=["ids", "scores", "nan"]
)
def test_answers_that_differ_fail(ids: bytes, scores: float) -> None:
    expected = {"item_ids": np.array([[b"a"]], object), "scores": np.array([[1.0]])}
    check_same("search", expected, expected)
    with pytest.raises(CanaryFailure, match="search answers"):
        check_same(
            "search", expected, {"item_ids": np.array([[ids]], object), "scores": np.array([[scores]])}
        )


def _push(model: Any, base: pathlib.Path, folder: pathlib.Path, blessed: int) -> Any:
    blessing, pushed = standard_artifacts.InfraBlessing(), standard_artifacts.PushedModel()
    blessing.set_int_custom_property("blessed", blessed)
    pushed.uri = str(folder / "pushed")
    destination = pusher_pb2.PushDestination()
    destination.filesystem.base_directory = str(base)
    inputs = {"model": [model], "infra_blessing": [blessing]}
    properties = {"push_destination": proto_utils.proto_to_json(destination)}
    PusherExecutor().Do(inputs, {"pushed_model": [pushed]}, properties)
    return pushed


def test_a_push_is_whole_the_highest_and_clears_what_was_left(
    model: standard_artifacts.Model, tmp_path: pathlib.Path
) -> None:
    base = tmp_path / "aisle"
    future = 99_999_999_999
    (base / str(future)).mkdir(parents=True)
    (base / ".pushing-old").mkdir()
    pushed = _push(model, base, tmp_path, blessed=1)
    assert sorted(path.name for path in base.iterdir()) == sorted([str(future), str(future + 1)])
    source = pathlib.Path(model.uri) / "Format-Serving"
    copied = base / str(future + 1)
    assert (copied / "saved_model.pb").read_bytes() == (source / "saved_model.pb").read_bytes()
    assert (copied / "assets.extra" / "titles.json").is_file()
    assert (pathlib.Path(pushed.uri) / "saved_model.pb").is_file()
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_version") == str(future + 1)
    assert pushed.get_string_custom_property("pushed_destination") == str(copied)


def test_an_unblessed_model_is_not_pushed(model: standard_artifacts.Model, tmp_path: pathlib.Path) -> None:
    pushed = _push(model, tmp_path / "aisle", tmp_path, blessed=0)
    assert pushed.get_int_custom_property("pushed") == 0
    assert not (tmp_path / "aisle").exists()


def test_a_folder_without_a_model_is_refused_and_leaves_nothing(tmp_path: pathlib.Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(ValueError, match="holds no saved_model.pb"):
        push(str(tmp_path / "model"), str(tmp_path / "aisle"))
    assert not (tmp_path / "aisle").exists()


def test_versions_are_the_clock_or_one_above_the_highest() -> None:
    assert next_version([], 100.9) == 100
    assert next_version(["99", ".pushing-900", "old"], 100.0) == 100
    assert next_version(["100", "7"], 100.0) == 101


def test_the_components_wire() -> None:
    models = channel.Channel(type=standard_artifacts.Model)
    canary = CanaryLoad(models, SERVER, 250)
    destination = pusher_pb2.PushDestination()
    destination.filesystem.base_directory = "served"
    pusher = Pusher(model=models, infra_blessing=canary.outputs["blessing"], push_destination=destination)
    assert pusher.EXECUTOR_SPEC.executor_class is PusherExecutor
    assert issubclass(PusherExecutor, stock_pusher.Executor)


def test_a_component_never_imports_the_server() -> None:
    code = "import sys, aisle.components.canary.executor; sys.exit('aisle.serving' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
