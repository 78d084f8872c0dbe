"""What the Cleaner may be told."""

from __future__ import annotations

import dataclasses
import json
from typing import Any


@dataclasses.dataclass(frozen=True)
class CleanerOptions:
    """Options of the Cleaner.

    Attributes:
        non_product: item ids that match one of these patterns in full are no products (postage, fees,
            samples, corrections).
        product_digits: where at least this share of item ids starts with a digit, an id without any
            digit is no product.
        stock_notes: titles that are one of these words, whatever the case, are notes of the staff.
        uppercase_share: where at least this share of titles is in capitals, a title with words in small
            letters only is a note too.
        max_title: characters; a longer title or query is cut.
        max_description: characters; a longer description or review is cut.
        max_future_days: a timestamp further than this after now is wrong.
        near_duplicate_seconds: an event repeated within so many seconds is the same event.
        bot_clicks: a session of at least so many clicks, and of nothing but looking, may be a bot's.
        bot_seconds: it is one if its clicks are on average at most so far apart.
        outlier_quantity: a purchase of more pieces than this is an outlier: noted, and used.
        max_age: years; a user's age outside 1 to this is unknown.
        keep_undone_purchases: whether a purchase that a return undoes in full still counts as interest.
    """

    non_product: tuple[str, ...] = (
        "POST",
        "DOT",
        "[A-Za-z]",
        "C2",
        "CRUK",
        "PADS",
        "BANK CHARGES",
        "AMAZONFEE",
        "gift_.*",
        "DCGS.*",
        "SP[0-9]+",
    )
    product_digits: float = 0.9
    stock_notes: tuple[str, ...] = (
        "damaged",
        "damages",
        "check",
        "found",
        "lost",
        "missing",
        "test",
        "adjustment",
        "do not use",
        "wrong label",
    )
    uppercase_share: float = 0.9
    max_title: int = 500
    max_description: int = 5000
    max_future_days: float = 1.0
    near_duplicate_seconds: float = 5.0
    bot_clicks: int = 60
    bot_seconds: float = 1.0
    outlier_quantity: int = 1000
    max_age: int = 120
    keep_undone_purchases: bool = True


def options_to_json(options: CleanerOptions) -> str:
    """Returns the options as JSON, the form of the component's exec property."""
    return json.dumps(dataclasses.asdict(options), sort_keys=True)


def options_from_json(text: str) -> CleanerOptions:
    """Reads what `options_to_json` wrote."""
    values: dict[str, Any] = json.loads(text)
    frozen: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return CleanerOptions(**frozen)
