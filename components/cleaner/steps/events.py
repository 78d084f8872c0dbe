"""Cleans the events: what no shopper did, or what can't have happened, is taken out."""

from __future__ import annotations

import dataclasses

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.shop.habits import Habits
from aisle.components.cleaner.steps.bots import take_out_bots
from aisle.components.cleaner.steps.keys import merge_duplicates, merge_near_duplicates, merge_repeats
from aisle.components.cleaner.steps.missing import delete_missing, fill_missing, rules_of
from aisle.components.cleaner.steps.money import settle_money
from aisle.components.cleaner.steps.notes import take_out_lines
from aisle.components.cleaner.steps.outliers import treat_outliers
from aisle.components.cleaner.steps.references import spell_as_catalogued, take_out_strangers
from aisle.components.cleaner.steps.returns import settle_returns, tell_returns
from aisle.components.cleaner.steps.texts import cut, normalise, unify_units
from aisle.schema import events as kinds
from aisle.schema.tables import MICROSECONDS_PER_DAY

_EPOCH_YEAR = 365 * MICROSECONDS_PER_DAY
"""A clock that was never set counts from 1970: nothing was sold online in that year."""
_MOST_PIECES = 2.0**53
"""From here on a float no longer tells one piece from the next."""
_PURCHASE = pl.col("event") == kinds.PURCHASE.name


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """What the events are held against.

    Attributes:
        items: the cleaned items.
        lost: ids of items that were quarantined.
        shop: what the shop's own data say of its items.
    """

    items: pl.DataFrame
    lost: pl.Series
    shop: Habits


def clean_events(ledger: Ledger, catalogue: Catalogue, options: CleanerOptions, now: int) -> None:
    """Cleans events; each row goes by the first reason that fits.

    Args:
        ledger: the events.
        catalogue: what they are held against.
        options: patterns and limits.
        now: microseconds UTC.
    """
    rules = rules_of(ledger.table, options.missing)
    _normalise(ledger, catalogue, options)
    merge_duplicates(ledger)
    merge_repeats(ledger)
    known = pl.col("event").is_in(kinds.names()).fill_null(False)
    ledger.take_out("denoise", "unknown event", "event", ~known)
    _times(ledger, options, now)
    _products(ledger, catalogue, options)
    tell_returns(ledger)
    _numbers(ledger, catalogue.shop.free, options)
    take_out_bots(ledger, options)
    merge_near_duplicates(ledger, options)
    take_out_strangers(ledger, catalogue.items["item_id"], catalogue.lost)
    treat_outliers(ledger, catalogue.items, options)
    delete_missing(ledger, rules)
    fill_missing(ledger, rules)
    settle_returns(ledger, options)
    if "user_id" in ledger.rows.columns:
        ledger.note("note", "no customer: used as anonymous", pl.col("user_id").is_null())


def _normalise(ledger: Ledger, catalogue: Catalogue, options: CleanerOptions) -> None:
    normalise(ledger, ("item_id", "user_id", "session_id", "query", "text", "description"))
    spelling = ledger.rows["event"].str.strip_chars().str.to_lowercase()
    ledger.change("normalise", "event: case or white space", "event", spelling)
    spell_as_catalogued(ledger, catalogue.items["item_id"], catalogue.shop.twins)
    cut(ledger, "query", options.max_title)
    cut(ledger, "text", options.max_description)
    unify_units(ledger, ("query",), options.units)
    settle_money(ledger, options)


def _times(ledger: Ledger, options: CleanerOptions, now: int) -> None:
    """Takes out what happened when nothing can have: at the epoch, in the future, long before all else."""
    time = pl.col("timestamp")
    ledger.take_out("denoise", "timestamp at the epoch or before", "timestamp", time < _EPOCH_YEAR)
    latest = now + int(options.max_future_days * MICROSECONDS_PER_DAY)
    ledger.take_out("denoise", "timestamp in the future", "timestamp", time > latest)
    if options.isolated_spans and len(ledger.rows):
        first, last = (ledger.rows["timestamp"].quantile(share) or 0.0 for share in (0.01, 0.99))
        before = max(options.isolated_spans * (last - first), _EPOCH_YEAR)
        ledger.take_out("denoise", "timestamp far from all others", "timestamp", time < first - before)


def _products(ledger: Ledger, catalogue: Catalogue, options: CleanerOptions) -> None:
    """Takes out lines that sell no product."""
    item, shop = pl.col("item_id"), catalogue.shop
    ledger.take_out("denoise", "non-product code", "item_id", shop.no_products.named())
    by_hand = item.is_in(shop.no_products.by_hand.implode())
    ledger.take_out("denoise", "priced like no product", "item_id", by_hand)
    # What isn't in the catalogue goes anyway: here the look of its code is enough to say what it may be.
    strange = ledger.rows["item_id"].drop_nulls().unique().to_frame()
    known = item.is_in(catalogue.items["item_id"].implode()) | item.is_in(catalogue.lost.implode())
    codes = strange.filter(~known & shop.no_products.has_odd_form())["item_id"]
    reason = "unknown item, of a code unlike those of items"
    ledger.take_out("denoise", reason, "item_id", item.is_in(codes.implode()))
    take_out_lines(ledger, shop.free, shop.capitals, options)


def _numbers(ledger: Ledger, free: pl.Series, options: CleanerOptions) -> None:
    """A purchase's price and quantity must be above zero if known; elsewhere a bad number is unknown.

    What is given away costs nothing.
    """
    names = ledger.rows.columns
    if "quantity" in names:
        quantity = pl.col("quantity")
        # Returns count below zero in many a feed, and rightly so. What is sold by weight or length has no whole ones.
        below = (quantity < 0) & (pl.col("event") != kinds.RETURN.name)
        bad = (quantity == 0) | below | ~(quantity.cast(pl.Float64).abs() < _MOST_PIECES)
        ledger.take_out("denoise", "bad quantity", "quantity", _PURCHASE & bad)
        ledger.change("impute", "bad quantity: unknown", "quantity", pl.when(~bad).then(quantity))
    if "price" in names:
        price = pl.col("price")
        given = (price == 0) & pl.col("item_id").is_in(free.implode())
        bad = price.is_not_null() & ~(price.is_finite() & ((price > 0) | given))
        ledger.take_out("denoise", "bad price", "price", bad & _PURCHASE)
        ledger.change("impute", "bad price: unknown", "price", pl.when(~bad).then(price))
    if "position" in names:
        position, first = pl.col("position"), _first_position(ledger.rows["position"])
        known = pl.when(position >= first).then(position)
        ledger.change("impute", f"position below {first}: unknown", "position", known)
    if "rating" in names:
        rating, (low, high) = pl.col("rating"), options.ratings
        inside = pl.when(rating.is_between(low, high)).then(rating)
        ledger.change("impute", f"rating outside {low:g} to {high:g}: unknown", "rating", inside)


def _first_position(positions: pl.Series) -> int:
    """Returns from where a shop counts positions: from 0 where that is seen about as often as 1, else from 1."""
    tops, seconds = ((positions == place).sum() for place in (0, 1))
    return 0 if tops and 2 * tops >= seconds else 1
