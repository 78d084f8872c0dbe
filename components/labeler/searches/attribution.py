"""Which result a click answers, and which click a purchase answers: the last touch before it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import polars as pl

from aisle.components.labeler.options import LabelerOptions
from aisle.schema import events as kinds
from aisle.schema.tables import MICROSECONDS_PER_DAY

MINUTE = 60 * 1_000_000
_COLUMNS = ("timestamp", "event", "item_id", "user_id", "session_id", "query", "position", "sponsored")
_VISITORS = ("session", "user")
"""Who may be the same visitor, the surer first."""
_CODES = {"session": "session_id", "user": "user_id", "item": "item_id", "words": "query"}
"""Numbers that stand for texts while rows are joined, which takes half the time."""


_DELAYS = {"1 minute": 60, "1 hour": 3_600, "1 day": 86_400, "3 days": 3 * 86_400, "7 days": 7 * 86_400}


@dataclasses.dataclass(frozen=True)
class Joins:
    """How much was joined to what.

    Attributes:
        clicks: clicks, and carts and purchases that stand for one.
        answering: those that answer an impression.
        purchases: purchases.
        led: those that a click led to.
        delays: the share of these that came within so long of their click, by how long.
    """

    clicks: int
    answering: int
    purchases: int
    led: int
    delays: dict[str, float]

    @staticmethod
    def combined(parts: Sequence[Joins]) -> Joins:
        """Adds up what was joined in parts of the events, none of which another's was joined to."""
        clicks, answering, purchases, led = (
            sum(getattr(part, name) for part in parts) for name in ("clicks", "answering", "purchases", "led")
        )
        # A share of so many is a whole number of them.
        delayed = {
            name: sum(round(part.delays[name] * part.led) for part in parts if part.led) for name in _DELAYS
        }
        delays = {name: count / led for name, count in delayed.items() if led}
        return Joins(clicks, answering, purchases, led, delays)


@dataclasses.dataclass(frozen=True)
class Attribution:
    """What was shown, and what came of it, before any split.

    Attributes:
        shown: every impression that names a visitor and wasn't paid for, ascending by time: the events' columns (`query` null
            where nothing was searched) and `row`, its number among the events.
        touches: the clicks, and the carts and purchases that no click led to: `timestamp`, and `shown`,
            the row of the impression that each answers (null: none).
        conversions: the purchases: `timestamp`, `shown` (the row of the impression that each is credited
            to; null: none), and `delay` since the click (null: none led to it).
        taken: the clicks, carts and purchases; a click without a query has that of the result it answers.
        unnamed: how many results of searches name neither a session nor a user: nothing joins to them.
        sponsored: how many were paid for: what comes of them is no organic result's.
    """

    shown: pl.DataFrame
    touches: pl.DataFrame
    conversions: pl.DataFrame
    taken: pl.DataFrame
    unnamed: int
    sponsored: int = 0

    def joins(self) -> Joins:
        """Counts what was joined."""
        delays = self.conversions["delay"].drop_nulls()
        return Joins(
            clicks=self.touches.height,
            answering=self.touches["shown"].count(),
            purchases=self.conversions.height,
            led=len(delays),
            delays={
                name: int((delays <= seconds * 1_000_000).sum()) / len(delays)
                for name, seconds in _DELAYS.items()
                if len(delays)
            },
        )


def attribute(events: pl.DataFrame, options: LabelerOptions, shows: bool | None = None) -> Attribution:
    """Joins clicks to impressions and purchases to clicks, each to the last one before it.

    A click answers the latest impression of its item in its session, at most `click_window_minutes`
    before, and of its query where it names one; a click whose session was not shown the item answers the
    latest impression to the same user. A cart or a purchase that no click on the item led to within that
    time counts as the click itself (shops sell straight from their lists). A purchase is credited to the
    latest click on its item in its session, else by the same user, at most `conversion_window_days`
    before; and so to the search that the click answers, or to none, where it answers none.

    Args:
        events: canonical events, `timestamp` in microseconds; `sponsored` as `sponsored.marked` tells it, where it is
            there; `row` their numbers, where they are all that some visitors did and not all events.
        options: the windows.
        shows: whether the shop logs what it shows to whom; None: as these events say.
    """
    if "sponsored" not in events.columns:
        events = events.with_columns(pl.lit(False).alias("sponsored"))
    # A shop that logs no impressions has nothing to join, however much it sells.
    logged = events if shows or (events["event"] == kinds.IMPRESSION.name).any() else events.head(0)
    numbered = logged if "row" in logged.columns else logged.with_row_index("row")
    ordered = coded(numbered, "row").sort("timestamp", maintain_order=True)
    impressions = ordered.filter(pl.col("event") == kinds.IMPRESSION.name)
    # The same result logged twice for one page is one result, and paid for where one of the two was.
    if impressions["sponsored"].any():
        impressions = impressions.sort("timestamp", ~pl.col("sponsored"), maintain_order=True)
    impressions = impressions.unique(["timestamp", *_CODES], keep="first", maintain_order=True)
    nameless = pl.col("session_id").is_null() & pl.col("user_id").is_null()
    unnamed = impressions.filter(nameless & pl.col("query").is_not_null()).height
    shown = impressions.filter(~nameless)
    if not (len(shown) if shows is None else shows):
        nothing = pl.DataFrame(schema={"timestamp": pl.Int64, "shown": shown.schema["row"]})
        no_delay = nothing.with_columns(pl.lit(None, pl.Int64).alias("delay"))
        return Attribution(shown, nothing, no_delay, events, unnamed)
    taken = ordered.filter(pl.col("event") != kinds.IMPRESSION.name)
    rows = taken.select("row", "timestamp", "event", "sponsored", *_CODES)
    touches = _touches(shown, rows, int(options.click_window_minutes * MINUTE))
    window = int(options.conversion_window_days * MICROSECONDS_PER_DAY)
    paid = shown["sponsored"]
    return Attribution(
        shown.filter(~paid).drop(*_CODES),
        touches.select("timestamp", "shown"),
        _conversions(touches, rows.filter(pl.col("event") == kinds.PURCHASE.name), window),
        _with_queries(taken, touches, shown).select(*_COLUMNS),
        unnamed,
        shown.filter(paid & pl.col("query").is_not_null()).height,
    )


