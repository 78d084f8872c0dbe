"""Cleans the events: what no shopper did, or what can't have happened, is taken out."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.shop.habits import Habits
from aisle.components.cleaner.steps.bots import bot_stages
from aisle.components.cleaner.steps.keys import (
    ask_repeats,
    merge_duplicates,
    merge_near_duplicates,
    merge_repeats,
)
from aisle.components.cleaner.steps.missing import delete_missing, fill_missing, rules_of
from aisle.components.cleaner.steps.money import settle_money
from aisle.components.cleaner.steps.notes import take_out_lines
from aisle.components.cleaner.steps.outliers import outlier_stages, sold_prices
from aisle.components.cleaner.steps.references import spell_as_catalogued, take_out_strangers
from aisle.components.cleaner.steps.returns import settle_returns, tell_returns
from aisle.components.cleaner.steps.rules import CONSTANT, DELETE
from aisle.components.cleaner.steps.texts import cut, normalise, unify_units
from aisle.components.plans.plan import Elsewhere, Parts, Question, Stage, Told, carry_out
from aisle.schema import events as kinds
from aisle.schema.tables import EVENTS, MICROSECONDS_PER_DAY

_EPOCH_YEAR = 365 * MICROSECONDS_PER_DAY
"""A clock that was never set counts from 1970: nothing was sold online in that year."""
_HOUR = MICROSECONDS_PER_DAY // 24
_ALWAYS = 2**63 - 1
"""Stands for the time of what has none, which is never too early."""
_MOST_PIECES = 2.0**53
"""From here on a float no longer tells one piece from the next."""
_PURCHASE = pl.col("event") == kinds.PURCHASE.name
_FIRST_PLACE, _RETURNS, _SOLD = "first place", "returns", "sold prices"


def _show_hours(ledger: Ledger, _: Told) -> pl.DataFrame:
    hours = ledger.rows.select(hour=pl.col("timestamp") // _HOUR).drop_nulls()
    return hours.group_by("hour").agg(count=pl.len().cast(pl.Int64))


def _span(shown: pl.DataFrame) -> tuple[int, int] | None:
    counts = shown.group_by("hour").agg(pl.col("count").sum()).sort("hour")
    if counts.is_empty():
        return None
    upto = counts["count"].cum_sum()
    places = [int(share * (upto[-1] - 1) + 0.5) for share in (0.01, 0.99)]
    first, last = (int(counts["hour"][upto.search_sorted(place, side="right")]) * _HOUR for place in places)
    return first, last


SPAN: Question[Ledger] = Question("span", _show_hours, _span)
"""Asks in which hours the first and the last hundredth of all that happened end, in microseconds; None where nothing did.

