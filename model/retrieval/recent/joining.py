"""What a user did of late, joined to what was known before: as a state of this moment would know both."""

from __future__ import annotations

import tensorflow as tf

from aisle.model.retrieval.co_occurrence import PAST_DECAY
from aisle.model.retrieval.counts import COUNTS, HALF_LIVES, SAME_ORDER_DAYS
from aisle.model.retrieval.recent.events import Recent

_LATEST = COUNTS.index("latest_order")
_MONTHS_DAYS = 60.0
"""Of `user_orders_60`."""

FlatPairs = tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
"""Owner int32 [t], item row int32 [t], COUNTS float32 [t, C], ages of the latest and first time float32 [t, 2]."""


def joined_pairs(before: FlatPairs, recent: Recent) -> FlatPairs:
    """The pairs of user and item known before, grown older, and the recent ones.

    Args:
        before: as of when the version was made.
        recent: of the batch that `before`'s owners are rows of.
    """
    owner, item, counts, ages = before
    elapsed, visits = tf.gather(recent.elapsed, owner), tf.gather(recent.visits, owner)
    decayed = [tf.math.pow(0.5, elapsed / half_life) for half_life in HALF_LIVES]
    since = tf.math.pow(PAST_DECAY, tf.cast(visits, tf.float32))
    counts = counts * tf.stack([tf.ones_like(since), *decayed, since, tf.ones_like(since)], 1)
    ages = ages + elapsed[:, None]
    # An item is in the latest order once, however often that holds it.
    again = tf.gather(recent.item, owner) == item[:, None]
    again = tf.reduce_any(again & tf.gather(recent.latest, owner), 1)
    still = (ages[:, 0] <= tf.gather(recent.newest, owner) + SAME_ORDER_DAYS) & ~again
    latest = tf.where(visits > 0, tf.cast(still, tf.float32), counts[:, _LATEST])
    counts = tf.concat([counts[:, :_LATEST], latest[:, None]], 1)
    new = _pairs(recent)
    return tuple(
        tf.concat([one, other], 0) for one, other in zip((owner, item, counts, ages), new, strict=True)
    )  # type: ignore[return-value]


def _pairs(recent: Recent) -> FlatPairs:
    """A pair for each recent event."""
    at = tf.cast(tf.where(recent.there), tf.int32)

    def flat(values: tf.Tensor) -> tf.Tensor:
        return tf.gather_nd(values, at)

    age, weight = flat(recent.age), flat(recent.weight)
    decayed = [weight * tf.math.pow(0.5, age / half_life) for half_life in HALF_LIVES]
    since = weight * tf.math.pow(PAST_DECAY, tf.cast(flat(recent.since), tf.float32))
    counts = tf.stack([weight, *decayed, since, tf.cast(flat(recent.latest), tf.float32)], 1)
    return at[:, 0], flat(recent.item), counts, tf.stack([age, age], 1)


def joined_histories(
    before: tuple[tf.Tensor, tf.Tensor, tf.Tensor], recent: Recent
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Histories known before, grown older, with the recent events behind: the latest of both.

    Args:
        before: item rows (-1 pads in front), ages in days and weights, [b, H].
        recent: of the same batch.
    """
    rows, age, weight = before
    length = rows.shape[1]
    age += recent.elapsed[:, None]
    behind = tf.range(length - 1, -1, -1)[None]
    number = tf.reduce_sum(tf.cast(recent.there, tf.int32), 1)[:, None]
    new = length + tf.shape(recent.item)[1] - 1 - behind
    place = tf.where(behind < number, new, length - 1 - behind + number)

    def joined(known: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.concat([known, values], 1), place, batch_dims=1)

    return joined(rows, recent.item), joined(age, recent.age), joined(weight, recent.weight)


def joined_numbers(
    before: dict[str, tf.Tensor], none: tf.Tensor, recent: Recent, sums: dict[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    """USER_NUMBERS of whoever did something of late; of all others as before.

    Which known orders have left the last 60 days since the version was made isn't known: they are still counted.

    Args:
        before: by name, float32 [b] each.
        none: whose past is none: what is in `before` is a typical user's, bool [b].
        recent: of the same batch.
        sums: SUMS with the recent events, by name, float32 [b, n] each.
    """
    known = {name: tf.where(none, 0.0, values) for name, values in before.items()}
    visits = tf.cast(recent.visits, tf.float32)
    orders = known["user_orders"] + visits
    rows = known["user_basket"] * known["user_orders"]
    rows += tf.reduce_sum(tf.cast(recent.there, tf.float32), 1)
    taken = sums["count"] > 0
    items = tf.maximum(known["user_items"], tf.reduce_sum(tf.cast(taken, tf.float32), 1))
    again = tf.reduce_sum(tf.cast(taken & (sums["first"] > sums["last"]), tf.float32), 1)
    lately = recent.there & (recent.age <= _MONTHS_DAYS)
    first = tf.where(none, recent.oldest, known["user_first"] + recent.elapsed)
    now = {
        "user_orders": orders,
        "user_orders_60": known["user_orders_60"] + tf.where(tf.reduce_any(lately, 1), visits, 0.0),
        "user_items": items,
        "user_repeat": again / (items + 5),
        "user_basket": rows / tf.maximum(orders, 1.0),
        "user_last": recent.newest,
        "user_first": first,
    }
    return {name: tf.where(recent.any, now[name], values) for name, values in before.items()}
