"""The tables and the report of `aisle reviews`, and what it prints."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import polars as pl

from aisle.components.reports.reviews import write_reviews
from aisle.components.reviews.items import by_item
from aisle.model.text.chosen_bert import chosen_bert
from aisle.pipeline.config import Config
from aisle.pipeline.reviews.analysis import Analysis, analyse
from aisle.pipeline.reviews.shop import Reviewed
from aisle.schema.whole_files import whole_file

ITEMS_FILE, REVIEWS_FILE, ASPECTS_FILE = "items.parquet", "reviews.parquet", "aspects.parquet"
_LISTED = 20
_ENOUGH = 5
"""Reviews of an item that the report lists."""
_SHOWN = 300
"""Characters of a review."""


@dataclasses.dataclass(frozen=True)
class Told:
    """What was written, and lines of it."""

    report: dict[str, Any]
    page: str
    numbers: pl.DataFrame
    analysis: Analysis
    opposed: pl.DataFrame

    @property
    def items(self) -> int:
        """How many were reviewed."""
        return len(self.numbers)

    @property
    def accuracy(self) -> float:
        """Of reviews judged by models of others."""
        return self.analysis.accuracy

    @property
    def known(self) -> int:
        """How many reviews these are."""
        return self.analysis.known

    def conflicts(self) -> Iterator[str]:
        """A line for each review whose stars and words disagree."""
        for row in self.opposed.iter_rows(named=True):
            text = " ".join(row["text"].split())[:_SHOWN]
            yield f"{row['item_id']}: {row['rating']:g} stars, {row['probability']:.0%} good by its words: {text}"

    def of(self, item: str) -> Iterator[str]:
        """The numbers of an item, and its aspects."""
        (row,) = self.numbers.filter(pl.col("item_id") == item).to_dicts()
        stars = "" if row["stars"] is None else f", {row['stars']:.2f} stars"
        yield f"{item}: {row['reviews']:,} reviews{stars}, {row['good']:.0%} good, {row['at_least']:.0%} at least"
        for one in self.analysis.by_aspect(item):
            if one["reviews"]:
                good = "" if one["good"] is None else f", {one['good']:.0%} good"
                yield f"  {one['aspect']}: {one['reviews']:,} reviews{good}"

    def rises(self) -> Iterator[str]:
        """A line for each complaint that rose."""
        for one in self.report["rises"]:
            yield (
                f"complaints of {one['aspect']} about {one['item_id']} rose since {one['since']}: {one['before']:.0%} of its "
                f"reviews before, {one['after']:.0%} after"
            )


def write(read: Reviewed, config: Config, folder: str, reports: str) -> Told:
    """Analyses the reviews and writes three tables and the report.

    Args:
        read: of the shop.
        config: the settings.
        folder: where the tables go.
        reports: where the report goes.
    """
    analysis = analyse(read.labelled, chosen_bert(config.model.bert), config.reviews)
    numbers = by_item(analysis.scored)
    opposed = analysis.conflicts(config.reviews)
    os.makedirs(folder, exist_ok=True)
    # The items' last: a storefront reads all anew when that file is another.
    tables = {REVIEWS_FILE: analysis.scored, ASPECTS_FILE: analysis.spoken, ITEMS_FILE: numbers}
    for name, table in tables.items():
        with whole_file(pathlib.Path(folder) / name) as partial:
            table.write_parquet(partial)
    listed = numbers.filter(pl.col("reviews") >= _ENOUGH).sort("at_least", "item_id").head(_LISTED)
    shown = opposed.head(_LISTED).select(
        "item_id", "rating", "probability", pl.col("text").str.slice(0, _SHOWN)
    )
    report = {
        "version": 1,
        "reviews": len(read.written.reviews),
        "left_out": {
            "duplicates": read.written.duplicates,
            "too_early": read.written.too_early,
            "empty": read.written.empty,
        },
        "known": analysis.known,
        "accuracy": analysis.accuracy,
        "aspects": analysis.by_aspect(),
        "items": [{**row, "title": read.titles.get(row["item_id"], "")} for row in listed.to_dicts()],
        "conflicts": shown.to_dicts(),
        "conflicting": len(opposed),
        "rises": analysis.rises(config.reviews),
    }
    return Told(report, write_reviews(report, reports), numbers, analysis, opposed)
