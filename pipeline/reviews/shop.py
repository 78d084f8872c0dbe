"""The reviews of a shop's tables, read and cleaned as a run does it."""

from __future__ import annotations

import dataclasses

import polars as pl
import pyarrow as pa

from aisle.components.reviews.written import Written, with_labels, written
from aisle.pipeline.cleaned import read_cleaned
from aisle.pipeline.config import Config
from aisle.schema.errors import InputError
from aisle.schema.tables import EVENTS, ITEMS


@dataclasses.dataclass(frozen=True)
class Reviewed:
    """What is known of a shop's reviews.

    Attributes:
        written: its reviews.
        labelled: these, with what is known to be good or bad.
        titles: of the items, by id.
    """

    written: Written
    labelled: pl.DataFrame
    titles: dict[str, str]

    def check(self, item: str | None) -> None:
        """Raises InputError for an item that nobody reviewed."""
        if item is not None and item not in set(self.labelled["item_id"]):
            known = "nobody reviewed it" if item in self.titles else "the shop has no such item"
            raise InputError(f"--item {item}: {known}; the table items.parquet lists those that were")


def read_reviews(data: str, folder: str, config: Config) -> Reviewed:
    """Reads the tables of a data folder.

    Raises:
        InputError: there are no reviews, or too few known to be good or bad.
        GateBlocked: too much was lost on the way; the report says what.
    """
    found = read_cleaned(data, folder, config, (ITEMS.name, EVENTS.name), "reviews are events")
    events = pl.DataFrame(pl.from_arrow(found.tables[EVENTS.name]))
    taken = written(events, config.reviews)
    items: pa.Table = found.tables[ITEMS.name]
    titles = dict(zip(items["item_id"].to_pylist(), items["title"].to_pylist(), strict=True))
    return Reviewed(taken, with_labels(taken.reviews, config.reviews), titles)
