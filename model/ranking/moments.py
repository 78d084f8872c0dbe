"""Moments within a window, at which some users are asked again: the head learns from what they did minutes before."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import polars as pl
import tensorflow as tf

from aisle.schema.features import HISTORY_LENGTH

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
    interactions: pl.DataFrame, start: int, end: int, most: int, rng: np.random.Generator
) -> dict[str, Moment]:
    """A moment of each of some users: when they took something in the window, but not the first time.

    So a version that was made at the window's start is asked as a served one is: with its own past, and with what came since.

    Args:
        interactions: the Labeler's.
        start: of the window, microseconds UTC.
        end: of the window, which is not in it.
        most: users at most, drawn at random.
        rng: of the draws.

    Returns:
        By user; who took things at one time alone has none.
    """
    took = interactions.filter(
        (pl.col("user_id") != "") & pl.col("timestamp").is_between(start, end, closed="left")
    )
    took = took.sort("user_id", "timestamp", "item_id")
    times = took.select("user_id", "timestamp").unique(maintain_order=True)
    later = times.filter(pl.int_range(pl.len()).over("user_id") > 0)
    users = later["user_id"].unique(maintain_order=True)
    chosen = users.gather(rng.permutation(len(users))[:most]) if len(users) else users
    drawn = later.filter(pl.col("user_id").is_in(chosen.implode()))
    drawn = drawn.with_columns(draw=pl.Series(rng.random(len(drawn)), dtype=pl.Float64))
    drawn = drawn.sort("draw").unique("user_id", keep="first", maintain_order=True)
    before = took.join(drawn.select("user_id", now="timestamp"), on="user_id", maintain_order="left")
    before = before.filter(pl.col("timestamp") < pl.col("now"))
    rows = before.with_columns(age=(pl.col("now") - pl.col("timestamp")) / _MICROSECONDS)
    grouped = rows.group_by("user_id", maintain_order=True).agg(
        pl.col("now").first(), *(pl.col(name).tail(HISTORY_LENGTH) for name in ("item_id", "event", "age"))
    )
    return {
        user: Moment(now, tuple(zip(items, kinds, ages, strict=True)))
        for user, now, items, kinds, ages in grouped.iter_rows()
    }


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
