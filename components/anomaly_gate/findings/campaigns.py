"""Findings of the table `campaigns`: what is asked for that nobody can sell, or that sells nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from aisle.components.anomaly_gate.evidence import Finding, TableEvidence, first_rows
from aisle.components.anomaly_gate.options import ERROR, WARNING, GateOptions
from aisle.components.cleaner.campaigns.steps import strange_categories, wrongs
from aisle.components.cleaner.keeping import keeping
from aisle.components.reports.page import counted
from aisle.schema.tables import CAMPAIGNS, ITEMS

BAD_CAMPAIGNS = "BAD_CAMPAIGNS"
UNKNOWN_CATEGORIES = "UNKNOWN_CATEGORIES"
MIXED_CURRENCIES = "MIXED_CURRENCIES"
NOT_SHOWN = "NOT_SHOWN"


def campaign_findings(tables: Sequence[TableEvidence], options: GateOptions, now: int) -> Iterator[Finding]:
    """Yields what the campaigns show. What can't be sold stops the run above the share that may be quarantined.

    Several currencies always do: no auction can compare them. What has ended, or has no money, is only told.

    Args:
        tables: the evidence, a table each.
        options: thresholds.
        now: microseconds UTC.
    """
    by_name = {table.name: table for table in tables}
    table, items = by_name.get(CAMPAIGNS.name), by_name.get(ITEMS.name)
    if table is None or table.held is None or not table.held.num_rows:
        return
    rows = pl.DataFrame(pl.from_arrow(table.held))
    yield from _bad(table, rows, options)
    if (
        items is not None
        and items.held is not None
        and {"category"} <= set(rows.columns) & set(items.held.column_names)
    ):
        catalogue = pl.DataFrame(pl.from_arrow(items.held.select(["category"])))
        yield from _unknown_categories(table, rows["category"], catalogue)
    yield from _currencies(table, rows)
    yield from _not_shown(table, rows, now)


def _bad(table: TableEvidence, rows: pl.DataFrame, options: GateOptions) -> Iterator[Finding]:
    limit = options.quarantined_share(table.name)
    for reason, column, wrong in wrongs(rows):
        found = rows.select(wrong.fill_null(False)).to_series()
        if found.any():
            share = int(found.sum()) / len(rows)
            yield Finding(
                table.name, column, BAD_CAMPAIGNS, ERROR if share > limit else WARNING,
                what=f"{counted(int(found.sum()), 'campaign')} of {len(rows):,} can't be sold: {reason}.",
                value=share, threshold=limit, unit="share",
                examples=tuple(table.examples(first_rows(found), column)) if column in rows.columns else (),
                mend=f"{_capital(keeping(table.name, column, reason))}; until then the cleaner quarantines them.",
            )  # fmt: skip


def _unknown_categories(
    table: TableEvidence, categories: pl.Series, items: pl.DataFrame
) -> Iterator[Finding]:
    """Only a warning: which sign parts the levels of the items' categories the cleaner finds out later."""
    strange = strange_categories(categories, items)
    if count := int(strange.sum()):
        yield Finding(
            table.name, "category", UNKNOWN_CATEGORIES, WARNING,
            what=f"{counted(count, 'campaign')} {'shows' if count == 1 else 'show'} a category that no item is in.",
            value=count, threshold=0, unit="rows",
            examples=tuple(table.examples(first_rows(strange), "category")),
            mend="Write it as the items do, with their sign between levels; until then the cleaner quarantines them.",
        )  # fmt: skip


def _currencies(table: TableEvidence, rows: pl.DataFrame) -> Iterator[Finding]:
    if "currency" not in rows.columns:
        return
    currencies = rows["currency"].str.strip_chars().str.to_uppercase()
    named = currencies.drop_nulls().unique().sort().to_list()
    if len(named) > 1:
        usual = currencies.drop_nulls().mode().sort()[0]
        yield Finding(
            table.name, "currency", MIXED_CURRENCIES, ERROR,
            what=f"Bids and budgets are in {len(named)} currencies: {', '.join(named[:5])}.",
            value=float(len(named)), threshold=1.0, unit="",
            examples=tuple(table.examples(first_rows(currencies != usual), "currency")),
            mend="Convert all to one: no auction can compare them. Let through, the cleaner keeps the commonest one.",
        )  # fmt: skip


def _not_shown(table: TableEvidence, rows: pl.DataFrame, now: int) -> Iterator[Finding]:
    """What is right, and brings nothing: told, since an advertiser may wonder."""
    for column, why, idle in (
        ("ends_at", "has ended", pl.col("ends_at").is_between(pl.col("starts_at") + 1, now)),
        ("budget", "has no budget", pl.col("budget") == 0),
        ("bid", "bids nothing", pl.col("bid") == 0),
    ):
        found = (
            rows.select(idle.fill_null(False)).to_series() if column in rows.columns else pl.Series([False])
        )
        if found.any():
            count = int(found.sum())
            yield Finding(
                table.name, column, NOT_SHOWN, WARNING,
                what=f"{counted(count, 'campaign')} of {len(rows):,} {why if count == 1 else _plural(why)}.",
                value=count, threshold=0, unit="rows",
                mend="Nothing, where that is meant: such campaigns stay in the table and are not shown.",
            )  # fmt: skip


def _plural(said: str) -> str:
    return {"bids nothing": "bid nothing"}.get(said, said.replace("has", "have"))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
