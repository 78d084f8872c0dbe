"""What the Cleaner is given: tables that are held, and events that are read piece by piece where they are too many."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl
import pyarrow as pa
from tfx.types import artifact_utils

from aisle.components.cleaner.clean import CleanResult
from aisle.components.cleaner.ledger import NONE_TAKEN
from aisle.components.cleaner.losses.fates import columns_of, fates
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.parts import Pieces
from aisle.components.cleaner.steps.events import is_local
from aisle.components.plans.ahead import ahead
from aisle.components.tables import (
    QUARANTINE_SCHEMA,
    count_rows,
    read_provenance,
    read_quarantine,
    read_rows,
    row_pieces,
)
from aisle.schema.tables import EVENTS, TABLE_BY_NAME


def examples_key(table: str) -> str:
    """The input of a table's raw rows."""
    return f"{table}_examples"


def quarantine_key(table: str) -> str:
    """The input of a table's quarantine by the reader."""
    return f"{table}_quarantine"


@dataclasses.dataclass(frozen=True)
class Workers:
    """Who cleans what isn't held.

    Attributes:
        pipeline: makes a Beam pipeline, which runs when its context ends.
        folder: that all workers see.
    """

    pipeline: Callable[[], Any]
    folder: str


@dataclasses.dataclass(frozen=True)
class Given:
    """The raw tables.

    Attributes:
        rows: of each table that is held.
        provenance: where each of them came from.
        unread: what the reader quarantined, of all tables.
        events: the events, where they aren't held.
    """

    rows: Mapping[str, pa.Table]
    provenance: Mapping[str, pa.Table]
    unread: Mapping[str, pa.Table]
    events: Pieces | None

    @classmethod
    def read(
        cls,
        inputs: Mapping[str, Any],
        options: CleanerOptions,
        scratch: pathlib.Path,
        workers: Workers | None,
    ) -> Given:
        """Reads artifacts.

        Args:
            inputs: of the component.
            options: how many events are held.
            scratch: a folder on this machine for the others.
            workers: who cleans these; None does it here.
        """
        uris = {
            table: artifact_utils.get_single_uri(inputs[examples_key(table)])
            for table in TABLE_BY_NAME
            if inputs.get(examples_key(table))
        }
        unread = {
            table: read_quarantine(artifact_utils.get_single_uri(inputs[quarantine_key(table)]))
            for table in uris
        }
        events = None
        if EVENTS.name in uris and is_local(options) and count_rows(uris[EVENTS.name]) > options.part_rows:
            uri = uris.pop(EVENTS.name)
            events = _pieces(uri, options, scratch, workers)
        return cls(
            {table: read_rows(uri) for table, uri in uris.items()},
            {table: read_provenance(uri) for table, uri in uris.items()},
            unread,
            events,
        )

    def fates(self, table: str, result: CleanResult, called: Mapping[str, str]) -> Iterator[pl.DataFrame]:
        """Yields what became of a table's rows, see `fates.fates`, piece by piece where it isn't held.

        Args:
            table: its name.
            result: what cleaning made of the tables.
            called: what the shop calls kinds of events.
        """
        unread = self.unread[table]
        if table in self.rows:
            yield fates(table, self.rows[table], self.provenance[table], unread, result.taken[table], called)
            return
        first, none = 0, QUARANTINE_SCHEMA.empty_table()
        for rows, provenance in ahead(self.events.read(columns_of(table))) if self.events else ():
            taken = result.taken_of_stored[table](first, rows.num_rows)
            yield fates(table, rows, provenance, none, taken, called, first)
            first += rows.num_rows
        yield fates(table, rows.slice(0, 0), provenance.slice(0, 0), unread, NONE_TAKEN, called)


def _pieces(uri: str, options: CleanerOptions, scratch: pathlib.Path, workers: Workers | None) -> Pieces:
    """The events of an artifact, where they aren't held."""
    rows, read = count_rows(uri), functools.partial(row_pieces, uri)
    if workers is None:
        return Pieces(rows, read, scratch, options.part_rows)
    # Beam is imported where it works.
    from aisle.components.cleaner.spread import SpreadPieces

    return SpreadPieces(rows, read, scratch, options.part_rows, uri, workers.pipeline, workers.folder)
