"""Moments within a window, at which some users are asked again: the head learns from what they did minutes before."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import polars as pl
import tensorflow as tf

from aisle.schema.features import HISTORY_LENGTH
from aisle.schema.tables import MICROSECONDS_PER_DAY

_MICROSECONDS = 1_000_000


@dataclasses.dataclass(frozen=True)
class Moment:
    """A question's present, later than the cut-off of the version that is asked.

    Example:
        >>> Moment(now=90_000_000, events=(("mug", "click", 30.0),)).events[0][0]
        'mug'

    Attributes:
        now: microseconds UTC.
        events: what the user did since the cut-off: item, kind and seconds ago, oldest first.
    """

    now: int = 0
    events: tuple[tuple[str, str, float], ...] = ()


def draw_moments(
    events: pl.DataFrame, start: int, end: int, most: int, gap: float, rng: np.random.Generator
) -> tuple[dict[str, Moment], pl.DataFrame]:
    """A moment of each of some users: just before they took something in the window, but not the first thing.

    So a version that was made at the window's start is asked as a served one is: with its own past, and with what came since.
    Every event but the first is as likely; those of one time, as an order's are, come in an order drawn at random.

    Args:
        events: the Labeler's, which know nothing of what came after them.
        start: of the window, microseconds UTC.
        end: of the window, which is not in it.
        most: users at most, drawn at random.
        gap: the pause, in days, that ends a visit.
        rng: of the draws.

    Returns:
        The moments by user, of all who have one, and the events from them on, with `visit`: whether they are of the visit that
        goes on, or begins, at the moment.
    """
    took = events.filter(
        (pl.col("user_id") != "") & pl.col("timestamp").is_between(start, end, closed="left")
    ).sort("user_id", "timestamp", "item_id")
    shuffled = took.with_columns(draw=pl.Series(rng.random(len(took)), dtype=pl.Float64))
    shuffled = shuffled.sort("user_id", "timestamp", "draw").with_columns(
        place=pl.int_range(pl.len()).over("user_id")
    )
    later = shuffled.group_by("user_id", maintain_order=True).agg(last=pl.col("place").max())
    later = later.filter(pl.col("last") > 0)
    later = later[np.sort(rng.permutation(len(later))[:most])]
    cut = 1 + np.floor(rng.random(len(later)) * later["last"].to_numpy()).astype(np.int64)
    placed = shuffled.join(later.select("user_id", cut=pl.Series(cut)), on="user_id", maintain_order="left")
    after = placed.filter(pl.col("place") >= pl.col("cut"))
    started = after.group_by("user_id").agg(now=pl.col("timestamp").min())
    before = placed.filter(pl.col("place") < pl.col("cut")).join(started, on="user_id", maintain_order="left")
    before = before.with_columns(age=(pl.col("now") - pl.col("timestamp")) / _MICROSECONDS)
    grouped = before.group_by("user_id", maintain_order=True).agg(
        pl.col("now").first(), *(pl.col(name).tail(HISTORY_LENGTH) for name in ("item_id", "event", "age"))
    )
    moments = {
        user: Moment(now, tuple(zip(items, kinds, ages, strict=True)))
        for user, now, items, kinds, ages in grouped.iter_rows()
    }
    pauses = pl.col("timestamp").diff().fill_null(0) > gap * MICROSECONDS_PER_DAY
    return moments, after.select(*events.columns, visit=(pauses.cum_sum() == 0).over("user_id"))


def as_inputs(moments: Sequence[Moment]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """The fields of `RecentEvents` for a batch of questions.

    Example:
        >>> items, kinds, ages, now = as_inputs([Moment(), Moment(90_000_000, (("mug", "click", 30.0),))])
        >>> items.numpy().tolist(), now.numpy().tolist()
        ([[b''], [b'mug']], [0.0, 90.0])
    """
    items, kinds, ages = (
        tf.ragged.constant([[event[place] for event in one.events] for one in moments], dtype, ragged_rank=1)
        for place, dtype in enumerate((tf.string, tf.string, tf.float32))
    )
    now = tf.constant([one.now / _MICROSECONDS for one in moments], tf.float64)
    return items.to_tensor(""), kinds.to_tensor(""), ages.to_tensor(), now
