"""Files that are there whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import pathlib

import pytest

from aisle.schema.whole_files import whole_file


@pytest.mark.parametrize("through", [False, True])
def test_a_reader_finds_the_earlier_file_until_all_is_written(tmp_path: pathlib.Path, through: bool) -> None:
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    with whole_file(path, through=through) as partial:
        partial.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
        assert list(tmp_path.glob("[!.]*")) == [path]
    assert path.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_earlier_file_and_nothing_beside_it(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), whole_file(path) as partial:
        partial.write_text("half", encoding="utf-8")
        raise ZeroDivisionError
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_as_long_as_names_may_be_is_written(tmp_path: pathlib.Path) -> None:
    path = tmp_path / ("n" * 255)
    with whole_file(path) as partial:
        partial.write_bytes(b"all")
    assert path.read_bytes() == b"all"


def test_an_error_of_the_system_is_raised_and_leaves_nothing(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "taken"
    path.mkdir()
    with pytest.raises(IsADirectoryError), whole_file(path) as partial:
        partial.write_bytes(b"all")
    assert list(tmp_path.iterdir()) == [path]
