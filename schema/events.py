"""The kinds of events: one record each, from which every part derives what it does with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class EventKind:
    """A value of `events.event`.

    Attributes:
        name: the value.
        weight: how much of a liking it shows, 0 to 1; 0 shows none, and nothing is learnt from it. Also the order of
            their strength.
        looks: whether it is no more than a look: who only looks may be a bot.
        sells: whether its price and quantity are those of a sale, or of one that is meant.
    """

    name: str
    weight: float = 0.0
    looks: bool = False
    sells: bool = False


IMPRESSION = EventKind("impression", looks=True)
CLICK = EventKind("click", weight=0.2, looks=True)
CART = EventKind("cart", weight=0.5, sells=True)
PURCHASE = EventKind("purchase", weight=1.0, sells=True)
RETURN = EventKind("return")
REVIEW = EventKind("review")

KINDS: list[EventKind] = [IMPRESSION, CLICK, CART, PURCHASE, RETURN, REVIEW]
"""All that `events.event` may say; a new kind is one record here."""


def names() -> list[str]:
    """The values that `events.event` may take."""
    return [kind.name for kind in KINDS]


def weights() -> dict[str, float]:
    """How much of a liking each kind shows, of those that show any."""
    return {kind.name: kind.weight for kind in KINDS if kind.weight > 0}


def looks() -> list[str]:
    """The kinds that are no more than a look."""
    return [kind.name for kind in KINDS if kind.looks]


def sales() -> list[str]:
    """The kinds whose prices and quantities are those of sales."""
    return [kind.name for kind in KINDS if kind.sells]


def goal(happened: Iterable[str | None]) -> str | None:
    """The kind that models learn to predict where these happened: the purchase, else the click.

    None where none of them shows a liking.
    """
    liked = set(happened) & set(weights())
    return PURCHASE.name if PURCHASE.name in liked else CLICK.name if liked else None
