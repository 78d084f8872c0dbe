"""Sessions, users and nobody's clicks that only look, and as no person does: too fast, or at the pace of a clock."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.plans.plan import Question, Stage, Told, nothing
from aisle.components.plans.spool import ROW
from aisle.schema import events as kinds

_KINDS = {"session_id": "session", "user_id": "user"}
"""Who may be a bot, in the order in which they are judged."""
_CLOCKWORK = "clockwork"
_READS = (ROW, *_KINDS, "timestamp", "event")
"""What is looked at of the events."""
_SECOND = 1_000_000
_PAUSE = 30 * 60 * _SECOND
"""A longer time without a click is a pause, and says nothing of the pace."""
_IN_A_ROW = 10
"""So many times the clicks of a bot must follow each other like a clock where nothing says that they are one's."""

_JITTER, _LEAST_JITTER = 3.0, 0.02
"""How far a click may be off the pace: so many times what the slowest gaps are, and a fiftieth of it."""
_TICKS = 6
"""A pace of fewer ticks of the log's clock can't be told to be even."""


def bot_stages(columns: Collection[str], options: CleanerOptions) -> list[Stage[Ledger]]:
    """Takes out all events of sessions, then of users, that are bots, and then clicks of one that is nobody.

    The last stage takes them out. All before it only ask: of the events that are left without those found so far.
    """
    keys = [key for key in _KINDS if key in columns]
    asks: list[tuple[Question[Ledger], ...]] = [(_ask_bots(key, options),) for key in keys]
    if options.bot_regularity:
        once = tuple(_ask_once(key) for key in keys)
        asks += [once] if once else []
        asks.append((_ask_clockwork(once, options),))
    return [*(Stage(nothing, each, _READS) for each in asks), Stage(_take_out)]


def _bot(key: str) -> str:
    """The name of the question which sessions or users are bots."""
    return f"bots by {key}"


def _no_bots(ledger: Ledger, told: Told) -> pl.DataFrame:
    """The events that are left without those of the bots that are known by now."""
    found = {key: told[_bot(key)] for key in _KINDS if _bot(key) in told}
    known = [pl.col(key).is_in(bots.implode()).fill_null(False) for key, bots in found.items() if len(bots)]
    return ledger.rows.filter(~pl.any_horizontal(known)) if known else ledger.rows


def _ask_bots(key: str, options: CleanerOptions) -> Question[Ledger]:
    # What shows no more than a result tells of no pace, and keeps nobody from being a bot: most events are such.
    tells = (pl.col("event") == kinds.CLICK.name) | ~pl.col("event").is_in(kinds.looks())

    def show(ledger: Ledger, told: Told) -> pl.DataFrame:
        return _no_bots(ledger, told).filter(tells).select(key, "timestamp", "event")

    return Question(_bot(key), show, lambda events: bots(events, key, options), by=key)


def _take_out(ledger: Ledger, told: Told) -> None:
    for key, kind in _KINDS.items():
        if _bot(key) in told:
            found = pl.col(key).is_in(told[_bot(key)].implode())
            ledger.take_out("denoise", f"bot {kind}", key, found)
    if _CLOCKWORK in told:
        found = pl.col(ROW).is_in(told[_CLOCKWORK].implode())
        ledger.take_out("denoise", "bot without a user or session", "timestamp", found)


def _ask_once(key: str) -> Question[Ledger]:
    """Asks which users or sessions did nothing but a click."""

    def show(ledger: Ledger, told: Told) -> pl.DataFrame:
        return _no_bots(ledger, told).select(key, click=pl.col("event") == kinds.CLICK.name)

    def answer(events: pl.DataFrame) -> pl.Series:
        return events.filter(pl.col("click") & pl.col(key).is_unique())[key].drop_nulls()

    return Question(f"once by {key}", show, answer, by=key)


def _ask_clockwork(once: Sequence[Question[Ledger]], options: CleanerOptions) -> Question[Ledger]:
    """Asks which clicks that nothing joins to another follow each other like a clock."""

    def show(ledger: Ledger, told: Told) -> pl.DataFrame:
        alone = pl.col("event") == kinds.CLICK.name
        for asked in once:
            alone = alone & (pl.col(asked.by).is_null() | pl.col(asked.by).is_in(told[asked.name].implode()))
        return _no_bots(ledger, told).filter(alone).select(ROW, "timestamp")

    return Question(_CLOCKWORK, show, lambda clicks: clockwork(clicks, options))


