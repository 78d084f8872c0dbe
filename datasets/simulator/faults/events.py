"""The faults that events of a shop in some language can have."""

from __future__ import annotations

import datetime

import numpy as np

from aisle.datasets.simulator.faults.kinds import (
    MISTYPED,
    NOT_NUMBERS,
    NOT_UTF8,
    Edit,
    FaultKind,
    Row,
    append,
    bad_price,
    draw,
    in_year,
    misplaced_point,
    noisy,
    number,
    one_of,
    whole_row,
)
from aisle.datasets.simulator.vocabulary import Vocabulary

UNKNOWN_ITEMS = 50
"""How many different ids that no item has are used."""
BAD_EVENTS = ("view", "buy", "add_to_cart", "clik", "checkout")
NO_PRODUCTS = ("POST", "DOT", "BANK CHARGES", "AMAZONFEE", "M", "S", "gift_0001_20")
BAD_TIMESTAMPS = ("31/12/2025", "2025-13-01 10:00:00", "yesterday", "2025-12-01 25:00:00", "1764580000")
UNSET_CLOCK = "2000-01-01"
"""The day from which a till counts whose battery is empty."""


def _missing_required(row: Row, rng: np.random.Generator) -> str:
    column = draw(("timestamp", "event"), rng)
    row[column] = ""
    return column


def _unknown_item(row: Row, rng: np.random.Generator) -> str:
    row["item_id"] = f"x{int(rng.integers(UNKNOWN_ITEMS)):05}"
    return "item_id"


def _mistyped_event(row: Row, rng: np.random.Generator) -> str:
    filled = [column for column in ("position", "quantity", "price") if row[column]]
    column = draw(tuple(filled) or ("position",), rng)
    row[column] = draw(MISTYPED, rng)
    return column


def _with_currency(forms: tuple[str, ...]) -> Edit:
    def edit(row: Row, rng: np.random.Generator) -> str:
        price = row["price"]
        row["price"] = draw(forms, rng).format(price=price, comma=price.replace(".", ","))
        return "price"

    return edit


def _bad_quantity(row: Row, rng: np.random.Generator) -> str:
    # A return's quantity is below zero in many a feed, and rightly so.
    row["quantity"] = "0" if row["event"] == "return" else draw(("0", "-1", f"-{row['quantity']}"), rng)
    return "quantity"


def _future(row: Row, rng: np.random.Generator) -> str:
    row["timestamp"] = in_year(2000 + int(rng.integers(70, 99)), row["timestamp"])
    return "timestamp"


def _unset_clock(row: Row, rng: np.random.Generator) -> str:
    row["timestamp"] = UNSET_CLOCK + row["timestamp"][len(UNSET_CLOCK) :]
    return "timestamp"


def _moments_later(row: Row, rng: np.random.Generator) -> str:
    before = datetime.datetime.fromisoformat(row["timestamp"])
    later = before + datetime.timedelta(seconds=int(rng.integers(1, 4)))
    row["timestamp"] = later.strftime("%Y-%m-%d %H:%M:%S")
    return "timestamp"


def _partly_again(row: Row, rng: np.random.Generator) -> str:
    """What a second system logs of the same sale: it doesn't know from which page it came."""
    row["query"] = row["position"] = ""
    return _moments_later(row, rng)


def event_faults(vocabulary: Vocabulary) -> tuple[FaultKind, ...]:
    """Returns the faults of events."""
    return (
        FaultKind("exact_duplicate", whole_row, copy=True),
        FaultKind("near_duplicate", _moments_later, copy=True, sales_only=True),
        FaultKind("partial_duplicate", _partly_again, copy=True, sales_only=True),
        FaultKind("missing_item", one_of("item_id", "")),
        FaultKind("unknown_item", _unknown_item),
        FaultKind("non_product", one_of("item_id", *NO_PRODUCTS)),
        FaultKind("item_noise", noisy("item_id", case=False)),
        FaultKind("missing_required", _missing_required),
        FaultKind("bad_price", bad_price, sales_only=True),
        FaultKind("nan_price", one_of("price", *NOT_NUMBERS), sales_only=True),
        FaultKind("currency_price", _with_currency(vocabulary.currency), sales_only=True),
        FaultKind("outlier_price", misplaced_point, sales_only=True),
        FaultKind("wrong_type", _mistyped_event),
        FaultKind("integer_overflow", one_of("quantity", str(2**63), str(10**20)), sales_only=True),
        FaultKind("bad_quantity", _bad_quantity, sales_only=True),
        FaultKind("outlier_quantity", number("quantity", 5_000, 100_000), sales_only=True),
        FaultKind("bad_position", one_of("position", "0", "-1", "-20")),
        FaultKind("bad_rating", one_of("rating", "0", "-1", "6", "100")),
        FaultKind("ragged_row", whole_row, ragged=True),
        FaultKind("invalid_utf8", append("query", NOT_UTF8)),
        FaultKind("bad_timestamp", one_of("timestamp", *BAD_TIMESTAMPS)),
        FaultKind("future_timestamp", _future),
        FaultKind("epoch_timestamp", one_of("timestamp", "1970-01-01 00:00:00")),
        FaultKind("unset_clock", _unset_clock),
        FaultKind("bad_event", one_of("event", *BAD_EVENTS)),
        FaultKind("event_noise", noisy("event")),
    )