def coded(events: pl.DataFrame, *more: str) -> pl.DataFrame:
    """The columns (and `more`) and kinds of events that matter here, an empty query as null, and `_CODES`."""
    return (
        events.lazy()
        .select(*_COLUMNS, *more)
        .filter(pl.col("event").is_in([kinds.IMPRESSION.name, *kinds.weights()]))
        .with_columns(pl.when(pl.col("query") != "").then("query"))
        .with_columns(
            pl.col(text).cast(pl.Categorical).to_physical().alias(code) for code, text in _CODES.items()
        )
        .collect()
    )


def _conversions(touches: pl.DataFrame, purchases: pl.DataFrame, window: int) -> pl.DataFrame:
    """The purchases, each with the impression that its last click answers, and the time since that click."""
    # What answers no impression leads to a purchase only if it is a click: the last click has the credit.
    leads = touches.filter((pl.col("event") == kinds.CLICK.name) | pl.col("shown").is_not_null())
    leads = leads.drop("row").with_row_index("row")
    credited = pl.DataFrame({"row": last_before(purchases, leads, window)}).join(
        leads.select("row", "shown", pl.col("timestamp").alias("clicked")),
        on="row", how="left", maintain_order="left",
    )  # fmt: skip
    delay = (pl.col("timestamp") - credited["clicked"]).alias("delay")
    return purchases.select("timestamp", credited["shown"], delay)


def _with_queries(taken: pl.DataFrame, touches: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """Gives what names no query that of the result it answers: some shops log queries with results only."""
    answered = touches.filter(pl.col("words").is_null()).join(
        shown.filter(pl.col("query").is_not_null()).select(
            pl.col("row").alias("shown"), pl.col("query").alias("asked")
        ),
        on="shown",
    )
    if answered.is_empty():
        return taken
    return taken.join(
        answered.select("row", "asked"), on="row", how="left", maintain_order="left"
    ).with_columns(pl.coalesce("query", "asked").alias("query"))


def _touches(shown: pl.DataFrame, taken: pl.DataFrame, window: int) -> pl.DataFrame:
    """The clicks and what stands for one, each with the row of the impression it answers as `shown`."""
    is_click = pl.col("event") == kinds.CLICK.name
    clicks, others = taken.filter(is_click), taken.filter(~is_click)
    unled = others.filter(last_before(others, clicks, window).is_null())
    touches = pl.concat([clicks, unled]).sort("timestamp", "row")
    # What is told to be of an ad answers none of the shop's own results.
    own = pl.when(~pl.col("sponsored") | pl.col("shown").is_in(shown.filter("sponsored")["row"].implode()))
    return answered(touches, shown, window).with_columns(own.then("shown").alias("shown"))


def answered(touches: pl.DataFrame, shown: pl.DataFrame, window: int) -> pl.DataFrame:
    """What was touched, each with the row of the last result before it, of its query where it names one, as `shown`."""
    searched = pl.col("words").is_not_null()
    answers = pl.concat(
        [
            part.with_columns(last_before(part, shown, window, also).alias("shown"))
            for part, also in ((touches.filter(searched), ["words"]), (touches.filter(~searched), []))
        ]
    )
    return answers.sort("timestamp", "row")


def last_before(
    later: pl.DataFrame, earlier: pl.DataFrame, window: int, also: list[str] | None = None
) -> pl.Series:
    """For each of `later` the `row` of the last of `earlier` at or before it, on the item, by the visitor.

    Args:
        later: ascending by timestamp, with a unique `row`.
        earlier: the same.
        window: microseconds; what lies further back is not found.
        also: further columns that must be equal, and not null in `later`.

    Returns:
        Row numbers in the order of `later`; null where there is none.
    """
    found = later.select("row")
    for visitor in _VISITORS:
        keys = [visitor, "item", *(also or [])]
        known = pl.col(visitor).is_not_null()
        # Most of what was shown was never touched: an exact join of the rest is far cheaper.
        candidates = earlier.filter(known).join(later, on=keys, how="semi", maintain_order="left")
        nearest = (
            later.filter(known)
            .select("row", "timestamp", *keys)
            .join_asof(
                candidates.select(pl.col("row").alias(visitor + "_row"), "timestamp", *keys),
                on="timestamp", by=keys, strategy="backward", tolerance=window, check_sortedness=False,
            )
        )  # fmt: skip
        found = found.join(
            nearest.select("row", visitor + "_row"), on="row", how="left", maintain_order="left"
        )
    return found.select(pl.coalesce(visitor + "_row" for visitor in _VISITORS)).to_series()
