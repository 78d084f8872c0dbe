from __future__ import annotations

import pathlib

import pytest

from aisle.components.example_gen.discovery import find_tables, fingerprint, holds
from aisle.schema.errors import InputError
from aisle.schema.tables import ITEMS, USERS


def _touch(folder: pathlib.Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")


def test_tables_are_found_as_files_and_as_folders_of_shards(tmp_path: pathlib.Path) -> None:
    _touch(tmp_path, "items.parquet", "events/2.csv", "events/1.csv.gz", "events/.hidden", "readme.txt")
    found = find_tables(str(tmp_path))
    assert list(found) == ["items", "events"]
    assert found["events"] == [str(tmp_path / "events" / "1.csv.gz"), str(tmp_path / "events" / "2.csv")]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "no table in .*: expected items.csv, users.csv, .* found nothing"),
        (["notes.txt"], "no table in .* found notes.txt"),
        (["events.csv"], "the table items is missing"),
        (
            ["events.csv", "Items.XLSX"],
            "items is missing .*; Items.XLSX is a spreadsheet: save its sheet as CSV",
        ),
        (
            ["items.ods"],
            "no table in .*; items.ods is a spreadsheet: save its sheet as CSV in UTF-8; `aisle init",
        ),
        (["items.csv", "events.csv", "events/a.csv"], "events is there twice, as events and events.csv"),
        (["items.csv", "events/a.txt"], "a.txt has no known ending"),
        (["items.csv", "events/a.csv/b.csv"], "a.csv is a folder where a file was expected"),
        (["items.csv", "events.csv/a"], "events.csv is a folder where a file was expected"),
        (["items", "events.csv"], "items is a file without a known ending"),
        (["items.csv", "events/_SUCCESS"], "no data: the folder .*events of the table events is empty"),
    ],
)
def test_a_folder_that_cant_be_used_says_why(tmp_path: pathlib.Path, files: list[str], message: str) -> None:
    _touch(tmp_path, *files)
    with pytest.raises(InputError, match=message):
        find_tables(str(tmp_path))


def test_an_empty_folder_beside_a_file_is_none(tmp_path: pathlib.Path) -> None:
    _touch(tmp_path, "items.csv", "events.csv", "items/_SUCCESS")
    assert find_tables(str(tmp_path))["items"] == [str(tmp_path / "items.csv")]
    assert holds(str(tmp_path), ITEMS) and not holds(str(tmp_path), USERS)
    (tmp_path / "items.csv").unlink()
    assert not holds(str(tmp_path), ITEMS)
    (tmp_path / "items" / "1.csv").touch()
    assert holds(str(tmp_path), ITEMS)


def test_a_folder_that_is_absent_or_a_file_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        find_tables(str(tmp_path / "nowhere"))
    _touch(tmp_path, "items.csv")
    with pytest.raises(InputError, match="is a file; expected a folder"):
        find_tables(str(tmp_path / "items.csv"))


def test_a_link_out_of_the_data_folder_is_refused(tmp_path: pathlib.Path) -> None:
    _touch(tmp_path, "secret.csv", "data/items.csv")
    (tmp_path / "data" / "events.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(InputError, match="a link out of the data folder"):
        find_tables(str(tmp_path / "data"))


def test_the_fingerprint_follows_content_and_names_but_not_the_place(tmp_path: pathlib.Path) -> None:
    _touch(tmp_path, "a/1.csv", "b/1.csv", "b/2.csv")
    first = fingerprint([str(tmp_path / "a" / "1.csv")])
    assert fingerprint([str(tmp_path / "b" / "1.csv")]) == first
    assert fingerprint([str(tmp_path / "b" / "2.csv")]) != first
    (tmp_path / "a" / "1.csv").write_text("y", encoding="utf-8")
    assert fingerprint([str(tmp_path / "a" / "1.csv")]) != first
