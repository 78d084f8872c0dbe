"""The columns that settings name: whether the data has them is known by its headers, before anything slow is imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.steps.rules import CONSTANT, parse_rule
from aisle.components.example_gen.discovery import USUAL, find_tables
from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.reader import table_columns
from aisle.components.storage import is_remote
from aisle.schema.errors import InputError
from aisle.schema.tables import TABLE_BY_NAME, TABLES, Table


def check_named_columns(data: str, options: CleanerOptions, readings: Mapping[str, TableReading]) -> None:
    """Checks that each column which the cleaner's settings name is one of ours, or in the header of a file of its table.

    Args:
        data: the folder of the tables; a remote one's headers are not looked at.
        options: of the cleaner.
        readings: how each table is read, by name.

    Raises:
        InputError: a column is neither, or its table isn't there.
    """
    asked = [] if is_remote(data) else list(_named(options))
    if not asked:
        return
    files = find_tables(data, readings)
    ours = {table.name: {column.name for column in table.columns} for table in TABLES}
    for setting, name in asked:
        table, _, column = name.partition(".")
        if table not in files:
            raise InputError(f"{setting} names {name}, but the data folder holds {', '.join(files)}")
        if column in ours[table]:
            continue
        found = _columns(data, TABLE_BY_NAME[table], readings.get(table, USUAL))
        if found is not None and column not in found:
            raise InputError(f"{setting} names {name}, but {table} has: {', '.join(found)}")


def _named(options: CleanerOptions) -> Iterator[tuple[str, str]]:
    """Each setting that names a column, and the column as `table.column`."""
    yield from (("cleaner.numbers", name) for name in options.numbers)
    if (
        "near_duplicate_columns" in options.model_fields_set
    ):  # The default's are ours, and events need not be there.
        setting = "cleaner.near_duplicate_columns"
        yield from ((setting, f"events.{name}") for name in options.near_duplicate_columns)
    yield from (("cleaner.missing", name) for name in _of_rules(options.missing))


def _of_rules(missing: Mapping[str, str]) -> Iterator[str]:
    for name, text in missing.items():
        yield name
        rule = parse_rule(text)
        if rule.argument and rule.method != CONSTANT:
            yield f"{name.partition('.')[0]}.{rule.argument}"


def _columns(data: str, table: Table, reading: TableReading) -> tuple[str, ...] | None:
    """A table's columns; None where they can't be told: it is told where the table is read."""
    try:
        return table_columns(data, table, reading)
    except InputError:
        return None
