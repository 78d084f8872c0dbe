"""What the Labeler makes of a shop: tables and examples, held or read piece by piece, and what is told of them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping

import polars as pl
import pyarrow as pa

from aisle.components.labeler.interactions import Splits
from aisle.components.labeler.judged.agreement import Agreement, agreement
from aisle.components.labeler.judged.judgements import split_judgements
from aisle.components.labeler.meaning.intents import Intents
from aisle.components.labeler.meaning.tags import item_tags
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.searches.attribution import Joins
from aisle.components.labeler.searches.impressions import Outcomes
from aisle.components.labeler.searches.position_bias import PositionBias

EVENT_COLUMNS = (
    "timestamp",
    "event",
    "item_id",
    "user_id",
    "session_id",
    "query",
    "position",
    "sponsored",
)
"""What is read of the events."""
_TYPES: dict[str, pl.DataType] = {
    "timestamp": pl.Int64(),
    "position": pl.Int64(),
    "grade": pl.Float64(),
    "sponsored": pl.Int64(),
}


@dataclasses.dataclass(frozen=True)
class Tally:
    """How many labels of each kind there are; those of parts of the events add up.

    Attributes:
        interactions: `count` by split and event.
        impressions: tells `count` by split, source, grade, clicked and purchase; what is stored is counted as it is read.
        examples: by split.
    """

    interactions: pl.DataFrame
    impressions: Callable[[], pl.DataFrame]
    examples: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Stored:
    """What is too large to be held; each is read once.

    Attributes:
        tables: the rows of some of the tables, piece by piece.
        examples: tower examples, and of which split they are, piece by piece.
    """

    tables: Mapping[str, Iterable[pa.Table]]
    examples: Iterable[tuple[str, pa.Table]]


@dataclasses.dataclass(frozen=True)
class Labelled:
    """The Labeler's result.

    Attributes:
        tables: `items`, `users`, `interactions`, `events` (those that show a liking), `impressions`, `judgements`,
            `intents` (of queries) and `tags` (of items), by name, but for those in `stored`.
        examples: tower examples by split: `items`, `train`, `eval`, but for those in `stored`.
        splits: the times that part the splits, and the goal event.
        outcomes: how the impressions came to their labels.
        joins: how many clicks and purchases were joined to what.
        bias: how likely a look is at each position.
        intents: what queries are after.
        agreement: of the people who judged; None where the table says nothing of several.
        tally: how many labels there are.
        stored: what isn't held; None where all is.
    """

    tables: dict[str, pa.Table]
    examples: dict[str, pa.Table]
    splits: Splits
    outcomes: Outcomes
    joins: Joins
    bias: PositionBias
    intents: Intents
    agreement: Agreement | None
    tally: Tally
    stored: Stored | None = None

    def example_pieces(self) -> Iterator[tuple[str, pa.Table]]:
        """Yields all examples, with the split of each, once."""
        yield from self.examples.items()
        if self.stored:
            yield from self.stored.examples


@dataclasses.dataclass(frozen=True)
class Held:
    """The tables that are as large as a shop, not as its traffic.

    Attributes:
        items, users, judged: as cleaned; columns that the shop has none of are null.
        judgements: `judged` with its splits.
    """

    items: pl.DataFrame
    users: pl.DataFrame
    judged: pl.DataFrame
    judgements: pl.DataFrame

    @staticmethod
    def of(tables: Mapping[str, pa.Table]) -> Held:
        """Takes them from among the cleaned tables."""
        judged = frame_of(tables.get("judgements"), ["query", "item_id", "grade"])
        return Held(
            frame_of(tables["items"], ["item_id", "title"]),
            frame_of(tables.get("users"), ["user_id", "country"]),
            judged,
            split_judgements(judged),
        )

    def country(self, users: pl.Series) -> dict[str, str]:
        """The country of each of some users who are in the table, "" where it isn't known."""
        asked = users.unique().drop_nulls()
        if self._known.is_empty():
            return {}
        # Looked up in the table as it was put in order once: users may be many, and so may those who ask for some of them.
        at = self._known["user_id"].search_sorted(asked)
        found = self._known[at.clip(0, len(self._known) - 1)].filter(pl.col("user_id") == asked)
        return dict(found.iter_rows())

    @functools.cached_property
    def _known(self) -> pl.DataFrame:
        """The users in the order of their ids, and their countries."""
        known = self.users.select("user_id", pl.col("country").fill_null("")).drop_nulls("user_id")
        return known.unique("user_id", keep="last").sort("user_id")

    def agreement(self) -> Agreement | None:
        """How far the judges agree."""
        return agreement(self.judged)

    def tables(self, intents: Intents, options: LabelerOptions) -> dict[str, pa.Table]:
        """Returns the tables of the result that are no larger."""
        return {
            "items": self.items.to_arrow(),
            "users": self.users.to_arrow(),
            "judgements": self.judgements.to_arrow(),
            "intents": intents.table.to_arrow(),
            "tags": item_tags(self.items, options).to_arrow(),
        }


def frame_of(table: pa.Table | None, columns: Iterable[str]) -> pl.DataFrame:
    """The table as a data frame that surely has `columns` (null where the shop has none)."""
    if table is None:
        return pl.DataFrame(schema={name: _TYPES.get(name, pl.String()) for name in columns})
    frame = pl.DataFrame(pl.from_arrow(table))
    missing = [name for name in columns if name not in frame.columns]
    return frame.with_columns([pl.lit(None, _TYPES.get(name, pl.String())).alias(name) for name in missing])
