"""Cleans what advertisers ask for."""

from __future__ import annotations

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.steps.categories import LEVEL, all_signs
from aisle.components.cleaner.steps.keys import merge_duplicates
from aisle.components.cleaner.steps.missing import delete_missing, fill_missing, rules_of
from aisle.components.cleaner.steps.references import spell_as_catalogued, take_out_strangers
from aisle.components.cleaner.steps.texts import normalise
from aisle.schema.tables import BID_KINDS, CAMPAIGNS, HIGHEST_BID, Kind

_CALLED = {"cpc": "click", "ppc": "click", "cpa": "purchase", "cps": "purchase"}
"""Cost per click, per acquisition, per sale: what tools call what is paid for."""
_TYPES = {Kind.STRING: pl.String, Kind.INTEGER: pl.Int64, Kind.TIMESTAMP: pl.Int64}


def clean_campaigns(
    ledger: Ledger,
    items: pl.DataFrame,
    lost: pl.Series,
    twins: pl.DataFrame,
    options: CleanerOptions,
    now: int,
) -> None:
    """Cleans campaigns: what can't be sold exactly as it was asked for isn't sold. Nothing about money is guessed.

    Args:
        ledger: the campaigns; it has all of their columns afterwards.
        items: the cleaned items.
        lost: ids of items that were quarantined.
        twins: spellings of ids that became another one.
        options: rules of missing cells.
        now: microseconds UTC.
    """
    absent = [column for column in CAMPAIGNS.columns if column.name not in ledger.rows.columns]
    ledger.rows = ledger.rows.with_columns(
        pl.lit(None, _TYPES[column.kind]).alias(column.name) for column in absent
    )
    names = [column.name for column in CAMPAIGNS.columns if column.kind is Kind.STRING]
    normalise(ledger, tuple(names))
    for name in ("campaign_id", "advertiser_id"):
        ledger.take_out("normalise", "nothing but white space", name, pl.col(name).is_null())
    rules = rules_of(ledger.table, options.missing)
    delete_missing(ledger, rules)
    fill_missing(ledger, rules)
    kind = pl.col("bid_kind")
    ledger.change("normalise", "bid_kind: click or purchase", "bid_kind", _kind(kind))
    ledger.change("impute", "bid_kind: missing, click", "bid_kind", kind.fill_null(BID_KINDS[0]))
    spell_as_catalogued(ledger, items["item_id"], twins)
    _categories(ledger, items)
    merge_duplicates(ledger)
    for reason, column, wrong in wrongs(ledger.rows):
        ledger.take_out("denoise", reason, column, wrong)
    _currency(ledger)
    take_out_strangers(ledger, items["item_id"], lost, unless=pl.col("item_id").is_null())
    again = ~pl.col("campaign_id").is_last_distinct()
    ledger.merge("deduplicate", "a campaign said more than once: the last read", again)
    ledger.note("note", "ended: not shown any more", pl.col("ends_at") <= now)
    ledger.note("note", "bid or budget of zero: not shown", (pl.col("bid") == 0) | (pl.col("budget") == 0))


def wrongs(rows: pl.DataFrame) -> list[tuple[str, str, pl.Expr]]:
    """What nobody can mean by campaigns: amounts out of range, an end before the start, two targets or none.

    Args:
        rows: with the columns that the shop gave, and maybe all.

    Returns:
        The reason, the column that it is said of, and which rows it holds for.
    """
    item, category, kind, cap = (
        pl.col(name) if name in rows.columns else pl.lit(None, type_)
        for name, type_ in (
            *(("item_id", pl.String), ("category", pl.String)),
            *(("bid_kind", pl.String), ("frequency_cap", pl.Int64)),
        )
    )
    return [
        ("bad bid", "bid", ~pl.col("bid").is_between(0, HIGHEST_BID)),
        ("bad budget", "budget", pl.col("budget") < 0),
        ("bad frequency_cap", "frequency_cap", ~cap.is_between(1, 2**31 - 1)),
        ("unknown bid_kind", "bid_kind", ~_kind(kind).is_in(BID_KINDS)),
        ("ended before it started", "ends_at", pl.col("ends_at") <= pl.col("starts_at")),
        ("neither an item nor a category", "item_id", item.is_null() & category.is_null()),
        ("an item and a category", "category", item.is_not_null() & category.is_not_null()),
    ]


def _kind(written: pl.Expr) -> pl.Expr:
    return written.str.strip_chars().str.to_lowercase().replace(_CALLED)


def _currency(ledger: Ledger) -> None:
    """Settles on one currency: the one that most campaigns name. No auction can compare two."""
    written = pl.col("currency").str.to_uppercase()
    ledger.change("normalise", "currency: in capitals", "currency", written)
    named = (
        ledger.rows["currency"]
        .drop_nulls()
        .value_counts()
        .sort("count", "currency", descending=[True, False])
    )
    if named.is_empty():
        return
    usual = named["currency"][0]
    ledger.take_out(
        "denoise", "another currency than the other campaigns'", "currency", pl.col("currency") != usual
    )
    filled = pl.col("currency").fill_null(usual)
    ledger.change("impute", "currency: missing, that of the other campaigns", "currency", filled)


def _categories(ledger: Ledger, items: pl.DataFrame) -> None:
    """Spells categories as the items do, and takes out those that no item is in."""
    known = _paths(items)
    given = pl.DataFrame({"given": ledger.rows["category"].drop_nulls().unique()})
    found = given.with_columns(folded=_folded(pl.col("given"))).join(known, on="folded")
    spelled = ledger.rows["category"].replace(found["given"], found["path"])
    strange = strange_categories(spelled, items)
    ledger.change("normalise", "category: spelled as the items' categories", "category", spelled)
    ledger.take_out("denoise", "unknown category", "category", strange)


def strange_categories(categories: pl.Series, items: pl.DataFrame) -> pl.Series:
    """Which campaigns name a category that no item is in or below, however it is spelled.

    Args:
        categories: [n] of campaigns; null names none.
        items: of which the column `category` counts, where it is there.
    """
    # Of items that aren't cleaned yet, another sign may part the levels.
    plain = items.with_columns(_folded(pl.col("category"))) if "category" in items.columns else items
    known = _paths(plain)["folded"]
    folded = pl.select(_folded(pl.lit(categories))).to_series()
    return categories.is_not_null() & ~folded.is_in(known.implode()).fill_null(False)


def _paths(items: pl.DataFrame) -> pl.DataFrame:
    """The categories of items and all above them: `folded`, and the commonest `path` that is so."""
    if "category" not in items.columns:
        return pl.DataFrame(schema={"folded": pl.String, "path": pl.String})
    levels = items.select(names=pl.col("category").drop_nulls().str.split(LEVEL))
    above = levels.with_columns(depth=pl.int_ranges(1, pl.col("names").list.len() + 1)).explode("depth")
    paths = above.select(path=pl.col("names").list.head(pl.col("depth")).list.join(LEVEL))
    counted = paths.group_by("path").len().sort("len", "path", descending=[True, False])
    folded = counted.select(_folded(pl.col("path")).alias("folded"), "path")
    return folded.unique("folded", keep="first", maintain_order=True)


def _folded(path: pl.Expr) -> pl.Expr:
    """A path without what spellings differ in: case, width, blanks, and the sign between levels."""
    plain = path.str.normalize("NFKC").str.to_lowercase().str.strip_chars()
    return plain.str.replace_all(rf"\s*(?:{all_signs()})\s*", LEVEL)
