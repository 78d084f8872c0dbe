"""What a ledger of sponsored places does: it keeps each campaign's money for all gateways that share it.

- A show holds what it is expected to cost, price times chance, until its window ends or it is charged: shows that are still
  open don't sell the same money twice.
- What is paid for (a click or a purchase) charges its show once, whatever repeats come: the price, but never more than is left
  of the budget. So no clock, kill or race can spend more than the budget; the last click of a budget may cost less than its
  price.
- What happened after the window is late, and free. What is told late counts by when it happened, for a day after the window.
"""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from aisle.ads.campaign import BidKind
from aisle.gateway.recents.store import TIMEOUT_SECONDS
from aisle.schema.tables import MICROSECONDS_PER_DAY

MOST_MONEY = 2**53 - 1
"""Micros of a budget that a ledger counts: nine billion units of money. Redis compares numbers exactly up to there."""
KEPT = MICROSECONDS_PER_DAY
"""How long after its window a show is known, in microseconds."""
CAPPED = MICROSECONDS_PER_DAY
"""How long a show counts for a frequency cap, in microseconds."""


@dataclasses.dataclass(frozen=True)
class Sale:
    """A place that an auction sold.

    Attributes:
        campaign_id: to whom.
        item_id: what is shown there; an answer shows it once.
        price: of what is paid for, in micros.
        hold: what the show is expected to cost, in micros, the price at most.
        kind: what is paid for.
        until: when the window ends, in microseconds since 1970.
        budget: of the campaign, in micros.
        cap: how often one visitor is shown the campaign in a day; None for no limit.
    """

    campaign_id: str
    item_id: str
    price: int
    hold: int
    kind: BidKind
    until: int
    budget: int
    cap: int | None = None


class Show(NamedTuple):
    """Names a show: an item of an answer."""

    request_id: str
    item_id: str


@dataclasses.dataclass(frozen=True)
class Charge:
    """Something that happened to a show.

    Attributes:
        show: which.
        kind: what happened.
        at: when, in microseconds since 1970.
        budget: of the campaign now, in micros; None where it isn't known, and that of the time of the show counts.
    """

    show: Show
    kind: str
    at: int
    budget: int | None = None


@dataclasses.dataclass(frozen=True)
class Account:
    """A campaign's money, in micros, and its pace.

    Attributes:
        spent: what was charged.
        held: what open shows are expected to cost.
        pace: as `paces.py` writes it; "" before it has.
    """

    spent: int = 0
    held: int = 0
    pace: str = ""


class Changes(NamedTuple):
    """What changed of accounts.

    Attributes:
        life: another one where the ledger has started anew without what it held.
        place: that the accounts go up to.
        last: the last place that there is.
        accounts: by campaign.
    """

    life: str
    place: int
    last: int
    accounts: dict[str, Account]


class Ledger(Protocol):
    """Accounts, shows and charges; each method is atomic, and all but `close` raise StoreDown. Moments are microseconds."""

    async def shown(self, who: str, now: int) -> Mapping[str, int]:
        """How often a visitor was shown each campaign that has a cap, in the last day or in times to come."""

    async def sell(self, request_id: str, who: str, sales: Sequence[Sale], now: int) -> list[bool]:
        """Which of the sales stand: those whose price is left of the budget, and whose cap this visitor hasn't reached.

        A visitor of whom nothing is known, "", is shown no campaign that has a cap. Shows whose window has ended give back
        what they held.
        """

    async def sold(self, shows: Sequence[Show]) -> list[str]:
        """The campaigns of shows; "" of what was no show."""

    async def charge(self, charges: Sequence[Charge]) -> list[int]:
        """What is to be paid, in micros: 0 for what is late, came before, or isn't what is paid for."""

    async def changes(self, place: int) -> Changes:
        """Some of the accounts that changed behind a place, those of the next places first."""

    async def set_paces(self, paces: Mapping[str, tuple[str, str]]) -> None:
        """Gives campaigns a new pace in the place of an old one, where nobody else has: old and new, by campaign."""

    async def bid(self, counts: Mapping[str, int]) -> None:
        """Adds to how often campaigns bid."""

    async def bids(self) -> Mapping[str, int]:
        """How often each campaign bid; those that never did may not be there."""

    async def restore(self, spent: Mapping[str, int]) -> None:
        """Has at least so much be spent: told to each new life of a ledger, which sells nothing before."""

    async def merge(self, session: str, user: str) -> None:
        """Has a user have been shown what a session was."""

    async def forget(self, who: str) -> None:
        """Removes what a visitor was shown."""

    async def close(self) -> None:
        """Ends the connection."""


def open_ledger(
    address: str, folder: pathlib.Path, now: Callable[[], datetime.datetime], timeout: float = TIMEOUT_SECONDS
) -> Ledger:
    """The ledger beside a store of recent events.

    Args:
        address: that `open_store` took.
        folder: the gateway's data folder, which keeps the ledger of `memory`: money outlives the process.
        now: the time in UTC.
        timeout: seconds after which a store is down.
    """
    if address == "memory":
        from aisle.gateway.ads.file_ledger import FileLedger

        return FileLedger(folder / ".ads.db")
    from aisle.gateway.ads.redis_ledger import RedisLedger

    return RedisLedger(address, timeout, lambda: now().timestamp())
