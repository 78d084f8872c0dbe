"""A shop's last days in the order in which they came: who was about to buy what, and what they had just done."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping

import polars as pl

from aisle.schema.tables import MICROSECONDS_PER_DAY

MOST = 50
"""Events of a visitor that a gateway remembers, the newest."""


@dataclasses.dataclass(frozen=True)
class Moment:
    """When something is about to be bought.

    Attributes:
        customer: who buys.
        at: when, microseconds UTC.
        recents: what they bought since the night and before this moment: items and times, oldest first.
        basket: what of it lies in the basket already, and need not be shown.
        bought: what comes next: the whole basket before its first item, else one item.
    """

    customer: str
    at: int
    recents: tuple[tuple[str, int], ...]
    basket: frozenset[str]
    bought: tuple[str, ...]

    @property
    def is_basket(self) -> bool:
        """Whether the basket is still empty."""
        return not self.basket


def nights(
    purchases: pl.DataFrame, lines: Mapping[tuple[str, str], int], start: int, share: float, most: int
) -> Iterator[tuple[int, list[Moment]]]:
    """Each day's moments, with the midnight before it.

    A basket is a session's purchases, in the order of its lines; each but the first is a next item.

    Args:
        purchases: `user_id`, `session_id`, `item_id`, `timestamp` (microseconds UTC), in any order.
        lines: where a session's item stands in the shop's own tables.
        start: of the replay, microseconds UTC.
        share: of the customers, drawn by a hash of their ids.
        most: next items of a basket at most, its first ones.
    """
    ordered = sorted(
        (at, session, lines.get((session, item), 0), item, customer)
        for customer, session, item, at in purchases.filter(
            (pl.col("timestamp") >= start) & (pl.col("user_id") != "")
        )
        .select("user_id", "session_id", "item_id", "timestamp")
        .iter_rows()
        if _drawn(customer) < share
    )
    days: dict[int, dict[str, dict[str, list[tuple[str, int]]]]] = {}
    for at, session, _, item, customer in ordered:
        night = at - at % MICROSECONDS_PER_DAY
        days.setdefault(night, {}).setdefault(customer, {}).setdefault(session, []).append((item, at))
    for night, customers in days.items():
        yield (
            night,
            [
                moment
                for customer, baskets in customers.items()
                for moment in _moments(customer, list(baskets.values()), most)
            ],
        )


def _moments(customer: str, baskets: list[list[tuple[str, int]]], most: int) -> Iterator[Moment]:
    """Of a customer's day."""
    before: list[tuple[str, int]] = []
    for basket in baskets:
        items = tuple(dict.fromkeys(item for item, _ in basket))
        at = dict(reversed(basket))
        yield Moment(customer, at[items[0]], tuple(before[-MOST:]), frozenset(), items)
        for place in range(1, min(len(items), most + 1)):
            taken = [(item, at[item]) for item in items[:place]]
            recents = tuple((before + taken)[-MOST:])
            yield Moment(customer, at[items[place]], recents, frozenset(items[:place]), (items[place],))
        before += basket


def _drawn(customer: str) -> float:
    """A number from 0 to 1 of an id, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(customer.encode(), digest_size=8).digest(), "big") / 2.0**64
