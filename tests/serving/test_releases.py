"""Listing, rolling back, labelling and removing versions, on real folders, without TensorFlow."""

from __future__ import annotations

import datetime
import pathlib
import subprocess
import sys

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from aisle.schema.errors import InputError
from aisle.serving.releases.labels import config_file, read_labels
from aisle.serving.releases.pushed import promote, releases, settle, withdraw


@pytest.fixture
def base(tmp_path: pathlib.Path) -> pathlib.Path:
    """A model's folder with the versions 5, 6, 7."""
    folder = tmp_path / "serving" / "aisle"
    for version in (5, 6, 7):
        _version(folder, version)
    return folder


def _version(base: pathlib.Path, version: int) -> None:
    (base / str(version) / "variables").mkdir(parents=True)
    (base / str(version) / "saved_model.pb").write_bytes(b"graph")
    (base / str(version) / "variables" / "variables.index").write_bytes(b"index")


def _folders(base: pathlib.Path) -> list[str]:
    return sorted(path.name for path in base.iterdir())


def _config(base: pathlib.Path) -> model_server_config_pb2.ModelServerConfig:
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse(config_file(base).read_text(), config)
    return config


def _loaded(base: pathlib.Path) -> list[int]:
    """What TF Serving is told to load."""
    return list(_config(base).model_config_list.config[0].model_version_policy.specific.versions)


def test_versions_are_listed_newest_first_with_state_size_time_and_labels(base: pathlib.Path) -> None:
    _version(base, 1_700_000_000)
    (base / "8").mkdir()
    (base / ".pushing-9").mkdir()
    promote(base, 6, "stable")
    promote(base, 6, "canary")
    withdraw(base, 6)
    _version(base, 1_700_000_001)
    found = releases(base)
    assert [(release.version, release.state) for release in found] == [
        (1_700_000_001, "served"),
        (1_700_000_000, "withdrawn"),
        (8, "withdrawn"),
        (7, "withdrawn"),
        (6, "served"),
        (5, "served"),
    ]
    assert found[0].pushed == datetime.datetime(2023, 11, 14, 22, 13, 21, tzinfo=datetime.timezone.utc)
    assert found[0].size == len(b"graph" + b"index")
    assert found[4].labels == ("canary", "stable")
    assert found[4].pushed is None


def test_a_folder_without_a_saved_model_is_listed_as_incomplete(base: pathlib.Path) -> None:
    (base / "8").mkdir()
    assert [release.state for release in releases(base)] == ["incomplete", "served", "served", "served"]


def test_a_rollback_withdraws_the_newest_and_keeps_its_files(base: pathlib.Path) -> None:
    assert withdraw(base) == [7]
    assert _folders(base) == [".withdrawn-7", "5", "6"]
    assert (base / ".withdrawn-7" / "variables" / "variables.index").read_bytes() == b"index"
    assert not config_file(base).exists()


def test_a_rollback_to_a_version_withdraws_all_newer_ones_and_done_twice_changes_nothing(
    base: pathlib.Path,
) -> None:
    assert withdraw(base, to=5) == [6, 7]
    assert _folders(base) == [".withdrawn-6", ".withdrawn-7", "5"]
    assert withdraw(base, to=5) == []


def test_a_rollback_also_takes_a_newer_folder_that_is_not_whole_out_of_the_servers_sight(
    base: pathlib.Path,
) -> None:
    (base / "8").mkdir()
    assert withdraw(base) == [7, 8]


def test_no_rollback_leaves_nothing_to_serve(base: pathlib.Path, tmp_path: pathlib.Path) -> None:
    withdraw(base, to=5)
    with pytest.raises(InputError, match="version 5 is the only one"):
        withdraw(base)
    with pytest.raises(InputError, match=r"no version 4 in .*; expected one of 5"):
        withdraw(base, to=4)
    with pytest.raises(InputError, match=r"version 7 was withdrawn; rename .*\.withdrawn-7 to 7"):
        withdraw(base, to=7)
    with pytest.raises(InputError, match="no model version in"):
        withdraw(tmp_path / "nothing")
    assert "5" in _folders(base)


def test_a_label_is_written_for_tf_serving_with_the_versions_to_load(base: pathlib.Path) -> None:
    assert promote(base, 5, "stable") is None
    (entry,) = _config(base).model_config_list.config
    assert (entry.name, entry.model_platform) == ("aisle", "tensorflow")
    assert entry.base_path == str(base)
    assert dict(entry.version_labels) == {"stable": 5}
    assert _loaded(base) == [5, 7]
    assert [path.name for path in base.parent.iterdir() if "models.config" in path.name] == ["models.config"]