def bots(events: pl.DataFrame, key: str, options: CleanerOptions) -> pl.Series:
    """Returns the sessions or users that are bots.

    Args:
        events: `timestamp`, `event` and the key.
        key: `session_id` or `user_id`.
        options: how many clicks make one suspect, and which pace convicts.
    """
    click = pl.col("event") == kinds.CLICK.name
    counts = events.lazy().filter(pl.col(key).is_not_null()).group_by(key).agg(
        clicks=click.sum(), bought=(~pl.col("event").is_in(kinds.looks())).sum()
    )  # fmt: skip
    suspects = counts.filter((pl.col("clicks") >= options.bot_clicks) & (pl.col("bought") == 0)).collect()
    clicks = events.filter(click & pl.col(key).is_in(suspects[key].implode())).sort("timestamp")
    gap = pl.col("timestamp").diff()
    paces = clicks.select(key, gap=gap.over(key)).filter(pl.col("gap") <= _PAUSE).group_by(key).agg(
        count=pl.len(),
        mean=pl.col("gap").mean() / _SECOND,
        median=pl.col("gap").median(),
        spread=pl.col("gap").quantile(0.75) - pl.col("gap").quantile(0.25),
    )  # fmt: skip
    fast = pl.col("mean") <= options.bot_seconds
    even = pl.col("spread") < options.bot_regularity * pl.col("median")
    # Few gaps can be even by chance: half of the clicks have to follow one.
    return paces.filter((pl.col("count") >= options.bot_clicks // 2) & (fast | even))[key]


def clockwork(clicks: pl.DataFrame, options: CleanerOptions) -> pl.Series:
    """Returns the numbers of clicks that follow each other like a clock, though nothing joins one to another.

    A bot that starts a session for each click is known by its pace alone: where people come as they like, the
    times between their clicks differ by more than their median.

    Args:
        clicks: `ROW`, ascending, and `timestamp`.
        options: how many clicks make one suspect, and which pace convicts.
    """
    none, window = clicks[ROW].clear(), _IN_A_ROW * options.bot_clicks
    if len(clicks) <= window:
        return none
    clicks = clicks.sort("timestamp", maintain_order=True)
    gaps = clicks.select(ROW, "timestamp", gap=pl.col("timestamp").diff().cast(pl.Float64))
    gap = pl.col("gap")
    tick = _SECOND if (clicks["timestamp"] % _SECOND == 0).all() else 0
    # Half a window is enough to see that there is none: whole ones are many.
    halves = gaps.group_by(pl.int_range(pl.len()) // max(window // 2, 1)).agg(
        pace=gap.quantile(0.75), slowest=gap.quantile(0.9)
    )
    if not halves.select(_even(tick, options).any()).item():
        return none
    paces = gaps.with_columns(
        pace=gap.rolling_quantile(0.75, window_size=window),
        slowest=gap.rolling_quantile(0.9, window_size=window),
    )
    # A window speaks of all clicks in it; of these, one that doesn't keep the pace is somebody's.
    pace, jitter = (
        pl.when(_even(tick, options)).then(value).reverse().forward_fill(window).reverse()
        for value in (pl.col("pace"), pl.col("slowest") - pl.col("pace"))
    )
    paces = paces.with_columns(pace=pace, slack=_JITTER * jitter + _LEAST_JITTER * pace + tick)
    time = pl.col("timestamp")
    before, after = (
        pl.min_horizontal(((time - time.shift(side * lag)).abs() - pl.col("pace")).abs() for lag in (1, 2, 3))
        for side in (1, -1)
    )
    # By a clock of whole seconds many a stranger is in step with one neighbour.
    off = (pl.max_horizontal if tick else pl.min_horizontal)(before, after)
    return paces.filter(off <= pl.col("slack"))[ROW]


def _even(tick: int, options: CleanerOptions) -> pl.Expr:
    """Says whether gaps are a clock's, which may show whole ticks.

    A stranger's click parts a gap into two smaller ones: what is above the pace tells. Of people's gaps, at any
    pace, a tenth is longer than three quarters are by two thirds.
    """
    pace = pl.col("pace")
    even = pl.col("slowest") - pace <= pl.max_horizontal(options.bot_regularity / 2 * pace, tick)
    return even & pace.is_between(max(_TICKS * tick, 1), _PAUSE)
