"""Which runs read pictures, what they hand on, and which changes of files they see."""

from __future__ import annotations

import json
import os
import pathlib

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

pytest.importorskip("tfx")

from tfx.types import channel_utils

from aisle.components.artifacts import Pictures, Tables
from aisle.components.example_gen.options import TableReading
from aisle.components.pictures.component import PictureReader
from aisle.components.pictures.executor import Executor
from aisle.components.pictures.storage import read_pictures
from aisle.components.tables import write_tables
from aisle.model.images import efficientnet
from aisle.pipeline.config import load_config
from aisle.pipeline.create import create_pipeline
from aisle.pipeline.inputs import files_fingerprint, pictures_to_read
from aisle.pipeline.paths import Layout
from aisle.schema.errors import InputError
from tests.components.pictures.test_features import Brightness


def test_a_pipeline_with_pictures_hands_them_to_the_bundle() -> None:
    tables = {"items": "1", "events": "2"}
    for fingerprint in ("", "abc"):
        pipeline = create_pipeline(
            "/shop", tables, Layout("/out"), load_config(None, []), pictures=fingerprint
        )
        nodes = {node.id: node for node in pipeline.components}
        assert ("PictureReader" in nodes) == ("pictures" in nodes["Bundle"].inputs) == bool(fingerprint)
    told = nodes["PictureReader"].exec_properties
    assert (told["data_folder"], told["cache_dir"], told["fingerprint"]) == ("/shop", "/out/pictures", "abc")
    assert nodes["Bundle"].inputs["pictures"] is nodes["PictureReader"].outputs["pictures"]


def test_they_are_read_where_items_name_them_and_the_encoder_is_there(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "items.csv").write_text("item_id,title,image\na,Mug,a.png\n", encoding="utf-8")
    (tmp_path / "events.csv").write_text("timestamp,event,item_id\n", encoding="utf-8")
    for package, read in (("json", True), ("no_such_package", False)):
        monkeypatch.setattr(efficientnet, "PACKAGE", package)
        assert bool(pictures_to_read(str(tmp_path), "auto", TableReading())) == read
        assert ("pip install 'aisle[images]'" in capsys.readouterr().err) != read
        assert not pictures_to_read(str(tmp_path), "never", TableReading())
        assert not capsys.readouterr().err
    with pytest.raises(InputError, match="is not installed"):
        pictures_to_read(str(tmp_path), "always", TableReading())
    (tmp_path / "items.csv").write_text("item_id,title\na,Mug\n", encoding="utf-8")
    assert not pictures_to_read(str(tmp_path), "always", TableReading())


def test_a_changed_picture_is_seen(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a").mkdir()
    file = tmp_path / "a" / "1.png"
    file.write_bytes(b"one")
    os.utime(file, ns=(1, 1))
    first = files_fingerprint(str(tmp_path))
    assert files_fingerprint(str(tmp_path)) == first
    file.write_bytes(b"two")
    os.utime(file, ns=(2, 2))
    second = files_fingerprint(str(tmp_path))
    file.rename(tmp_path / "a" / "2.png")
    assert len({first, second, files_fingerprint(str(tmp_path))}) == 3


def bright() -> Brightness:
    """The encoder of the test below."""
    return Brightness()


def test_the_component_sees_pictures_and_says_what_it_left_out(tmp_path: pathlib.Path) -> None:
    shop, artifacts = tmp_path / "shop", {"tables": Tables(), "pictures": Pictures()}
    shop.mkdir()
    for name, artifact in artifacts.items():
        artifact.uri = str(tmp_path / name)
        (tmp_path / name).mkdir()
    for grey in (7, 9):
        Image.new("L", (3, 3), grey).save(shop / f"{grey}.png")
    places = {"a": "7.png", "b": None, "c": "9.png", "d": "../9.png"}
    items = pa.table({"item_id": list(places), "image": list(places.values())})
    write_tables(artifacts["tables"].uri, {"items": items})
    component = PictureReader(
        channel_utils.as_channel([artifacts["tables"]]), str(shop), "1",
        f"{__name__}.bright", str(tmp_path / "cache"), str(tmp_path / "reports"), "",
    )  # fmt: skip
    Executor().Do(
        {"tables": [artifacts["tables"]]}, {"pictures": [artifacts["pictures"]]}, component.exec_properties
    )
    found = read_pictures(artifacts["pictures"].uri)
    assert found["item_id"].to_pylist() == ["a", "c"]
    assert [np.frombuffer(row, np.float16).tolist() for row in found["features"].to_pylist()] == [
        [7, 8],
        [9, 10],
    ]
    report = json.loads((tmp_path / "reports" / "pictures.json").read_text(encoding="utf-8"))
    assert report == {
        "version": 1,
        "items": 4,
        "named": 3,
        "pictures": 2,
        "different": 2,
        "findings": [{"reason": "leads out of the data folder", "items": 1, "examples": ["d"]}],
    }
