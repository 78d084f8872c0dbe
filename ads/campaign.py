"""What an advertiser asks for: what to show, to whom, for how much and until when."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Literal

from aisle.schema import tables
from aisle.schema.errors import InputError

MILLION = 1_000_000
"""Micros in a unit of money, and the whole of a chance in millionths."""
HIGHEST_BID = tables.HIGHEST_BID
_TEXTS = ("campaign_id", "advertiser_id", "item_id", "category", "query", "currency")
_MOMENTS = ("starts_at", "ends_at")
BidKind = Literal["click", "purchase"]


@dataclasses.dataclass(frozen=True)
class Campaign:
    """A row of the table `campaigns`.

    Attributes:
        campaign_id: names it.
        advertiser_id: who pays; no advertiser bids against itself.
        bid: the most to be paid for a click or a purchase, in micros.
        budget: the most to be paid in all, in micros; 0 buys nothing.
        starts_at: when it may be shown first, in microseconds since the epoch.
        ends_at: from when on it isn't shown.
        item_id: what it shows; empty where it shows a category.
        category: a path with `/` between its levels; whatever lies below it is shown, too.
        query: it is shown for this search alone, whatever its case and blanks; empty for all.
        bid_kind: what is paid for.
        frequency_cap: how often one user is shown it in a day; None for no limit.
        currency: of bid and budget.

    Raises:
        InputError: an amount is no whole number or out of range, what is a text or a moment is something else, or it shows
            neither an item nor a category, or both.
    """

    campaign_id: str
    advertiser_id: str
    bid: int
    budget: int
    starts_at: int
    ends_at: int
    item_id: str = ""
    category: str = ""
    query: str = ""
    bid_kind: BidKind = "click"
    frequency_cap: int | None = None
    currency: str = ""

    def __post_init__(self) -> None:
        """Refuses what can't be meant."""
        name = f"campaign {self.campaign_id!r}"
        for told in _TEXTS:  # An id 7 would never be the id "7" of an item, and nothing would be sold.
            if not isinstance(value := getattr(self, told), str):
                raise InputError(f"{name}: {told} is {value!r}, expected a text")
        for told in _MOMENTS:
            if not _is_whole(value := getattr(self, told)):
                raise InputError(
                    f"{name}: {told} is {value!r}, expected a timestamp, or whole microseconds since the epoch"
                )
        whole(self.bid, f"{name}: bid", HIGHEST_BID)
        whole(self.budget, f"{name}: budget", 2**63 - 1)
        if self.frequency_cap is not None:
            whole(self.frequency_cap, f"{name}: frequency_cap", 2**31 - 1, 1)
        if bool(self.item_id) == bool(self.category):
            raise InputError(
                f"{name} names {self.item_id!r} and {self.category!r}: give an item_id or a category"
            )
        if self.bid_kind not in tables.BID_KINDS:
            raise InputError(f"{name}: bid_kind is {self.bid_kind!r}, expected click or purchase")
        if self.ends_at <= self.starts_at:
            raise InputError(f"{name} ends at {self.ends_at}, not after its start at {self.starts_at}")


def whole(value: Any, what: str, most: int, least: int = 0) -> int:
    """Returns an amount that is a whole number within its range.

    Raises:
        InputError: it isn't, such as a float, NaN, or a negative number.
    """
    if not _is_whole(value) or not least <= value <= most:
        raise InputError(f"{what} is {value!r}, expected a whole number from {least} to {most}")
    return int(value)


def _is_whole(value: Any) -> bool:
    # numpy's integers know `__index__` as well; True does, and is none.
    return hasattr(value, "__index__") and not isinstance(value, bool)


def one_currency(campaigns: Iterable[Campaign]) -> str:
    """The currency of all campaigns; empty where there are none.

    Raises:
        InputError: there are several, which no auction can compare.
    """
    currencies = sorted({campaign.currency for campaign in campaigns})
    if len(currencies) > 1:
        named = ", ".join(map(repr, currencies))
        raise InputError(
            f"campaigns in {named}: convert all bids and budgets to one currency, or run a market each"
        )
    return currencies[0] if currencies else ""
