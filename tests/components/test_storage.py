"""Whole files on a remote file system: TensorFlow's in memory, shown to TFX as `ram://`."""

from __future__ import annotations

import pathlib

import pytest

pytest.importorskip("tfx")

from tfx.dsl.io import filesystem_registry
from tfx.dsl.io.plugins import tensorflow_gfile

from aisle.components.storage import list_folder, make_folder, open_file, write_whole


class RamFilesystem(tensorflow_gfile.TensorflowFilesystem):
    """The same plugin as of `gs://`, for TensorFlow's file system in memory."""

    SUPPORTED_SCHEMES = ["ram://"]


@pytest.fixture(scope="module", params=["local", "ram"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "local":
        return str(tmp_path_factory.mktemp("whole"))
    filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(RamFilesystem, 20)
    return "ram://whole"


def test_a_file_is_replaced_and_nothing_is_left_beside_it(folder: str) -> None:
    make_folder(folder)
    path = f"{folder}/report.json"
    for content in (b"old", b"new and longer"):
        write_whole(path, content)
        with open_file(path) as file:
            assert file.read() == content
    assert list_folder(folder) == ["report.json"]


def test_a_bare_name_is_written_into_the_working_folder(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_whole("report.json", b"all")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
