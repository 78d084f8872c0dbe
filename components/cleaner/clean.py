"""Cleans the canonical tables; every row is used, merged or quarantined."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl
import pyarrow as pa

from aisle.components.cleaner.campaigns.steps import clean_campaigns
from aisle.components.cleaner.ledger import NONE_TAKEN, Ledger
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.parts import Apart, Divided, Pieces, Whole
from aisle.components.cleaner.shop.habits import Habits
from aisle.components.cleaner.shop.selling import SELLING_READS, selling
from aisle.components.cleaner.steps.catalogue import (
    clean_items,
    clean_judgements,
    clean_users,
    fill_items,
    impute_prices,
    tidy_items,
)
from aisle.components.cleaner.steps.events import Catalogue, clean_events
from aisle.components.cleaner.steps.inventory import clean_stock, clean_supply
from aisle.components.cleaner.steps.outliers import sold_prices, treat_catalogue_prices
from aisle.components.plans.plan import gathered
from aisle.components.plans.spool import ROW
from aisle.components.tables import EVIDENCE_SCHEMA, QUARANTINE_SCHEMA
from aisle.schema.errors import InputError
from aisle.schema.tables import CAMPAIGNS, EVENTS, ITEMS, JUDGEMENTS, STOCK, SUPPLY, TABLE_BY_NAME, USERS

_PIECE = 1 << 17
"""Rows of a listing that are made an Arrow table at a time."""


@dataclasses.dataclass(frozen=True)
class Listing:
    """Rows that may be too many to be held; they are told piece by piece, as often as they are asked for.

    Attributes:
        schema: of the rows.
        frames: tells them.
    """

    schema: pa.Schema
    frames: Callable[[], Iterator[pl.DataFrame]]

    def __iter__(self) -> Iterator[pa.Table]:
        """Yields the rows in order, at least a piece without one."""
        yield self.schema.empty_table()
        for frame in self.frames():
            for rows in frame.iter_slices(_PIECE):
                yield _arrow(rows).cast(self.schema)

    def table(self) -> pa.Table:
        """Returns all rows."""
        return pa.concat_tables(self)


@dataclasses.dataclass(frozen=True)
class CleanResult:
    """What cleaning made of the tables.

    Attributes:
        tables: the cleaned tables by name.
        stored: those that are too large to be held: their rows, piece by piece, once.
        ledger: what became of how many rows, and why (see docs/reports.md).
        touched: which rows those were: `tables.EVIDENCE_SCHEMA`, a row once for each step that touched it.
        lost: the rows taken out, `tables.QUARANTINE_SCHEMA`.
        taken: by table, which rows of it those were (`Ledger.taken`), but for those that are stored.
        taken_of_stored: the same of those: of the rows from one on, so many (`Merged.taken`).
    """

    tables: dict[str, pa.Table]
    ledger: dict[str, Any]
    touched: Listing
    lost: Listing
    taken: dict[str, pl.DataFrame]
    stored: dict[str, Iterator[pa.Table]] = dataclasses.field(default_factory=dict)
    taken_of_stored: dict[str, Callable[[int, int], pl.DataFrame]] = dataclasses.field(default_factory=dict)

    @property
    def evidence(self) -> pa.Table:
        """All of `touched`."""
        return self.touched.table()

    @property
    def quarantine(self) -> pa.Table:
        """All of `lost`."""
        return self.lost.table()


def clean(
    tables: Mapping[str, pa.Table],
    provenance: Mapping[str, pa.Table],
    unread: Mapping[str, pa.Table],
    options: CleanerOptions,
    now: int | None = None,
    events: Pieces | None = None,
) -> CleanResult:
    """Cleans tables.

    With `events` these are cleaned in parts by item; what comes out is the same to the byte.

    Args:
        tables: typed rows by table name; `items` is there.
        provenance: file and line of each row, by table name.
        unread: what the reader quarantined, by table name; tables of which it read all may be left out.
        options: patterns and limits.
        now: microseconds UTC; later timestamps are wrong. None takes the clock.
        events: the events, where they are too large to be held, and not among `tables`.
    """
    now = int(time.time() * 1e6) if now is None else now
    ledgers = {name: _open(name, table, provenance[name], unread.get(name)) for name, table in tables.items()}
    items = ledgers[ITEMS.name]
    parts = _parts(ledgers, unread, events)
    lost, twins = _clean_items_and_events(items, parts, unread.get(ITEMS.name), options, now)
    if isinstance(parts, Divided | Apart):
        parts.enter_into(ledgers[EVENTS.name])
    if USERS.name in ledgers:
        clean_users(ledgers[USERS.name], options, now)
    if JUDGEMENTS.name in ledgers:
        clean_judgements(ledgers[JUDGEMENTS.name], items.rows["item_id"], lost, twins, options)
    if STOCK.name in ledgers:
        clean_stock(ledgers[STOCK.name], items.rows["item_id"], lost, twins, options, now)
    if SUPPLY.name in ledgers:
        clean_supply(ledgers[SUPPLY.name], items.rows["item_id"], lost, twins, options)
    if CAMPAIGNS.name in ledgers:
        clean_campaigns(ledgers[CAMPAIGNS.name], items.rows, lost, twins, options, now)
    divided = {EVENTS.name: parts} if isinstance(parts, Divided | Apart) else {}
    held = {name: ledger for name, ledger in ledgers.items() if name not in divided}
    return CleanResult(
        tables={name: _arrow(ledger.rows.drop(ROW)) for name, ledger in held.items()},
        ledger={"version": 1, "tables": {name: ledger.summary() for name, ledger in ledgers.items()}},
        touched=Listing(EVIDENCE_SCHEMA, functools.partial(_evidence, ledgers, divided)),
        lost=Listing(QUARANTINE_SCHEMA, functools.partial(_quarantine, ledgers, divided)),
        taken={name: pl.concat([NONE_TAKEN, *ledger.taken]) for name, ledger in held.items()},
        stored={name: map(_arrow, one.in_order()) for name, one in divided.items()},
        taken_of_stored={name: one.merged.taken for name, one in divided.items()},
    )


def _evidence(
    ledgers: Mapping[str, Ledger], divided: Mapping[str, Divided | Apart]
) -> Iterator[pl.DataFrame]:
    """Yields what steps touched: of a table that is in parts, what couldn't be read, and then what the parts say."""
    for name, ledger in ledgers.items():
        yield from ledger.evidence
        if name in divided:
            yield from divided[name].merged.evidence()