Of hours there are few, however many events.
"""


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


def clean_events(
    events: Parts[Ledger] | Elsewhere[Ledger],
    columns: Collection[str],
    catalogue: Catalogue,
    options: CleanerOptions,
    now: int,
) -> pl.DataFrame:
    """Cleans events; each row goes by the first reason that fits. A visit of all parts takes as long as what is done in it:
    as much as can be is asked at once.

    Args:
        events: the parts of the table, each with all events of its items.
        columns: of the table.
        catalogue: what they are held against.
        options: patterns and limits.
        now: microseconds UTC.

    Returns:
        What items were sold for (`sold_prices`).
    """
    steps = _Steps(catalogue, options, now)
    places = (_ask_places(),) if "position" in columns else ()
    # No bot is told by a place or a rating.
    *asking, take_out_bots = bot_stages(columns, options)
    first = asking[0].asks if asking else ()
    told = carry_out(
        [
            Stage(steps.begin, ask_repeats(columns)),
            Stage(
                steps.kinds_and_clocks, ((SPAN,) if options.isolated_spans else ()) + (steps.ask_returns(),)
            ),
            Stage(steps.products),
            Stage(steps.amounts, places + first),
            *asking[1:],
            Stage(steps.places_and_ratings),
            take_out_bots,
            Stage(steps.known_once),
            *outlier_stages(columns, catalogue.items, options),
            Stage(steps.end, (_ask_sold(options),)),
        ],
        events,
        ends=True,
    )
    prices: pl.DataFrame = told[_SOLD]
    return prices


def is_local(options: CleanerOptions) -> bool:
    """Says whether events can be cleaned in parts by item: no option asks for what only the whole table tells."""
    rules = rules_of(EVENTS.name, options.missing).values()
    told_by_row = all(rule.method in (DELETE, CONSTANT) for rule in rules)
    return told_by_row and (not options.near_duplicate_seconds or "item_id" in options.near_duplicate_columns)


@dataclasses.dataclass(frozen=True)
class _Steps:
    """What is done to a part of the events between what is asked of all."""

    catalogue: Catalogue
    options: CleanerOptions
    now: int

    def begin(self, ledger: Ledger, told: Told) -> None:
        """Gives texts one form, and merges what is said twice."""
        _normalise(ledger, self.catalogue, self.options)
        merge_duplicates(ledger)

    def kinds_and_clocks(self, ledger: Ledger, told: Told) -> None:
        """Takes out what is of no kind, and what happened at the epoch or will have."""
        merge_repeats(ledger, told)
        known = pl.col("event").is_in(kinds.names()).fill_null(False)
        ledger.take_out("denoise", "unknown event", "event", ~known)
        time = pl.col("timestamp")
        ledger.take_out("denoise", "timestamp at the epoch or before", "timestamp", time < _EPOCH_YEAR)
        latest = self.now + int(self.options.max_future_days * MICROSECONDS_PER_DAY)
        ledger.take_out("denoise", "timestamp in the future", "timestamp", time > latest)

    def products(self, ledger: Ledger, told: Told) -> None:
        """Takes out what happened long before all else, and lines that sell no product."""
        if self._long_before(told) is not None:
            reason, time = "timestamp far from all others", pl.col("timestamp")
            ledger.take_out("denoise", reason, "timestamp", time < self._long_before(told))
        _products(ledger, self.catalogue, self.options)

    def ask_returns(self) -> Question[Ledger]:
        """Asks when the last event called return was that sells a product, None where there is none.

        It is asked before `products`, on which it depends, so that this needs no visit of its own.
        """

        def show(ledger: Ledger, _: Told) -> pl.DataFrame:
            rows = ledger.rows.filter(pl.col("event") == kinds.RETURN.name)
            returns = Ledger(ledger.table, rows, ledger.places, len(rows), numbers=ledger.numbers)
            _products(returns, self.catalogue, self.options)
            return returns.rows.select(pl.col("timestamp").fill_null(_ALWAYS).max())

        return Question(_RETURNS, show, lambda shown: shown["timestamp"].max())

    def amounts(self, ledger: Ledger, told: Told) -> None:
        """Tells returns, and takes out or forgets amounts that can't be."""
        last, long_before = told[_RETURNS], self._long_before(told)
        tell_returns(ledger, last is not None and (long_before is None or last >= long_before))
        _amounts(ledger, self.catalogue.shop.free)

    def places_and_ratings(self, ledger: Ledger, told: Told) -> None:
        """Forgets positions and ratings that can't be."""
        _places_and_ratings(ledger, told, self.options)

    def known_once(self, ledger: Ledger, told: Told) -> None:
        """Merges what was sent twice, and takes out what is on no item."""
        merge_near_duplicates(ledger, self.options)
        take_out_strangers(ledger, self.catalogue.items["item_id"], self.catalogue.lost)
        if not rules_of(ledger.table, self.options.missing):
            ledger.set_aside(_settled(ledger.rows.columns))

    def end(self, ledger: Ledger, told: Told) -> None:
        """Fills what is missing, settles returns, and says who is not known."""
        rules = rules_of(ledger.table, self.options.missing)
        delete_missing(ledger, rules)
        fill_missing(ledger, rules)
        settle_returns(ledger, self.options)
        if "user_id" in ledger.rows.columns:
            ledger.note("note", "no customer: used as anonymous", pl.col("user_id").is_null())

    def _long_before(self, told: Told) -> float | None:
        """Before when nothing can have happened; None where nothing tells."""
        if told.get(SPAN.name) is None:
            return None
        first, last = told[SPAN.name]
        return float(first - max(self.options.isolated_spans * (last - first), _EPOCH_YEAR))


def _settled(columns: Collection[str]) -> pl.Expr:
    """Of which rows neither the outliers' stages nor `end` say anything, where no rule fills cells: most of a click log."""
    numbers = [pl.col(name).is_null() for name in ("price", "quantity") if name in columns]
    named = [pl.col("user_id").is_not_null()] if "user_id" in columns else []
    return pl.all_horizontal(~pl.col("event").is_in([*kinds.sales(), kinds.RETURN.name]), *numbers, *named)


def _normalise(ledger: Ledger, catalogue: Catalogue, options: CleanerOptions) -> None:
    normalise(ledger, ("item_id", "user_id", "session_id", "query", "text", "description"))
    spelling = ledger.rows["event"].str.strip_chars().str.to_lowercase()
    ledger.change("normalise", "event: case or white space", "event", spelling)
    spell_as_catalogued(ledger, catalogue.items["item_id"], catalogue.shop.twins)
    cut(ledger, "query", options.max_title)
    cut(ledger, "text", options.max_description)
    unify_units(ledger, ("query",), options.units)
    settle_money(ledger, options)


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


def _amounts(ledger: Ledger, free: pl.Series) -> None:
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


def _ask_places() -> Question[Ledger]:
    """Asks from where the shop counts positions: from 0 where that is seen about as often as 1, else from 1."""
    place = pl.col("position")

    def answer(shown: pl.DataFrame) -> int:
        tops, seconds = shown.sum().row(0)
        return 0 if tops and 2 * tops >= seconds else 1

    return Question(
        _FIRST_PLACE,
        lambda ledger, _: ledger.rows.select(tops=(place == 0).sum(), seconds=(place == 1).sum()),
        answer,
    )


def _ask_sold(options: CleanerOptions) -> Question[Ledger]:
    """Asks what items were sold for."""
    return Question(_SOLD, lambda ledger, _: sold_prices(ledger.rows, options), lambda prices: prices)


def _places_and_ratings(ledger: Ledger, told: Told, options: CleanerOptions) -> None:
    if _FIRST_PLACE in told:
        position, first = pl.col("position"), told[_FIRST_PLACE]
        known = pl.when(position >= first).then(position)
        ledger.change("impute", f"position below {first}: unknown", "position", known)
    if "rating" in ledger.rows.columns:
        rating, (low, high) = pl.col("rating"), options.ratings
        inside = pl.when(rating.is_between(low, high)).then(rating)
        ledger.change("impute", f"rating outside {low:g} to {high:g}: unknown", "rating", inside)
