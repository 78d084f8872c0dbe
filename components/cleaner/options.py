"""What the Cleaner may be told."""

from __future__ import annotations

import dataclasses
import json


@dataclasses.dataclass(frozen=True)
class CleanerOptions:
    """Options of the Cleaner.

    Attributes:
        non_product: item ids that match one of these patterns in full are no products (postage, fees,
            samples, corrections).
        product_digits: where at least this share of item ids starts with a digit, one that holds no digit is no product.
        uppercase_share: where at least this share of titles is in capitals, one without a capital is a stock note.
        stock_notes: titles that are one of these words, whatever the case, are notes.
        max_future_days: a timestamp further than this after now is wrong.
    """

    non_product: tuple[str, ...] = (
        "POST",
        "DOT",
        "[A-Z]",
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
    uppercase_share: float = 0.9
    stock_notes: tuple[str, ...] = ("damaged", "damages", "check", "found", "lost", "missing", "test", "adjustment")
    max_future_days: float = 1.0


def options_to_json(options: CleanerOptions) -> str:
    """Returns the options as JSON, the form of the component's exec property."""
    return json.dumps(dataclasses.asdict(options), sort_keys=True)


def options_from_json(text: str) -> CleanerOptions:
    """Reads what `options_to_json` wrote."""
    values = json.loads(text)
    return CleanerOptions(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
