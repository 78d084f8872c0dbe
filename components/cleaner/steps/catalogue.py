"""Cleans items, users and judgements: what the events speak of."""

from __future__ import annotations

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.shop.habits import Habits
from aisle.components.cleaner.steps.categories import LEVEL, gather_categories, settle_categories
from aisle.components.cleaner.steps.keys import merge_duplicates, merge_twins, one_row_per_key
from aisle.components.cleaner.steps.missing import delete_missing, fill_missing, rules_of
from aisle.components.cleaner.steps.money import settle_money
from aisle.components.cleaner.steps.notes import take_out_titles
from aisle.components.cleaner.steps.references import spell_as_catalogued, take_out_strangers
from aisle.components.cleaner.steps.texts import cut, normalise, strip_markup, unify_units

_EPOCH = 0


def tidy_items(ledger: Ledger, options: CleanerOptions) -> pl.DataFrame:
    """Brings items to one form, before it is judged which of them are products.

    Returns:
        The spellings of ids that became another one, see `merge_twins`.
    """
    normalise(ledger, ("item_id", "title", "description", "category", "brand", "domain"))
    strip_markup(ledger, ("title", "description", "category", "brand", "domain"))
    ledger.take_out("normalise", "nothing but white space", "item_id", pl.col("item_id").is_null())
    ledger.take_out("normalise", "nothing but white space", "title", pl.col("title").is_null())
    cut(ledger, "title", options.max_title)
    cut(ledger, "description", options.max_description)
    settle_money(ledger, options)
    settle_categories(ledger, options)
    merge_duplicates(ledger)
    return merge_twins(ledger)


def clean_items(ledger: Ledger, shop: Habits, options: CleanerOptions) -> None:
    """Cleans tidied items: one row an item, with a title that is one.

    Args:
        ledger: the items.
        shop: what its own data say of its items.
        options: patterns and limits.
    """
    item = pl.col("item_id")
    ledger.take_out("denoise", "non-product code", "item_id", shop.no_products.named())
    by_hand = item.is_in(shop.no_products.by_hand.implode())
    ledger.take_out("denoise", "priced like no product", "item_id", by_hand)
    ledger.note("note", "code unlike those of other items: used", shop.no_products.has_odd_form())
    take_out_titles(ledger, shop.unsold, shop.capitals, options)
    _one_spelling(ledger, "category")
    _one_spelling(ledger, "brand")
    _one_spelling(ledger, "domain")
    if "price" in ledger.rows.columns:
        price = pl.col("price")
        good = price.is_finite() & ((price > 0) | (price == 0) & item.is_in(shop.free.implode()))
        ledger.change("impute", "bad price: unknown", "price", pl.when(good).then(pl.col("price")))
    if "stock" in ledger.rows.columns:
        stock = pl.col("stock")
        ledger.change(
            "impute", "stock below zero: zero", "stock", pl.when(stock < 0).then(0).otherwise(stock)
        )
    if "available_at" in ledger.rows.columns:
        since = pl.col("available_at")
        known = pl.when(since > _EPOCH).then(since)
        ledger.change("impute", "available at the epoch or before: unknown", "available_at", known)
    gather_categories(ledger)
    _one_thing_per_id(ledger)
    one_row_per_key(ledger, "item_id", "title", "available_at")
    delete_missing(ledger, rules_of(ledger.table, options.missing))


def impute_prices(items: Ledger, sold: pl.DataFrame) -> None:
    """Gives an item without a price the median of what it was sold for.

    Args:
        items: the cleaned items.
        sold: what each was sold for, see `outliers.sold_prices`.
    """
    if "price" not in items.rows.columns:
        return
    of_item = items.rows.select("item_id").join(sold, on="item_id", how="left", maintain_order="left")
    price = items.rows["price"]
    filled = items.rows.select(pl.coalesce(price, of_item["usual"])).to_series()
    items.change("impute", "price: the median of its sales", "price", filled)


def fill_items(items: Ledger, options: CleanerOptions) -> None:
    """Fills what items lack, once their sales have said what they can."""
    fill_missing(items, rules_of(items.table, options.missing))


