"""The faults a simulated feed can have: what each does to a row, and which rows it can befall.

A fault edits one cell of a row in place, puts an edited copy of it further down, or breaks the line
itself. Whole bot sessions are made in `faults`.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable

import numpy as np

Row = dict[str, str]
"""A line's cells by column, as text; bytes that are not UTF-8 stand as surrogate escapes."""
Edit = Callable[[Row, np.random.Generator], str]
"""Changes the row in place and returns the column it changed; "" where the whole row is the fault."""

BOT_SESSION = "bot_session"
UNKNOWN_ITEMS = 50
"""How many different ids that no item has are used."""
MISTYPED = ("N/A", "1_000", "\uff11\uff12", "twelve", "1,5")
BAD_EVENTS = ("view", "buy", "add_to_cart", "clik", "checkout")
SCRIPTS = ("<script>alert(1)</script>", "<b>SALE</b> ", "<img src=x onerror=alert(1)>")
NOT_NUMBERS = ("NaN", "inf", "-inf")
NOT_UTF8 = b"caf\xe9 \xff".decode("utf-8", "surrogateescape")


@dataclasses.dataclass(frozen=True)
class FaultKind:
    """A kind of fault.

    Attributes:
        name: its name in the ground truth.
        edit: what it does to the cells.
        sales_only: whether it needs a row with a quantity and a price.
        copy: whether the row stays, and the edited copy is put further down.
        ragged: whether the line also loses its last cell, or gains one.
    """

    name: str
    edit: Edit
    sales_only: bool = False
    copy: bool = False
    ragged: bool = False


def _draw(values: tuple[str, ...], rng: np.random.Generator) -> str:
    """Returns one of `values`."""
    return values[int(rng.integers(len(values)))]


def _one_of(column: str, *values: str) -> Edit:
    """Returns an edit that overwrites the column with one of `values`."""

    def edit(row: Row, rng: np.random.Generator) -> str:
        row[column] = _draw(values, rng)
        return column

    return edit


def _number(column: str, low: int, high: int) -> Edit:
    """Returns an edit that overwrites the column with a whole number from `low` to below `high`."""

    def edit(row: Row, rng: np.random.Generator) -> str:
        row[column] = str(int(rng.integers(low, high)))
        return column

    return edit


def _append(column: str, *values: str) -> Edit:
    """Returns an edit that puts one of `values` behind what the column holds."""

    def edit(row: Row, rng: np.random.Generator) -> str:
        row[column] += _draw(values, rng)
        return column

    return edit


def _whole_row(row: Row, rng: np.random.Generator) -> str:
    """Leaves the cells as they are: the line itself is the fault."""
    return ""


def _bad_price(row: Row, rng: np.random.Generator) -> str:
    row["price"] = _draw(("0", "0.0", f"-{row['price']}"), rng)
    return "price"


def _missing_required(row: Row, rng: np.random.Generator) -> str:
    column = _draw(("timestamp", "event"), rng)
    row[column] = ""
    return column


def _unknown_item(row: Row, rng: np.random.Generator) -> str:
    row["item_id"] = f"x{int(rng.integers(UNKNOWN_ITEMS)):05}"
    return "item_id"


def _mistyped_event(row: Row, rng: np.random.Generator) -> str:
    filled = [column for column in ("position", "quantity", "price") if row[column]]
    column = _draw(tuple(filled) or ("position",), rng)
    row[column] = _draw(MISTYPED, rng)
    return column


def _future(row: Row, rng: np.random.Generator) -> str:
    row["timestamp"] = _in_year(2000 + int(rng.integers(70, 99)), row["timestamp"])
    return "timestamp"


def _in_year(year: int, timestamp: str) -> str:
    """Returns the same moment of another year."""
    return f"{year}{timestamp[4:]}".replace("-02-29", "-02-28")


def _moments_later(row: Row, rng: np.random.Generator) -> str:
    before = datetime.datetime.fromisoformat(row["timestamp"])
    later = before + datetime.timedelta(seconds=int(rng.integers(1, 4)))
    row["timestamp"] = later.strftime("%Y-%m-%d %H:%M:%S")
    return "timestamp"


def _conflicting_title(row: Row, rng: np.random.Generator) -> str:
    # Older than the right title, so that "the latest wins" settles a draw.
    row["available_at"] = _in_year(int(row["available_at"][:4]) - 1, row["available_at"])
    row["title"] = _draw(("damaged", "?", "do not use", "wrong label"), rng)
    return "title"


def _script_in_title(row: Row, rng: np.random.Generator) -> str:
    row["title"] = _draw(SCRIPTS, rng) + row["title"]
    return "title"


def _noisy(column: str) -> Edit:
    """Returns an edit that leaves the meaning and changes case and white space."""

    def edit(row: Row, rng: np.random.Generator) -> str:
        value = row[column]
        noisy = (f"  {value.upper()} ", value.lower().replace("/", " / ") + " ", f"\t{value.swapcase()}")
        row[column] = _draw(noisy, rng)
        return column

    return edit


EVENT_FAULTS = (
    FaultKind("exact_duplicate", _whole_row, copy=True),
    FaultKind("near_duplicate", _moments_later, copy=True, sales_only=True),
    FaultKind("missing_item", _one_of("item_id", "")),
    FaultKind("unknown_item", _unknown_item),
    FaultKind("missing_required", _missing_required),
    FaultKind("bad_price", _bad_price, sales_only=True),
    FaultKind("nan_price", _one_of("price", *NOT_NUMBERS), sales_only=True),
    FaultKind("wrong_type", _mistyped_event),
    FaultKind("integer_overflow", _one_of("quantity", str(2**63), str(10**20)), sales_only=True),
    FaultKind("outlier_quantity", _number("quantity", 5_000, 100_000), sales_only=True),
    FaultKind("ragged_row", _whole_row, ragged=True),
    FaultKind("invalid_utf8", _append("query", NOT_UTF8)),
    FaultKind("future_timestamp", _future),
    FaultKind("epoch_timestamp", _one_of("timestamp", "1970-01-01 00:00:00")),
    FaultKind("bad_event", _one_of("event", *BAD_EVENTS)),
)
ITEM_FAULTS = (
    FaultKind("conflicting_title", _conflicting_title, copy=True),
    FaultKind("exact_duplicate", _whole_row, copy=True),
    FaultKind("category_noise", _noisy("category")),
    FaultKind("script_in_title", _script_in_title),
    FaultKind("missing_required", _one_of("title", "")),
    FaultKind("bad_price", _bad_price),
    FaultKind("nan_price", _one_of("price", *NOT_NUMBERS)),
    FaultKind("wrong_type", _one_of("price", *MISTYPED)),
    FaultKind("ragged_row", _whole_row, ragged=True),
    FaultKind("invalid_utf8", _append("description", NOT_UTF8)),
)
USER_FAULTS = (
    FaultKind("exact_duplicate", _whole_row, copy=True),
    FaultKind("country_noise", _noisy("country")),
    FaultKind("wrong_type", _one_of("age", *MISTYPED)),
    FaultKind("outlier_age", _number("age", 150, 1_000)),
    FaultKind("epoch_timestamp", _one_of("joined_at", "1970-01-01 00:00:00")),
    FaultKind("ragged_row", _whole_row, ragged=True),
    FaultKind("invalid_utf8", _append("country", NOT_UTF8)),
)
