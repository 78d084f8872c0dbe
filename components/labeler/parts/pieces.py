"""The events that aren't held, read piece by piece, and what is asked of all of them before they are labelled."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Sequence

import polars as pl
import pyarrow as pa

from aisle.components.labeler.interactions import Splits, choose_splits
from aisle.components.labeler.labelled import EVENT_COLUMNS, frame_of
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.parts.ranges import bounds_of
from aisle.components.labeler.parts.visitors import Visitors, visitor_keys
from aisle.components.plans.ahead import ahead
from aisle.components.plans.spool import Spool
from aisle.schema import events as kinds

_SURVEYED = ("timestamp", "event", "user_id", "session_id")
_SAMPLED = 1_000
"""Of so many rows a part where its ranges begin and end is told."""


@dataclasses.dataclass(frozen=True)
class Pieces:
    """Events that are too many to be held.

    Attributes:
        rows: how many there are.
        read: yields them in order, piece by piece, with those of some columns that the shop has.
        folder: where there is room for the parts, about twice what the rows take in memory.
        part_rows: about so many rows a part.
    """

    rows: int
    read: Callable[[Sequence[str]], Iterator[pa.Table]]
    folder: pathlib.Path
    part_rows: int

    @property
    def count(self) -> int:
        """How many parts they make."""
        return -(-self.rows // self.part_rows)

    def numbered(self, columns: Sequence[str] = EVENT_COLUMNS) -> Iterator[pl.DataFrame]:
        """Yields the pieces with all of some columns, and the number of each row as `row`."""
        first = 0
        for piece in self.read(columns):
            yield frame_of(piece, columns).select(columns).with_row_index("row", offset=first)
            first += piece.num_rows


@dataclasses.dataclass(frozen=True)
class Survey:
    """What all events together say.

    Attributes:
        splits: where they are.
        shows: whether the shop logs what it shows to whom.
        named: whether any event has a user.
        visitors: who may be whom.
        times: where ranges of time begin, but the first.
        users: where ranges of user ids begin, but the first.
    """

    splits: Splits
    shows: bool
    named: bool
    visitors: Visitors
    times: list[int]
    users: list[str]

    @staticmethod
    def of(events: Pieces, options: LabelerOptions) -> Survey:
        """Reads all events once.

        Raises:
            InputError: none of them shows a liking.
        """
        told = []
        # A session's keys lie in one file: whom it was seen with is found a file at a time.
        keys = Spool(events.folder / "keys", events.count)
        for piece in ahead(events.numbered(_SURVEYED)):
            told.append(_Told.of(piece, max(1, events.part_rows // _SAMPLED)))
            keys.add_by(visitor_keys(piece).unique(), "session")
        sample = pl.concat([one.sample for one in told])
        return Survey(
            splits=choose_splits(pl.concat([one.extremes for one in told]), options),
            shows=any(one.shows for one in told),
            named=any(one.named for one in told),
            visitors=Visitors.of(keys),
            times=bounds_of(sample["timestamp"], events.count),
            users=bounds_of(sample["user_id"], events.count),
        )


@dataclasses.dataclass(frozen=True)
class _Told:
    """What a piece says: the first and last of each kind that shows a liking, and some of its rows."""

    extremes: pl.DataFrame
    shows: bool
    named: bool
    sample: pl.DataFrame

    @staticmethod
    def of(piece: pl.DataFrame, every: int) -> _Told:
        liked = piece.filter(pl.col("event").is_in([*kinds.weights()])).group_by("event")
        time, user = pl.col("timestamp"), pl.col("user_id")
        shown = piece.filter(pl.col("event") == kinds.IMPRESSION.name)
        return _Told(
            pl.concat([liked.agg(time.min()), liked.agg(time.max())]),
            bool(shown.select((user.is_not_null() | pl.col("session_id").is_not_null()).any()).item()),
            piece["user_id"].count() > 0,
            piece.filter(pl.col("row") % every == 0).select("timestamp", "user_id"),
        )