def test_a_label_moves_only_to_a_version_that_tf_serving_was_told_to_load(base: pathlib.Path) -> None:
    promote(base, 5, "stable")
    with pytest.raises(InputError, match="stable can be moved to 6 once .*`aisle promote 6 --label next`"):
        promote(base, 6, "stable")
    assert read_labels(base) == {"stable": 5}
    promote(base, 6, "next")
    assert promote(base, 6, "stable") == 5
    assert read_labels(base) == {"stable": 6, "next": 6}


def test_the_version_that_a_label_leaves_stays_loaded_until_the_next_change(base: pathlib.Path) -> None:
    promote(base, 5, "stable")
    assert promote(base, 7, "stable") == 5
    assert read_labels(base) == {"stable": 7}
    assert _loaded(base) == [5, 7]
    assert promote(base, 5, "stable") == 7
    promote(base, 7, "stable")
    settle(str(base), keep=0)
    assert _loaded(base) == [7]


def test_the_base_path_of_a_container_is_kept_once_given(base: pathlib.Path) -> None:
    promote(base, 5, "stable", base_path="/models/aisle")
    promote(base, 7, "stable")
    assert _config(base).model_config_list.config[0].base_path == "/models/aisle"


def test_other_models_of_the_file_stay(base: pathlib.Path) -> None:
    config_file(base).write_text(
        'model_config_list { config { name: "other" base_path: "/models/other" } }', encoding="utf-8"
    )
    promote(base, 5, "stable")
    assert [entry.name for entry in _config(base).model_config_list.config] == ["other", "aisle"]


@pytest.mark.parametrize("label", ["", "Stable", "1st", "stable label", "-a", "stäble", "stable\n"])
def test_a_bad_label_is_refused(base: pathlib.Path, label: str) -> None:
    with pytest.raises(InputError, match="the label is "):
        promote(base, 5, label)
    assert not config_file(base).exists()


def test_only_a_served_version_gets_a_label(base: pathlib.Path) -> None:
    withdraw(base)
    for version in (7, 8):
        with pytest.raises(InputError, match=f"version {version}"):
            promote(base, version, "stable")
    assert not config_file(base).exists()


def test_a_labelled_version_is_not_rolled_back_until_its_label_is_moved(base: pathlib.Path) -> None:
    promote(base, 7, "stable")
    with pytest.raises(
        InputError, match="version 7 has the label stable; .*`aisle promote 6 --label stable`"
    ):
        withdraw(base)
    assert _folders(base) == ["5", "6", "7"]
    promote(base, 6, "next")
    promote(base, 6, "stable")
    assert withdraw(base) == [7]
    assert _loaded(base) == [6]


def test_a_file_of_labels_that_cannot_be_read_is_named_and_nothing_is_changed(base: pathlib.Path) -> None:
    config_file(base).write_text("model_config_list { nonsense }", encoding="utf-8")
    for change in (lambda: withdraw(base), lambda: promote(base, 5, "stable"), lambda: settle(str(base), 1)):
        with pytest.raises(InputError, match=r"models\.config can't be read"):
            change()
    assert _folders(base) == ["5", "6", "7"]
    assert config_file(base).read_text() == "model_config_list { nonsense }"


def test_what_is_beyond_the_kept_ones_is_removed_but_never_a_label_or_the_newest(base: pathlib.Path) -> None:
    for version in (8, 9):
        _version(base, version)
    promote(base, 5, "stable")
    assert settle(str(base), keep=2) == [6, 7]
    assert _folders(base) == ["5", "8", "9"]
    assert settle(str(base), keep=1) == [8]
    assert _folders(base) == ["5", "9"]


def test_zero_keeps_all(base: pathlib.Path) -> None:
    withdraw(base)
    assert settle(str(base), keep=0) == []
    assert _folders(base) == [".withdrawn-7", "5", "6"]


def test_withdrawn_versions_go_when_all_that_are_kept_are_newer(base: pathlib.Path) -> None:
    withdraw(base)
    _version(base, 8)
    assert settle(str(base), keep=2) == [5]
    assert _folders(base) == [".withdrawn-7", "6", "8"]
    assert settle(str(base), keep=1) == [6, 7]


def test_a_removal_that_was_stopped_is_ended_by_the_next(base: pathlib.Path) -> None:
    (base / "6").rename(base / ".removing-6")
    assert settle(str(base), keep=5) == []
    assert _folders(base) == ["5", "7"]


def test_a_push_a_rollback_and_a_removal_bring_the_versions_to_load_up_to_date(base: pathlib.Path) -> None:
    promote(base, 5, "stable")
    _version(base, 8)
    settle(str(base), keep=0)
    assert _loaded(base) == [5, 8]
    withdraw(base)
    assert _loaded(base) == [5, 7]


def test_none_of_it_imports_tensorflow() -> None:
    code = (
        "import sys, aisle.serving.releases.pushed\n"
        "sys.exit(','.join({'tensorflow', 'tfx'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
