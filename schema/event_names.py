"""What shops and their tools call the kinds of events: the names that are read as ours without a setting.

From the published forms of GA4 and Universal Analytics, Segment, Shopify's pixels, Meta's pixel, Amazon Personalize, Matomo,
and the data sets of RetailRocket, YooChoose and Taobao.
"""

from __future__ import annotations

import functools
import re

from aisle.schema import events
from aisle.schema.events import CART, CLICK, IMPRESSION, PURCHASE, RETURN, REVIEW

DIALECTS: dict[str, tuple[str, ...]] = {
    IMPRESSION.name: (
        *(
            "view_item_list",
            "view_search_results",
            "Product List Viewed",
            "collection_viewed",
            "item_list_view",
        ),
        *("impressions", "Product Impression", "exposure"),
    ),
    CLICK.name: (
        *(
            "view_item",
            "select_item",
            "select_content",
            "Product Viewed",
            "Product Clicked",
            "ViewContent",
            "view",
        ),
        *("detail", "item_view", "product_view", "clicks", "pv", "fav", "add_to_wishlist"),
        *("Product Added to Wishlist", "product_detail", "detail_view"),
    ),
    CART.name: (
        *("add_to_cart", "Product Added", "product_added_to_cart", "added_to_cart", "cart_add", "add"),
        *("add_to_basket", "basket", "AddToCart"),
    ),
    PURCHASE.name: (
        *(
            "ecommerce_purchase",
            "transaction",
            "Order Completed",
            "checkout_completed",
            "Completed Order",
            "buy",
        ),
        *("buys", "bought", "order", "ordered", "sale", "sold", "purchased", "Product Purchased"),
    ),
    RETURN.name: ("refund", "Order Refunded", "refunded", "returned", "Product Returned"),
    REVIEW.name: ("Product Reviewed", "reviewed", "rating", "rate"),
}
"""By our kind; case, blanks and punctuation don't matter: `Product Added` is also `product_added`."""


def canonical(name: str) -> str | None:
    """The kind of ours that an event's name means, None for a name that isn't known."""
    return _kinds().get(_folded(name))


@functools.cache
def _kinds() -> dict[str, str]:
    known = {_folded(name): kind for kind, names in DIALECTS.items() for name in names}
    return known | {_folded(name): name for name in events.names()}


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
