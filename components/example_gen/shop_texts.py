"""What a shop's tables say in words: the texts that its models will read."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow.compute as pc

from aisle.components.example_gen.discovery import USUAL, find_tables
from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.reader import read_table
from aisle.schema.tables import EVENTS, ITEMS, JUDGEMENTS, TABLE_BY_NAME

_TEXTS: Mapping[str, tuple[str, ...]] = {
    ITEMS.name: ("title", "description", "category", "brand"),
    EVENTS.name: ("query", "text"),
    JUDGEMENTS.name: ("query",),
}


def shop_texts(folder: str, readings: Mapping[str, TableReading] | None = None) -> list[str]:
    """The different texts of a data folder: of items, of searches, of reviews.

    Args:
        folder: of the tables.
        readings: how each table is read, by name.

    Raises:
        InputError: a table is missing or can't be read.
    """
    found: set[str] = set()
    told = readings or {}
    for table in find_tables(folder, told).keys() & _TEXTS.keys():
        found |= _texts(folder, table, _TEXTS[table], told)
    return sorted(found)


def shop_titles(folder: str, readings: Mapping[str, TableReading] | None = None) -> list[str]:
    """The different titles of a data folder's items.

    Args:
        folder: of the tables.
        readings: how each table is read, by name.

    Raises:
        InputError: the table can't be read.
    """
    return sorted(_texts(folder, ITEMS.name, ("title",), readings or {}))


def _texts(
    folder: str, table: str, columns: tuple[str, ...], readings: Mapping[str, TableReading]
) -> set[str]:
    rows = read_table(folder, TABLE_BY_NAME[table], reading=readings.get(table, USUAL)).rows
    there = [column for column in columns if column in rows.column_names]
    return {text for column in there for text in pc.unique(rows[column]).to_pylist() if text}