def clean_users(ledger: Ledger, options: CleanerOptions, now: int) -> None:
    """Cleans users: one row a user; an age or a date that can't be is unknown."""
    normalise(ledger, ("user_id", "country", "gender"))
    ledger.take_out("normalise", "nothing but white space", "user_id", pl.col("user_id").is_null())
    merge_duplicates(ledger)
    _one_spelling(ledger, "country")
    _one_spelling(ledger, "gender")
    if "age" in ledger.rows.columns:
        age = pl.col("age")
        known = pl.when(age.is_between(1, options.max_age)).then(age)
        ledger.change("impute", f"age outside 1 to {options.max_age}: unknown", "age", known)
    if "joined_at" in ledger.rows.columns:
        joined = pl.col("joined_at")
        known = pl.when(joined > _EPOCH).then(joined)
        ledger.change("impute", "joined at the epoch or before: unknown", "joined_at", known)
        ledger.change(
            "impute", "joined in the future: unknown", "joined_at", pl.when(joined <= now).then(joined)
        )
    one_row_per_key(ledger, "user_id", "country", "joined_at")
    rules = rules_of(ledger.table, options.missing)
    delete_missing(ledger, rules)
    fill_missing(ledger, rules)


def clean_judgements(
    ledger: Ledger, items: pl.Series, lost: pl.Series, twins: pl.DataFrame, options: CleanerOptions
) -> None:
    """Cleans judgements: one grade for a query and an item, the median of those given.

    Args:
        ledger: the judgements.
        items: ids of the cleaned items.
        lost: ids of items that were quarantined.
        twins: spellings of ids that became another one.
        options: limits.
    """
    normalise(ledger, ("query", "item_id"))
    spell_as_catalogued(ledger, items, twins)
    ledger.take_out("normalise", "nothing but white space", "query", pl.col("query").is_null())
    cut(ledger, "query", options.max_title)
    unify_units(ledger, ("query",), options.units)
    merge_duplicates(ledger)
    grade = pl.col("grade")
    ledger.take_out("denoise", "bad grade", "grade", ~(grade.is_finite() & (grade >= 0)).fill_null(False))
    take_out_strangers(ledger, items, lost)
    key = ["query", "item_id"]
    if "judge" in ledger.rows.columns:
        # What the judges agree on is told from all their grades. Without their names, equal ones are duplicates.
        ledger.rows = ledger.rows.with_columns(grade.over(key, mapping_strategy="join").alias("grades"))
    ledger.change("deduplicate", "contradicting grades: their median", "grade", grade.median().over(key))
    ledger.merge("deduplicate", "judged more than once", ~pl.struct(key).is_first_distinct())


def _one_thing_per_id(ledger: Ledger) -> None:
    """Takes out the items whose id two domains use, each for something else: no event says which of them it is of."""
    if "domain" in ledger.rows.columns:
        domains, titles = (
            pl.col(name).drop_nulls().n_unique().over("item_id") for name in ("domain", "title")
        )
        reason = (
            "the id names different things in two domains: put the domain before it, here and in the events"
        )
        ledger.take_out("deduplicate", reason, "item_id", (domains > 1) & (titles > 1))


def _one_spelling(ledger: Ledger, column: str) -> None:
    """Gives spellings that differ in case, or in spaces around `/`, the commonest of them."""
    if column not in ledger.rows.columns:
        return
    spellings = ledger.rows.select(spelling=pl.col(column).drop_nulls()).group_by("spelling").len()
    tidy = pl.col("spelling").str.replace_all(r"\s*/\s*", LEVEL)
    usual = spellings.with_columns(tidy=tidy, folded=tidy.str.normalize("NFKC").str.to_lowercase())
    votes = usual.group_by("folded", "tidy").agg(pl.col("len").sum()).sort("len", "tidy")
    winners = votes.group_by("folded", maintain_order=True).agg(usual=pl.col("tidy").last())
    usual = usual.join(winners, on="folded")
    values = ledger.rows[column].replace(usual["spelling"], usual["usual"])
    ledger.change("normalise", f"{column}: one spelling", column, values)
