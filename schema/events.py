"""The kinds of events: one record each, from which every part derives what it does with them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable

from aisle.schema import words


@dataclasses.dataclass(frozen=True)
class EventKind:
    """A value of `events.event`.

    Attributes:
        name: the value.
        weight: how much of a liking it shows, 0 to 1; 0 shows none, and nothing is learnt from it. Also the order of
            their strength.
        looks: whether it is no more than a look: who only looks may be a bot.
        sells: whether its price and quantity are those of a sale, or of one that is meant.
        also: what shops and their tools call it, which is read as it without a setting. From the published forms of GA4 and
            Universal Analytics, Segment, Shopify's and Meta's pixels, Amazon Personalize, Klaviyo, Google's retail search,
            Matomo, and the data sets of RetailRocket, YooChoose and Taobao. What other languages call it stands in `schema/words`.
            Case, accents, blanks and punctuation don't matter.
    """

    name: str
    weight: float = 0.0
    looks: bool = False
    sells: bool = False
    also: tuple[str, ...] = ()


IMPRESSION = EventKind(
    "impression",
    looks=True,
    also=(
        *("view_item_list", "Product List Viewed", "collection_viewed", "item_list_view"),
        *("impressions", "Product Impression", "exposure"),
    ),
)
CLICK = EventKind(
    "click",
    weight=0.2,
    looks=True,
    also=(
        *(
            "view_item",
            "select_item",
            "Product Viewed",
            "Product Clicked",
            "ViewContent",
            "view",
            "detail",
            "pv",
            "fav",
        ),
        *("item_view", "product_view", "product_detail", "detail_view", "clicks", "add_to_wishlist"),
        *("Viewed Product", "Item Viewed", "viewed", "views", "clicked", "detail-page-view"),
        "Product Added to Wishlist",
    ),
)
CART = EventKind(
    "cart",
    weight=0.5,
    sells=True,
    also=(
        *("add_to_cart", "Product Added", "product_added_to_cart", "added_to_cart", "cart_add", "add"),
        *("add_to_basket", "basket"),
    ),
)
PURCHASE = EventKind(
    "purchase",
    weight=1.0,
    sells=True,
    also=(
        *(
            "ecommerce_purchase",
            "transaction",
            "Order Completed",
            "Completed Order",
            "checkout_completed",
            "purchased",
        ),
        *("Ordered Product", "Placed Order", "Item Purchased", "purchases", "purchase-complete"),
        *("Product Purchased", "buy", "buys", "bought", "order", "ordered", "sale", "sold"),
    ),
)
RETURN = EventKind(
    "return",
    also=("refund", "Order Refunded", "refunded", "returned", "Product Returned"),
)
REVIEW = EventKind(
    "review",
    also=("Product Reviewed", "reviewed", "rating", "rate"),
)

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


def canonical(name: str) -> str | None:
    """The kind that an event's name means, ours or another's, None for a name that isn't known."""
    return _known(tuple(KINDS)).get(words.folded(name))


def spellings(kind: EventKind) -> list[str]:
    """Its name, and all that shops and their tools call it in any language that is known."""
    others = (word for language in words.words(words.KINDS, kind.name) for word in language)
    return list(dict.fromkeys((kind.name, *kind.also, *others)))


@functools.cache
def _known(kinds: tuple[EventKind, ...]) -> dict[str, str]:
    return {words.folded(name): kind.name for kind in kinds for name in spellings(kind)}
