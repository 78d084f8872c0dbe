"""A shop's pictures: found below its data folder, read once, and left out with the reason where they can't be used."""

from __future__ import annotations

import io
import os
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aisle.components.pictures.gathered import PLACEHOLDER, Gathered, content_hash
from aisle.components.pictures.placeholders import placeholders
from aisle.components.pictures.places import cell_place, read_places
from aisle.schema.pictures import PictureError


def _png(red: int) -> bytes:
    with io.BytesIO() as file:
        Image.new("RGB", (4, 4), (red, 0, 0)).save(file, "PNG")
        return file.getvalue()


def _reason(folder: pathlib.Path, place: str) -> str:
    ((_, found),) = read_places(str(folder), [place])
    assert isinstance(found, PictureError), found
    return str(found)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    data = tmp_path / "shop"
    (data / "pictures").mkdir(parents=True)
    (data / "pictures" / "a#1.png").write_bytes(_png(1))
    (data / "copy.png").write_bytes(_png(1))
    (data / "cut.png").write_bytes(_png(2)[:50])
    (tmp_path / "secret.png").write_bytes(_png(3))
    cells = pa.table({"photo": pa.array([_png(4), None, _png(5), b""] * 20, pa.binary())})
    pq.write_table(cells, data / "items.parquet", row_group_size=7)
    return data


def test_files_and_cells_are_read(folder: pathlib.Path) -> None:
    cells = [cell_place("items.parquet", "photo", row) for row in (79, 1, 33)]
    found = dict(read_places(str(folder), ["pictures/a#1.png", "pictures\\a#1.png", *cells]))
    assert found["pictures/a#1.png"] == found["pictures\\a#1.png"] == _png(1)
    assert [found[cell] for cell in cells] == [_png(5), _png(4), _png(4)]


@pytest.mark.parametrize(
    "place",
    [
        "../secret.png",
        "pictures/../../secret.png",
        "..\\secret.png",
        "/etc/passwd",
        "a\0b",
        "../x.parquet#photo#1",
    ],
)
def test_a_path_out_of_the_folder_is_not_followed(folder: pathlib.Path, place: str) -> None:
    assert "out of the data folder" in _reason(folder, place)


def test_a_link_out_of_the_folder_is_not_followed(folder: pathlib.Path) -> None:
    os.symlink(folder.parent / "secret.png", folder / "link.png")
    os.symlink(folder.parent, folder / "up")
    for place in ("link.png", "up/secret.png"):
        assert _reason(folder, place) == "leads out of the data folder by a link"


def test_links_and_folders_within_the_folder_are_followed(folder: pathlib.Path) -> None:
    (folder / "pictures" / "new" / "red").mkdir(parents=True)
    (folder / "pictures" / "new" / "red" / "mug.png").write_bytes(_png(6))
    os.symlink("pictures/new", folder / "latest")
    found = dict(read_places(str(folder), ["pictures/new/red/mug.png", "latest/red/mug.png"]))
    assert list(found.values()) == [_png(6)] * 2


def test_a_pipe_is_not_waited_for(folder: pathlib.Path) -> None:
    os.mkfifo(folder / "pipe.png")
    os.mkfifo(folder / "pipe.parquet")
    for place in ("pipe.png", "pipe.parquet#photo#1"):
        assert "a pipe" in _reason(folder, place)


def test_what_cannot_be_read_says_why(folder: pathlib.Path) -> None:
    (folder / "nothing.png").touch()
    os.symlink("itself.png", folder / "itself.png")
    gathered = Gathered()
    assert list(gathered.read(str(folder), {"mug": "nothing.png"})) == []
    assert gathered.faults == {"mug": "empty"}
    assert _reason(folder, "itself.png") == "no such file below the data folder"
    assert _reason(folder, " ") == "names no file"
    assert "fetches nothing" in _reason(folder, "https://example.com/a.png")
    assert _reason(folder, "none.png") == "no such file below the data folder"
    assert _reason(folder, "pictures") == "a folder, expected a file"
    assert _reason(folder, "items.parquet#photo#2") == "empty"
    assert _reason(folder, "items.parquet#photo#81") == "no such row"
    assert "can't be read" in _reason(folder, "items.parquet#other#1")
    assert "can't be read" in _reason(folder, "none.parquet#photo#1")


def test_each_content_is_decoded_once_and_faults_leave_the_items(folder: pathlib.Path) -> None:
    places = {
        "mug": "copy.png",
        "cup": "pictures/a#1.png",
        "lamp": "cut.png",
        "rope": "../x",
        "tv": "copy.png",
    }
    gathered = Gathered()
    read = list(gathered.read(str(folder), places))
    assert [name for name, _ in read] == [content_hash(_png(1))]
    assert np.array_equal(read[0][1][9, 9], [1, 0, 0])
    assert gathered.hashes == dict.fromkeys(["mug", "cup", "tv"], content_hash(_png(1)))
    assert "broken or cut off" in gathered.faults["lamp"]
    assert gathered.findings() == [
        {"reason": gathered.faults[item], "items": 1, "examples": [item]} for item in ("lamp", "rope")
    ]


def test_what_is_known_is_not_decoded_again(folder: pathlib.Path) -> None:
    gathered = Gathered()
    assert list(gathered.read(str(folder), {"mug": "copy.png"}, {content_hash(_png(1))})) == []
    assert list(gathered.hashes) == ["mug"]


def test_a_placeholder_is_what_the_other_pictures_do_not_let_expect() -> None:
    """Of a hundred pictures of one item each, a further one is shared by chance of 1/102: 101 / 102^4 < 1e-6 < 101 / 102^3."""
    ones = np.ones(100, np.int64)
    assert placeholders(np.append(ones, 4)).sum() == 0
    assert np.flatnonzero(placeholders(np.append(ones, 5))).tolist() == [100]
    # Where every picture has three variants, one of five is nothing odd, and one of 40 is.
    threes = np.full(100, 3, np.int64)
    assert placeholders(np.append(threes, 5)).sum() == 0
    assert np.flatnonzero(placeholders(np.append(threes, [60, 90]))).tolist() == [100, 101]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60))
def test_what_is_shared_more_than_a_placeholder_is_one(shared: list[int]) -> None:
    counts = np.array(shared)
    found = placeholders(counts)
    assert not found[counts == 1].any()
    assert not found.any() or counts[found].min() >= counts[~found].max(initial=0)


def test_placeholders_leave_their_items() -> None:
    hashes = {f"i{n}": str(n) for n in range(100)} | {f"blank{n}": "x" for n in range(9)}
    gathered = Gathered(dict(hashes))
    gathered.take_out_placeholders()
    assert set(gathered.hashes) == {f"i{n}" for n in range(100)}
    assert gathered.findings() == [
        {"reason": PLACEHOLDER, "items": 9, "examples": ["blank0", "blank1", "blank2"]}
    ]
