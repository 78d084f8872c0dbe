"""What the headers of a file say: our names in another spelling or in other words, and columns without a name."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from aisle.schema.tables import Table
from aisle.schema.words import folded, place

_UNSEEN = " \t\r\n\u00a0\u200b\ufeff\u200e\u200f"
"""What may stand around a header without being seen."""
_UNNAMED = "(no name) "


def named(written: str, nth: int) -> str:
    """What the nth column is called, counted from 0, by what stands in the header.

    One without a name, as pandas writes its index and spreadsheets what was once a column, gets one of ours.
    """
    return written.strip(_UNSEEN) or f"{_UNNAMED}{nth + 1}"


def is_unnamed(column: str) -> bool:
    """Whether a column has no name in the file."""
    return column.startswith(_UNNAMED)


def spelled(table: Table, header: Sequence[str], chosen: Collection[str]) -> dict[str, str]:
    """By header, the column of ours that it names in another spelling (`Item_ID`, `item id`), where no other one does."""
    found: dict[str, list[str]] = {}
    for column in header:
        found.setdefault(folded(column), []).append(column)
    return {
        found[folded(ours.name)][0]: ours.name
        for ours in table.columns
        if ours.name not in header and ours.name not in chosen and len(found.get(folded(ours.name), ())) == 1
    }


def likely(table: Table, there: Collection[str]) -> dict[str, str]:
    """By each column of ours that isn't there, the extra one whose name is most surely another word for it."""
    extras = [header for header in there if table.column(header) is None]
    absent = [column.name for column in table.columns if column.name not in there]
    found = {}
    for column in absent:
        ranks = [
            (rank, header) for header in extras if (rank := place(table.name, column, header)) is not None
        ]
        if ranks:
            found[column] = min(ranks)[1]
    return found
