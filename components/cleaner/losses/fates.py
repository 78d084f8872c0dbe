"""What became of each row that was read, and what it is of: a kind of event, a day, a category, a brand, a file."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from aisle.components.plans.spool import ROW
from aisle.schema import events as kinds
from aisle.schema.tables import EVENTS, ITEMS, MICROSECONDS_PER_DAY, TABLE_BY_NAME

EVENT, DAY, CATEGORY, BRAND, FILE = "event", "day", "category", "brand", "file"
PARTED_BY: dict[str, tuple[str, ...]] = {
    EVENTS.name: (EVENT, DAY, FILE),
    ITEMS.name: (CATEGORY, BRAND, FILE),
}
"""By which columns of its fates a table is parted; the others by their files alone."""

NOTHING: Mapping[str, str] = types.MappingProxyType({})
_TIME = "timestamp"
_SIGNS = r"[,;|\t\"'<>]"
"""What a cell of a row that couldn't be read stands between."""
_DATE = r"(\d{4}-\d{2}-\d{2})"
_LAST_DAY = 2_932_896
"""Of the year 9999, counted from 1970."""
_UNKNOWN = pl.lit(None, pl.String)


def fates(
    table: str,
    rows: pa.Table,
    provenance: pa.Table,
    unread: pa.Table,
    taken: pl.DataFrame,
    called: Mapping[str, str] = NOTHING,
    first: int = 0,
) -> pl.DataFrame:
    """Says of each row of a table what it is of, and why it was lost.

    Args:
        table: its name.
        rows: what could be read.
        provenance: where each of them was read.
        unread: what could not (`tables.QUARANTINE_SCHEMA`): what it is of is told by its text, as far as it shows.
        taken: what the Cleaner took out of `rows` (`Ledger.taken`).
        called: what the shop calls kinds of events, and what they are, beside what is known of all shops; "" is what an
            event is that says none.
        first: the number of the first row, where `rows` are a piece of a table that has no key.

    Returns:
        A row for each row that was read: what `PARTED_BY` names, as text, null where it isn't known; `file`, `line`;
        `key` (`Table.key`); and `column`, `value` and `reason` of the quarantine, null where the row was not lost. A
        row whose key another row has that was not lost, as an item's without a title, isn't lost either.
    """
    read = pl.DataFrame(pl.from_arrow(rows)).with_columns(_typed(table, rows.column_names))
    places = pl.DataFrame(pl.from_arrow(provenance)).select(pl.col(FILE).cast(pl.String), "line")
    found = places.with_columns(read.select("key", *_parts(table)).get_columns()).with_row_index(
        ROW, offset=first
    )
    here = taken.filter(pl.col(ROW).is_between(first, first + max(len(found), 1) - 1))
    found = found.join(here, on=ROW, how="left", maintain_order="left").drop(ROW)
    broken = pl.DataFrame(pl.from_arrow(unread)).with_columns(_told(table, called)).select(found.columns)
    both = pl.concat([found, broken], how="vertical_relaxed")
    kept = both.filter(pl.col("reason").is_null())["key"].drop_nulls()
    if len(kept):
        stood_for = pl.col("key").is_in(kept.implode()).fill_null(False)
        both = both.with_columns(pl.when(~stood_for).then("reason").alias("reason"))
    if DAY not in both.columns:
        return both
    # A time that is wrong is of no day.
    known = pl.col("column").ne_missing(_TIME)
    return both.with_columns(pl.when(known).then(DAY).alias(DAY))


def columns_of(table: str) -> list[str]:
    """The columns of a table that tell what its rows are of."""
    return [*TABLE_BY_NAME[table].key, *_parts(table), *([_TIME] if DAY in _parts(table) else [])]


def _typed(table: str, columns: list[str]) -> list[pl.Expr]:
    """What rows are of, by their values."""
    told = {part: pl.col(part).cast(pl.String).str.strip_chars() for part in _parts(table) if part in columns}
    if EVENT in told:
        told[EVENT] = told[EVENT].str.to_lowercase()
    if DAY in _parts(table) and _TIME in columns:
        told[DAY] = (pl.col(_TIME) // MICROSECONDS_PER_DAY).map_batches(_written, pl.String)
    key = next((pl.col(name).str.strip_chars() for name in TABLE_BY_NAME[table].key), _UNKNOWN)
    return [key.alias("key"), *(told.get(part, _UNKNOWN).alias(part) for part in _parts(table))]


def _written(days: pl.Series) -> pl.Series:
    """Days, counted from 1970, as texts; null where there is none of that number. Each day is written once."""
    known = days.unique()
    known = known.filter(known.is_between(0, _LAST_DAY))
    return days.replace_strict(
        known, known.cast(pl.Int32).cast(pl.Date).cast(pl.String), default=None, return_dtype=pl.String
    )


def _told(table: str, called: Mapping[str, str]) -> list[pl.Expr]:
    """What rows are of that couldn't be read, by their text."""
    told = {EVENT: _kind_told(called), DAY: pl.col("row").str.extract(_DATE)}
    return [told.get(part, _UNKNOWN).alias(part) for part in _parts(table)]


def _kind_told(called: Mapping[str, str]) -> pl.Expr:
    """The first cell that is the name of a kind of event, as the kind that it means."""
    known = {name: kind.name for kind in kinds.KINDS for name in kinds.spellings(kind)} | dict(called)
    known.pop("", None)
    # Case, blanks and punctuation of a name don't matter, see `spellings`.
    words = [[re.escape(word) for word in re.split(r"[\W_]+", name)] for name in known]
    names = "|".join(r"[\s_-]*".join(parts) for parts in words)
    cell = pl.col("row").str.extract(rf"(?i)(?:^|{_SIGNS})\s*({names})\s*(?:{_SIGNS}|$)")
    meant = {_folded(name): kind for name, kind in known.items()}
    folded = cell.str.to_lowercase().str.replace_all(r"[\W_]+", "")
    kind = folded.replace_strict(meant, default=None, return_dtype=pl.String)
    return pl.coalesce(kind, pl.lit(called.get(""), pl.String))


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def _parts(table: str) -> list[str]:
    return [part for part in PARTED_BY.get(table, ()) if part != FILE]
