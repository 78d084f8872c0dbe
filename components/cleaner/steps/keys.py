"""Rows that say the same, or name the same thing twice, become one."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

import polars as pl

from aisle.components.cleaner.ledger import Ledger, flags
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.plans.plan import Question, Told
from aisle.components.plans.spool import ROW

_SECOND = 1_000_000
_EVENT_ID = "event_id"
T = TypeVar("T", pl.Series, pl.Expr)
LINES = "lines"
"""An extra column of items: how many source lines a row stands for, hence the weight of its vote."""


def merge_duplicates(ledger: Ledger) -> None:
    """Merges rows that are equal in every column into the first of them."""
    columns = [name for name in ledger.rows.columns if name != ROW]
    twice = _repeated(ledger.rows, columns)
    again = twice.filter(~pl.struct(columns).is_first_distinct())["row"]
    ledger.merge("deduplicate", "exact duplicate", flags(len(ledger.rows), again))


def ask_repeats(columns: Collection[str]) -> tuple[Question[Ledger], ...]:
    """Asks, of a table that has an `event_id`, which events repeat the first of theirs and tell the same.

    A site that got no answer sends an event again, and it may have come by another gateway or in another hour. An id that
    stands at different items, kinds or visitors is none of an event.
    """
    if _EVENT_ID not in columns:
        return ()
    same = [name for name in ("event", "item_id", "user_id", "session_id") if name in columns]

    def show(ledger: Ledger, _: Told) -> pl.DataFrame:
        return ledger.rows.select(ROW, _EVENT_ID, *same)

    def answer(rows: pl.DataFrame) -> pl.Series:
        alike = [pl.col(name).drop_nulls().n_unique().over(_EVENT_ID) <= 1 for name in same]
        twice = pl.col(_EVENT_ID).is_not_null() & pl.col(_EVENT_ID).is_duplicated()
        repeats = rows.filter(twice).filter(pl.all_horizontal(alike))
        return repeats.filter(~pl.col(_EVENT_ID).is_first_distinct())[ROW]

    return (Question("repeats", show, answer, by=_EVENT_ID),)


def merge_repeats(ledger: Ledger, told: Told) -> None:
    """Merges events of one `event_id` into the first of them."""
    if "repeats" in told:
        ledger.merge("deduplicate", "the same event_id", pl.col(ROW).is_in(told["repeats"].implode()))


def merge_near_duplicates(ledger: Ledger, options: CleanerOptions) -> None:
    """Merges an event into an equal one of the same user or session moments before.

    Such are a double send, or a sale that two systems log: the later one may lack cells the earlier has, or
    have cells that it lacks.
    """
    rows, seconds = ledger.rows, options.near_duplicate_seconds
    who = [name for name in ("user_id", "session_id") if name in rows.columns]
    same = [name for name in options.near_duplicate_columns if name in rows.columns]
    if not who or not seconds:
        return
    known = pl.any_horizontal(pl.col(who).is_not_null())
    twice = _repeated(rows, same).filter(known)
    # A row of a group and the one before it: a sort is all, where `over` would treat each group apart.
    twice = twice.sort(*same, "timestamp", maintain_order=True)
    others = [name for name in rows.columns if name not in (ROW, "timestamp", *same)]
    alike = [pl.col(name).eq_missing(pl.col(name).shift()) for name in same]
    agree = [(pl.col(name) == pl.col(name).shift()).fill_null(True) for name in others]
    soon = pl.col("timestamp").diff() <= int(seconds * _SECOND)
    near = twice.filter(pl.all_horizontal(soon, *alike, *agree))["row"]
    ledger.merge("deduplicate", f"the same within {seconds:g} seconds", flags(len(rows), near))


def one_row_per_key(ledger: Ledger, key: str, value: str, time: str) -> None:
    """Settles which row of a key is right: most frequent value, then latest, then last read.

    The row that stays takes, for each cell it lacks, the last value of the rows merged into it.

    Args:
        ledger: the table.
        key: names what a row is of; it has no missing cell.
        value: the column that conflicts are settled by; may be absent.
        time: the column of times that says what is later; may be absent.
    """
    rows = ledger.rows
    deciding = value if value in rows.columns else key
    votes = rows.select(
        pl.col(key),
        _weight(rows).sum().over(key, deciding).alias("votes"),
        _time(rows, time).max().over(key, deciding).alias("latest"),
        pl.int_range(pl.len()).alias("row"),
        pl.col(deciding).is_not_null().alias("known") if deciding != key else pl.lit(True).alias("known"),
    )
    best = votes.sort("known", "votes", "latest", "row").unique(key, keep="last")["row"]
    stays = flags(len(rows), best)
    others = [name for name in rows.columns if name not in (ROW, key, LINES)]
    # A step per column would say little: what is filled in is counted with the merge.
    filled = rows.with_columns(
        pl.when(pl.col(name).is_null())
        .then(pl.col(name).drop_nulls().last().over(key))
        .otherwise(pl.col(name))
        for name in others
    )
    ledger.rows = rows.with_columns(
        pl.when(stays).then(filled[name]).otherwise(rows[name]).alias(name) for name in others
    )
    ledger.merge("deduplicate", f"one {value} per {key}: most frequent, then latest", ~stays)


def merge_twins(ledger: Ledger) -> pl.DataFrame:
    """Gives items whose ids differ in case or width alone, and that share a title, one id: the most listed.

    Their rows become one by `one_row_per_key`.

    Args:
        ledger: the items.

    Returns:
        Columns `strange` and `item`: the ids that are gone, and what each became, for the rows that name them.
    """
    rows = ledger.rows.select("item_id", folded=fold(pl.col("item_id")), weight=_weight(ledger.rows))
    ids = rows.group_by("item_id", "folded", maintain_order=True).agg(pl.col("weight").sum())
    ids = ids.filter(pl.col("folded").is_duplicated())
    if ids.is_empty():
        return pl.DataFrame(schema={"strange": pl.String, "item": pl.String})
    ids = ids.sort("weight", descending=True, maintain_order=True)
    ids = ids.with_columns(item=pl.col("item_id").first().over("folded"))
    titles = ledger.rows.select("item_id", title=fold(pl.col("title"))).unique()
    named = ids.select("item", strange="item_id").join(titles, left_on="strange", right_on="item_id")
    same = named.join(titles, left_on=["item", "title"], right_on=["item_id", "title"])
    twins = (
        same.filter(pl.col("strange") != pl.col("item")).select("strange", "item").unique(maintain_order=True)
    )
    spelled = ledger.rows["item_id"].replace(twins["strange"], twins["item"])
    ledger.change("deduplicate", "item_id: as the item of the same title in another case", "item_id", spelled)
    return twins


def fold(texts: T) -> T:
    """Returns texts without case and width."""
    return texts.str.normalize("NFKC").str.to_lowercase()


def _repeated(rows: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Returns the rows that may have an equal in these columns, numbered by `row`.

    Rows whose hash no other has are left out: few are left to be compared cell by cell.
    """
    if rows.is_empty():
        return rows.with_row_index("row")
    return rows.with_row_index("row").filter(rows.select(columns).hash_rows().is_duplicated())


def _weight(rows: pl.DataFrame) -> pl.Expr:
    if LINES in rows.columns:
        return pl.col(LINES).cast(pl.Float64, strict=False).fill_null(1.0)
    return pl.int_range(pl.len()).is_not_null().cast(pl.Float64)


def _time(rows: pl.DataFrame, column: str) -> pl.Expr:
    return pl.col(column).fill_null(0) if column in rows.columns else pl.int_range(pl.len()) * 0
