"""The results of searches, each with what is known of its outcome by the end of its split."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import polars as pl

from aisle.components.labeler.interactions import Splits, split_of
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.searches.attribution import Attribution
from aisle.schema.splits import EVAL, TEST, TRAIN
from aisle.schema.tables import MICROSECONDS_PER_DAY

UNKNOWN = -1.0
_MINUTE = 60 * 1_000_000
_COLUMNS = ("query", "user_id", "item_id", "position", "timestamp", "click", "purchase", "split")
ORDER = ("timestamp", "query", "item_id", "row")
"""In which results stand."""


@dataclasses.dataclass(frozen=True)
class Outcomes:
    """How the impressions came to their labels; every count is of results of searches.

    Attributes:
        shown: all of them that nobody paid for.
        unnamed: they name neither a session nor a user, and are left out.
        unsettled: shown too close to the end of their split to have had their time to be clicked, and
            left out, clicked or not.
        unknown: clicked ones that may still convert: whether they do is unknown.
        late_purchases: unknown ones that did convert after the end of their split.
        sponsored: those beside them that somebody paid for: they are no organic results, and left out.
    """

    shown: int
    unnamed: int
    unsettled: int
    unknown: int
    late_purchases: int
    sponsored: int = 0

    @staticmethod
    def combined(parts: Sequence[Outcomes]) -> Outcomes:
        """Adds up the outcomes of what was shown to some visitors each."""
        return Outcomes(*map(sum, zip(*map(dataclasses.astuple, parts), strict=True)))


def make_impressions(
    found: Attribution, splits: Splits, options: LabelerOptions
) -> tuple[pl.DataFrame, Outcomes]:
    """Labels the results of searches by what had happened when their split ended.

    Nothing that happens at or after the end of a split labels a row of it. So a result shown within the
    click window of that end is left out (its click may be still to come, and keeping just the clicked
    ones would make clicks look likelier there). A clicked result without a purchase whose conversion
    window reaches beyond that end has the conversion `UNKNOWN`: taken as "no", it would teach that what
    sells slowly doesn't sell (Chapelle 2014, Modeling delayed feedback in display advertising). A result
    that was not clicked was not bought: its conversion is known with its click.

    Args:
        found: of `attribute`.
        splits: where they end.
        options: the windows.

    Returns:
        Columns query, user_id, item_id, position (from 1, also where the shop counts from 0; 0: not
        known), timestamp, click (0 or 1), purchase (0, 1 or `UNKNOWN`), split; one row per result of a
        search, ascending by timestamp.
    """
    labelled, outcomes = label_results(found, splits, options)
    return placed(labelled.sort(*ORDER), from_zero(found.shown)), outcomes


def label_results(
    found: Attribution, splits: Splits, options: LabelerOptions
) -> tuple[pl.DataFrame, Outcomes]:
    """Labels results as `make_impressions`, which see, but with their `row` and the shop's own `position`s, in any order.

    The results of some visitors can be labelled apart from those of others.
    """
    click_window = int(options.click_window_minutes * _MINUTE)
    conversion_window = int(options.conversion_window_days * MICROSECONDS_PER_DAY)
    until = (
        found.shown.filter(pl.col("query").is_not_null())
        .with_columns(split_of(pl.col("timestamp"), splits).alias("split"))
        .with_columns(_end_of(pl.col("split"), splits).alias("end"))
    )
    settled = until.filter(pl.col("timestamp") + click_window < pl.col("end"))
    ends = settled.select("row", "end")
    clicks, _ = _outcome(found.touches, ends)
    sales, late_sales = _outcome(found.conversions, ends)
    labelled = (
        settled.join(clicks.select("row", pl.col("last").alias("clicked")), on="row", how="left")
        .join(sales.select("row", pl.lit(True).alias("bought")), on="row", how="left")
        .join(late_sales.select("row", pl.lit(True).alias("bought_late")), on="row", how="left")
    )
    open_ = pl.col("clicked") + conversion_window >= pl.col("end")
    labelled = labelled.with_columns(
        pl.col("clicked").is_not_null().cast(pl.Float64).alias("click"),
        pl.when(pl.col("bought").is_not_null()).then(1.0)
        .when(open_.fill_null(False)).then(UNKNOWN)
        .otherwise(0.0).alias("purchase"),
    )  # fmt: skip
    table = labelled.select(*_COLUMNS, "row").with_columns(pl.col("user_id").fill_null(""))
    return table, _count_outcomes(found, until.height, labelled)


def from_zero(shown: pl.DataFrame) -> bool:
    """Whether positions count from 0: something was shown there."""
    return bool((shown["position"] == 0).any())


def placed(labelled: pl.DataFrame, zero: bool) -> pl.DataFrame:
    """Counts positions from 1, where one isn't known it is 0, and leaves the rows' numbers out.

    Args:
        labelled: of `label_results`.
        zero: whether the shop counts from 0.
    """
    position = pl.col("position") + 1 if zero else pl.col("position")
    return labelled.select(_COLUMNS).with_columns(position.fill_null(0).clip(0))


def _count_outcomes(found: Attribution, named: int, labelled: pl.DataFrame) -> Outcomes:
    """Counts the results without a name, those with one, and the outcomes of those that are settled."""
    unknown = labelled["purchase"] == UNKNOWN
    return Outcomes(
        shown=named + found.unnamed,
        unnamed=found.unnamed,
        unsettled=named - labelled.height,
        unknown=int(unknown.sum()),
        late_purchases=int((unknown & labelled["bought_late"].is_not_null()).sum()),
        sponsored=found.sponsored,
    )


def _outcome(events: pl.DataFrame, ends: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The impressions that events came of before the end of their split (`row`, `last`), and after it."""
    timed = events.join(ends, left_on="shown", right_on="row").rename({"shown": "row"})
    in_time = pl.col("timestamp") < pl.col("end")
    return (
        timed.filter(in_time).group_by("row").agg(pl.col("timestamp").max().alias("last")),
        timed.filter(~in_time).select("row").unique(),
    )


def _end_of(split: pl.Expr, splits: Splits) -> pl.Expr:
    """The time at which a split's data ends."""
    ends = {TRAIN: splits.eval_start, EVAL: splits.test_start, TEST: splits.end}
    return split.replace_strict(ends, return_dtype=pl.Int64)
