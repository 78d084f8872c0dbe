from __future__ import annotations

import json
import pathlib
import runpy
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from tfx.components.pusher import executor as stock_pusher
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import channel, standard_artifacts
from tfx.utils import proto_utils

from aisle.components.canary import server
from aisle.components.canary.compare import check_same
from aisle.components.canary.component import CanaryLoad, failed_before
from aisle.components.canary.executor import Executor as CanaryExecutor
from aisle.components.canary.failure import CanaryFailure
from aisle.components.pusher import remote
from aisle.components.pusher.component import Pusher
from aisle.components.pusher.executor import Executor as PusherExecutor
from aisle.pipeline.local import _result
from aisle.pipeline.paths import Layout
from aisle.schema.errors import NotBlessed
from aisle.schema.versions import next_version

TINY = pathlib.Path(__file__).parents[1] / "serving" / "tiny_model.py"
SERVER = "aisle.serving.server"
SETTLE_FN = "aisle.serving.releases.pushed.settle"


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
    properties = {"server_module": SERVER, "tf_serving": "", "max_latency_ms": 5000.0} | properties
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


def test_a_server_that_takes_too_long_is_ended_and_the_run_says_so_in_one_line(
    model: standard_artifacts.Model, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "START_SECONDS", 0.1)
    blessing = _bless(model, tmp_path)
    assert _files(blessing) == ["INFRA_NOT_BLESSED"]
    with pytest.raises(
        NotBlessed, match="was not pushed: the server was not ready within 0.1 seconds"
    ) as told:
        _result(Layout(str(tmp_path)), {"InfraBlessing": [blessing.uri]}, str(tmp_path / "served"))
    assert "\n" not in str(told.value)


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


def _push(model: Any, base: pathlib.Path, folder: pathlib.Path, blessed: int, **config: Any) -> Any:
    blessing, pushed = standard_artifacts.InfraBlessing(), standard_artifacts.PushedModel()
    blessing.set_int_custom_property("blessed", blessed)
    pushed.uri = str(folder / "pushed")
    destination = pusher_pb2.PushDestination()
    destination.filesystem.base_directory = str(base)
    inputs = {"model": [model], "infra_blessing": [blessing]}
    properties = {
        "push_destination": proto_utils.proto_to_json(destination),
        "custom_config": json.dumps(config or None),
    }
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


def test_a_push_keeps_the_newest_versions(model: standard_artifacts.Model, tmp_path: pathlib.Path) -> None:
    base = tmp_path / "aisle"
    for version in ("1", "2", "3"):
        (base / version).mkdir(parents=True)
        (base / version / "saved_model.pb").touch()
    pushed = _push(model, base, tmp_path, blessed=1, keep=2, settle_fn=SETTLE_FN)
    kept = ["3", pushed.get_string_custom_property("pushed_version")]
    assert sorted(path.name for path in base.iterdir()) == sorted(kept)


def test_a_push_stands_where_the_labels_cannot_be_read_and_removes_nothing(
    model: standard_artifacts.Model, tmp_path: pathlib.Path
) -> None:
    base = tmp_path / "aisle"
    (base / "1").mkdir(parents=True)
    (base / "1" / "saved_model.pb").touch()
    (tmp_path / "models.config").write_text("nonsense")
    pushed = _push(model, base, tmp_path, blessed=1, keep=1, settle_fn=SETTLE_FN)
    assert pushed.get_int_custom_property("pushed") == 1
    assert len(list(base.iterdir())) == 2


def test_where_no_rename_is_at_once_the_file_that_makes_a_model_comes_last(
    model: standard_artifacts.Model, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved, move = [], fileio.rename
    monkeypatch.setattr(fileio, "rename", lambda *paths: (moved.append(paths[1]), move(*paths)))
    base, source = tmp_path / "aisle", pathlib.Path(model.uri) / "Format-Serving"
    (base / ".pushing-old").mkdir(parents=True)
    destination = pathlib.Path(remote.push(str(source), str(base)))
    assert [path.name for path in base.iterdir()] == [destination.name]
    assert moved[-1] == str(destination / "saved_model.pb")
    files = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    assert {path.relative_to(destination) for path in destination.rglob("*") if path.is_file()} == files


def test_where_no_rename_is_at_once_a_push_that_fails_leaves_nothing(
    model: standard_artifacts.Model, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves, move = iter(range(9)), fileio.rename

    def second_fails(*paths: str) -> None:
        if next(moves):
            raise OSError("the store is away")
        move(*paths)

    monkeypatch.setattr(fileio, "rename", second_fails)
    with pytest.raises(OSError, match="away"):
        remote.push(str(pathlib.Path(model.uri) / "Format-Serving"), str(tmp_path / "aisle"))
    assert list((tmp_path / "aisle").iterdir()) == []


def test_versions_are_the_clock_or_one_above_the_highest() -> None:
    assert next_version([], 100.9) == 100
    assert next_version(["99", ".pushing-900", "old"], 100.0) == 100
    assert next_version(["100", "7"], 100.0) == 101


def test_a_failed_canary_is_tried_again_by_the_next_run_and_a_blessed_one_is_not(
    tmp_path: pathlib.Path,
) -> None:
    models = channel.Channel(type=standard_artifacts.Model)

    def told() -> Any:
        return CanaryLoad(models, SERVER, 250, failures=failed_before(str(tmp_path))).exec_properties

    first = told()
    for number, name in ((7, "INFRA_NOT_BLESSED"), (9, "INFRA_BLESSED")):
        folder = tmp_path / "CanaryLoad" / "blessing" / str(number)
        folder.mkdir(parents=True)
        (folder / name).touch()
        again = told()
        # What TFX's cache goes by.
        assert again != first and again == told()
    assert (first["failures"], again["failures"]) == (0, 1)


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