def _quarantine(
    ledgers: Mapping[str, Ledger], divided: Mapping[str, Divided | Apart]
) -> Iterator[pl.DataFrame]:
    """Yields the records of the rows taken out."""
    for name, ledger in ledgers.items():
        yield from divided[name].merged.quarantine() if name in divided else ledger.quarantine


def _parts(
    ledgers: dict[str, Ledger], unread: Mapping[str, pa.Table], events: Pieces | None
) -> Whole | Divided | Apart | None:
    """Opens the events in their parts, and the ledger of them all among the others, in its place."""
    if events is None:
        return Whole(ledgers[EVENTS.name]) if EVENTS.name in ledgers else None
    nothing = pl.DataFrame(schema={"file": pl.Categorical, "line": pl.Int64})
    broken = pl.DataFrame(pl.from_arrow(unread.get(EVENTS.name, QUARANTINE_SCHEMA.empty_table())))
    ledger = Ledger.open(EVENTS.name, pl.DataFrame(), nothing, broken, events.rows)
    given = {**ledgers, EVENTS.name: ledger}
    ledgers.clear()
    ledgers |= {name: given[name] for name in TABLE_BY_NAME if name in given}
    return events.opened(EVENTS.name)


def _clean_items_and_events(
    items: Ledger,
    events: Whole | Divided | Apart | None,
    unread: pa.Table | None,
    options: CleanerOptions,
    now: int,
) -> tuple[pl.Series, pl.DataFrame]:
    """Cleans what is sold, then the events on it, then the prices that the events tell.

    Returns:
        The ids of items that were quarantined, and the spellings of ids that became another one.
    """
    given = items.rows
    twins = tidy_items(items, options)
    sold = (
        selling(None)
        if events is None
        else gathered(events, lambda part: selling(part.rows, twins), SELLING_READS)
    )
    shop = Habits.gather(items.rows, sold, twins, options)
    clean_items(items, shop, options)
    lost = _lost_ids(given, items.rows["item_id"], unread)
    prices = sold_prices(pl.DataFrame(), options)
    if events is not None:
        prices = clean_events(events, events.columns, Catalogue(items.rows, lost, shop), options, now)
    treat_catalogue_prices(items, prices, options)
    impute_prices(items, prices)
    fill_items(items, options)
    return lost, twins


def _lost_ids(given: pl.DataFrame, kept: pl.Series, unread: pa.Table | None) -> pl.Series:
    """Returns the ids of items of which no row could be used."""
    ids = given["item_id"]
    if unread is not None:
        ids = pl.concat([ids, pl.Series(ids.name, pl.from_arrow(unread["key"]))]).str.strip_chars()
    return ids.filter(~ids.is_in(kept.implode())).unique()


def _open(name: str, table: pa.Table, provenance: pa.Table, unread: pa.Table | None) -> Ledger:
    places = pl.DataFrame(pl.from_arrow(provenance)).with_columns(pl.col("file").cast(pl.Categorical))
    quarantine = pl.from_arrow(QUARANTINE_SCHEMA.empty_table() if unread is None else unread)
    return Ledger.open(name, pl.DataFrame(pl.from_arrow(table)), places, pl.DataFrame(quarantine))


def check_left(result: CleanResult) -> None:
    """Stops where nothing is left to learn from.

    Raises:
        InputError: no row of the items, or of both events and judgements, is left.
    """
    tables = result.ledger["tables"]
    learned = [name for name in (EVENTS.name, JUDGEMENTS.name) if name in tables]
    for names in ([ITEMS.name], learned):
        if names and not any(tables[name]["used"] for name in names):
            steps = [
                step for name in names for step in tables[name]["steps"] if step["outcome"] == "quarantined"
            ]
            most = max(steps, key=lambda step: step["rows"], default=None)
            why = f"; most often: {most['reason']} ({most['rows']} rows)" if most else ""
            raise InputError(f"no data: no row of the table {' or '.join(names)} can be used{why}")


def _arrow(frame: pl.DataFrame) -> pa.Table:
    """An Arrow table with plain strings."""
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    fields = [(f.name, pa.string() if pa.types.is_large_string(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(fields))
