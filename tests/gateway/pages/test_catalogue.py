"""What is known of items and users, and which files are pictures."""

from __future__ import annotations

import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aisle.gateway.pages.catalogue import SAMPLE, Catalogue, Facts, Person, read_bought, read_people
from aisle.gateway.pages.pictures import Pictures

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def test_what_is_missing_is_unknown() -> None:
    rows = [
        {"item_id": "a", "title": "Mug", "price": float("nan"), "stock": None, "colour": "red"},
        {"item_id": "b", "title": None, "price": 2.0, "stock": 0},
    ]
    catalogue = Catalogue(pa.Table.from_pylist(rows))
    assert catalogue.facts("a") == Facts("a", "Mug")
    assert catalogue.facts("b") == Facts("b", price=2.0, stock=0)
    assert catalogue.facts("b").sold_out and not catalogue.facts("a").sold_out
    assert catalogue.facts("c", {"c": "Cup"}) == Facts("c", "Cup") and catalogue.facts("c").name == "c"
    assert "a" in catalogue and "c" not in catalogue and Catalogue().facts("a") == Facts("a")


def test_the_departments_are_the_first_levels_of_the_most_items() -> None:
    paths = ["Home/Mugs", "Wear", "Home", None, "", "Home/Pots/Iron"]
    table = pa.table({"item_id": [str(number) for number in range(6)], "category": paths})
    assert Catalogue(table).departments == ["Home", "Wear"]
    assert Catalogue().departments == []


def test_the_users_to_shop_as_are_those_who_bought_most(tmp_path: pathlib.Path) -> None:
    assert read_people(tmp_path) == []
    rows = [{"event": "purchase", "user_id": f"u{number:02}"} for number in range(20)]
    rows += [{"event": "purchase", "user_id": "u07"}, {"event": "purchase", "user_id": None}]
    rows += [{"event": "purchase", "user_id": ""}] * 3 + [{"event": "click", "user_id": "u09"}] * 5
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "events.parquet")
    found = read_people(tmp_path)
    assert found[:2] == [Person("u07", 2), Person("u00", 1)] and len(found) == SAMPLE


def test_what_a_user_bought_is_told_once_the_last_first(tmp_path: pathlib.Path) -> None:
    assert read_bought(tmp_path, "ann") == []
    rows = [("ann", "purchase", item, at) for at, item in enumerate(("mug", "cup", "mug", "pot"))]
    rows += [("ann", "click", "hat", 9), ("bob", "purchase", "hat", 9)]
    names = ("user_id", "event", "item_id", "timestamp")
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])
    pq.write_table(table, tmp_path / "events.parquet")
    assert read_bought(tmp_path, "ann") == ["pot", "mug", "cup"] and read_bought(tmp_path, "eve") == []


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "image/jpeg"),
        (b"GIF89a" + bytes(20), "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x20ftypavif", "image/avif"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"<svg onload=alert(1)>", None),
        (b"", None),
    ],
)
def test_a_picture_is_told_by_what_it_holds(tmp_path: pathlib.Path, first: bytes, kind: str | None) -> None:
    (tmp_path / "a.png").write_bytes(first)
    found = Pictures(tmp_path).find("a.png")
    assert (found and found[1]) == kind


@pytest.mark.parametrize(
    "image",
    [
        "",
        ".",
        "../secret.png",
        "{outside}",
        "link.png",
        "nothing.png",
        "a\0.png",
        "x" * 5_000,
        "https://e/a.png",
    ],
)
def test_what_lies_elsewhere_is_no_picture(tmp_path: pathlib.Path, image: str) -> None:
    folder, outside = tmp_path / "pictures", tmp_path / "secret.png"
    folder.mkdir()
    outside.write_bytes(PNG)
    (folder / "link.png").symlink_to(outside)
    assert Pictures(folder).find(image.format(outside=outside)) is None
    assert Pictures(None).find("secret.png") is None
