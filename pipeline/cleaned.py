"""A shop's tables, read and cleaned as a run does it, for the commands that need no run."""

from __future__ import annotations

from collections.abc import Sequence

from aisle.components.cleaner.clean import CleanResult, check_left, clean
from aisle.components.cleaner.losses.fates import NOTHING, fates
from aisle.components.cleaner.losses.judge import BLOCKED, blocking_line, weigh
from aisle.components.cleaner.losses.tally import tally
from aisle.components.example_gen.reader import read_table
from aisle.components.reports import write_cleaning
from aisle.pipeline.config import Config
from aisle.pipeline.inputs import fingerprint_tables
from aisle.schema.errors import GateBlocked, InputError
from aisle.schema.tables import EVENTS, TABLE_BY_NAME


def read_cleaned(data: str, folder: str, config: Config, needed: Sequence[str], why: str) -> CleanResult:
    """Reads and cleans tables of a data folder.

    Args:
        data: the folder.
        folder: where the report of the cleaning goes.
        config: how the files are read, and what is dirt.
        needed: the names of the tables, of which only those that are there are read.
        why: the events are needed.

    Raises:
        InputError: a table can't be read, or there are no events.
        GateBlocked: too much was lost on the way; the report says what.
    """
    readings = config.readings()
    found = fingerprint_tables(data, config.data.tables, readings)
    if EVENTS.name not in found:
        raise InputError(f"there is no table events in {data}: {why}; add events.csv")
    read = {
        name: read_table(data, TABLE_BY_NAME[name], reading=readings[name])
        for name in needed
        if name in found
    }
    rows = {name: one.rows for name, one in read.items()}
    provenance = {name: one.provenance for name, one in read.items()}
    unread = {name: one.quarantine for name, one in read.items()}
    result = clean(rows, provenance, unread, config.cleaner)
    of_rows = {
        name: tally(
            name, [fates(name, rows[name], provenance[name], unread[name], result.taken[name], NOTHING)]
        )
        for name in rows
    }
    losses = weigh(of_rows, config.losses)
    page = write_cleaning({**result.ledger, "losses": losses}, folder)
    if losses["verdict"] == BLOCKED:
        raise GateBlocked(blocking_line(losses, page))
    check_left(result)
    return result
