"""`aisle schema`: infer, diff, accept."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aisle.cli.schema import schema
from aisle.schema.errors import InputError

ITEMS = "item_id,title,category,price\n" + "".join(
    f"i{n},thing {n},{'Home' if n % 2 else 'Food'},{n + 1}.5\n" for n in range(20)
)
EVENTS = "timestamp,event,item_id\n" + "".join(
    f"2024-01-{n + 1:02} 00:00:00,{'click' if n % 2 else 'impression'},i{n}\n" for n in range(20)
)


def _run(*words: str, **options: Any) -> Result:
    return CliRunner().invoke(schema, list(words), catch_exceptions=False, **options)


@pytest.fixture
def shop(tmp_path: pathlib.Path) -> tuple[str, str]:
    """A shop with schemas drawn from it: its data folder, and that of the schemas."""
    data, folder = tmp_path / "shop", tmp_path / "schemas"
    data.mkdir()
    (data / "items.csv").write_text(ITEMS)
    (data / "events.csv").write_text(EVENTS)
    assert _run("infer", str(data), "--schema", str(folder)).exit_code == 0
    return str(data), str(folder)


def _deliver(data: str, items: str) -> None:
    (pathlib.Path(data) / "items.csv").write_text(items)


def _schema(folder: str) -> str:
    return (pathlib.Path(folder) / "items.pbtxt").read_text()


def test_tables_keep_to_the_schema_drawn_from_them(shop: tuple[str, str]) -> None:
    data, folder = shop
    done = _run("diff", data, "--schema", folder)
    assert done.exit_code == 0
    assert "items: as its schema says" in done.output
    assert sorted(path.name for path in pathlib.Path(folder).iterdir()) == ["events.pbtxt", "items.pbtxt"]


def test_a_new_value_and_column_are_shown_with_their_names_and_accepted_one_by_one(
    shop: tuple[str, str],
) -> None:
    data, folder = shop
    before = _schema(folder)
    changed = ITEMS.replace("price\n", "price,colour\n").replace(".5\n", ".5,red\n")
    _deliver(data, changed.replace("i1,thing 1,Home", "i1,thing 1,Toys"))
    done = _run("diff", data, "--schema", folder)
    assert done.exit_code == 1
    values, column = "items.category:ENUM_TYPE_UNEXPECTED_STRING_VALUES", "items.colour:SCHEMA_NEW_COLUMN"
    assert f'+ values of category: "Toys"\t{values}' in done.output
    assert f"+ column colour\t{column}" in done.output

    assert f"accepted {values}" in _run("accept", data, "--schema", folder, values).output
    added = [line.strip() for line in _schema(folder).splitlines() if line not in before.splitlines()]
    assert added == ['value: "Toys"']
    assert column in (left := _run("diff", data, "--schema", folder).output)
    assert values not in left

    _run("accept", data, "--schema", folder)
    assert _run("diff", data, "--schema", folder).exit_code == 0


def test_a_missing_column_is_shown_and_its_absence_accepted(shop: tuple[str, str]) -> None:
    data, folder = shop
    _deliver(data, "item_id,title,price\n" + "".join(f"i{n},thing {n},{n}.5\n" for n in range(20)))
    assert (
        "- column category\titems.category:SCHEMA_MISSING_COLUMN"
        in _run("diff", data, "--schema", folder).output
    )
    _run("accept", data, "--schema", folder)
    assert "category" not in _schema(folder)


def test_a_negative_price_is_against_the_schema(shop: tuple[str, str]) -> None:
    data, folder = shop
    _deliver(data, ITEMS.replace(",1.5\n", ",-1.5\n"))
    done = _run("diff", data, "--schema", folder)
    assert "! price: " in done.output
    assert "items.price:FLOAT_TYPE_SMALL_FLOAT" in done.output


def test_a_value_no_longer_seen_is_told_and_stays(shop: tuple[str, str]) -> None:
    data, folder = shop
    _deliver(data, ITEMS.replace("Home", "Food"))
    done = _run("diff", data, "--schema", folder)
    assert 'of category not seen: "Home"' in done.output
    assert done.exit_code == 0
    before = _schema(folder)
    assert "nothing to accept" in _run("accept", data, "--schema", folder).output
    assert _schema(folder) == before


def test_a_table_without_a_schema_is_shown_and_accepted(shop: tuple[str, str]) -> None:
    data, folder = shop
    (pathlib.Path(data) / "users.csv").write_text("user_id\nu1\nu2\n")
    assert "+ table\tusers:SCHEMA_NEW_TABLE" in _run("diff", data, "--schema", folder).output
    _run("accept", data, "--schema", folder, "users:SCHEMA_NEW_TABLE")
    assert _run("diff", data, "--schema", folder).exit_code == 0


def test_control_characters_of_the_data_never_reach_the_terminal(shop: tuple[str, str]) -> None:
    data, folder = shop
    _deliver(data, ITEMS.replace("Home", "Ho\x1b[31m\u202eme"))
    output = _run("diff", data, "--schema", folder).output
    assert "SCHEMA" in output or "ENUM" in output
    assert not {"\x1b", "\u202e"} & set(output)


def test_schemas_that_are_there_are_not_overwritten_unasked(shop: tuple[str, str]) -> None:
    data, folder = shop
    with pytest.raises(InputError, match=r"items\.pbtxt exists"):
        _run("infer", data, "--schema", folder)
    assert _run("infer", data, "--schema", folder, "--overwrite").exit_code == 0


def test_what_cannot_be_used_is_named(shop: tuple[str, str], tmp_path: pathlib.Path) -> None:
    data, folder = shop
    with pytest.raises(InputError, match="no schema in"):
        _run("diff", data, "--schema", str(tmp_path))
    with pytest.raises(InputError, match="'items.price:NO' is no difference"):
        _run("accept", data, "--schema", folder, "items.price:NO")
    (pathlib.Path(folder) / "items.pbtxt").write_text("feature { nonsense: 1 }")
    with pytest.raises(InputError, match=r"items\.pbtxt is no schema"):
        _run("diff", data, "--schema", folder)
