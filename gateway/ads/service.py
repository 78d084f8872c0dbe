"""Sponsored places of a gateway: sold in lists and alone, paced, charged."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from aisle.ads.calibration import Surface
from aisle.ads.campaign import Campaign
from aisle.ads.unsold import of_unknown_items, unsold
from aisle.gateway.ads import pace
from aisle.gateway.ads.accounts import Accounts
from aisle.gateway.ads.bidders import Bidders
from aisle.gateway.ads.charging import Charging
from aisle.gateway.ads.files import LOOK_SECONDS, Booked, Files
from aisle.gateway.ads.ledger import Account, Ledger
from aisle.gateway.ads.options import Selling
from aisle.gateway.ads.placing import open_places, placed, sponsored
from aisle.gateway.ads.selling import About, Asked, Auction, Placed
from aisle.gateway.events import microseconds
from aisle.gateway.questions import Answer, Listing, Search
from aisle.gateway.recents.store import StoreDown, visitor
from aisle.gateway.stages import stage
from aisle.serving import ServingError

CHUNK = 1_000
"""Items that are asked about at once."""
PACE_SECONDS = 30.0
"""How often it is looked which paces are to move."""
SURFACES: dict[str, Surface] = {"search": "search", "recommend": "recommend"}
"""The routes whose lists have places to sell."""
Ask = Callable[[], Awaitable[Answer]]


class Money(NamedTuple):
    """What became of a campaign so far: its account, its bids' multiplier, and in how many auctions it bid."""

    campaign: Campaign
    account: Account
    multiplier: float
    bids: int


class Ads:
    """Sells places by a table of campaigns.

    Attributes:
        options: of the shop.
        charging: has what happens be paid for.
        observe: told the seconds that selling took.
        shows: how many places were sold.
    """

    def __init__(
        self, files: Files, ledger: Ledger, options: Selling, about: About, now: Callable[[], datetime]
    ) -> None:
        """Nothing runs yet, see `running`.

        Args:
            files: the campaigns.
            ledger: the caller's to close.
            options: of the shop.
            about: tells what is so of items.
            now: the time in UTC.
        """
        self._files, self._ledger, self._about, self._now = files, ledger, about, now
        # The version that answered last, and that whose items the campaigns were held against.
        self._version: int | None = None
        self._looked: tuple[int | None, Booked] | None = None
        self._accounts, self._bidders = Accounts(ledger, files.booked), Bidders(ledger, files.booked)
        self.options, self.charging = options, Charging(ledger, self._budget)
        self.observe: Callable[[float], None] = lambda _: None
        self.shows = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follows the files and the ledger, and moves paces."""
        self._tell(unsold(self._booked.market.campaigns, microseconds(self._now())))
        await self._accounts.meet()
        background = asyncio.gather(self._accounts.run(), self._follow(), self._pace())
        try:
            yield
        finally:
            background.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await background
            await self._bidders.tell()

    def considers(self, asked: Listing) -> int:
        """How many of a question's best items are to be considered for its sponsored places.

        None of a search of nothing: its scores say what sells, and are no chances of a click.
        """
        searched = asked.query.strip() if isinstance(asked, Search) else True
        return self.options.candidates if searched and getattr(asked, "sponsored", False) else 0

    async def answered(self, route: str, asked: Listing, ask: Ask) -> Answer:
        """What `ask` answers, with its sponsored places sold; as it is where nothing is."""
        if route not in SURFACES or not self.considers(asked):
            return await ask()
        answer = await ask()
        # An arm may have set another k: a list that could be longer is full.
        full = len(answer.considered) > len(answer.items)
        return await self.in_list(route, asked, answer, len(answer.items) if full else asked.k)

    async def in_list(self, route: str, asked: Listing, answer: Answer, most: int) -> Answer:
        """An answer with its sponsored places sold.

        Args:
            route: that answered.
            asked: the question.
            answer: to it, with what was considered.
            most: items of the list, at most.
        """
        started = time.perf_counter()
        places = open_places(self.options.places, len(answer.items), most)
        sold = await self._sold(SURFACES[route], asked, answer, places)
        found = placed(answer, sold, places, most)
        self.observe(time.perf_counter() - started)
        return found

    async def alone(self, route: str, asked: Listing, slots: int, ask: Ask) -> Answer:
        """The sponsored items of so many slots, without the list that `ask` answers."""
        answer = await ask()
        sold = await self._sold(SURFACES[route], asked, answer, range(1, slots + 1))
        return answer.model_copy(update={"items": [sponsored(one) for one in sold]})

    async def money(self) -> tuple[list[Money], bool]:
        """Each campaign's money, and whether the ledger answers."""
        met, bids = await self._accounts.meet(), dict[str, int]()
        with contextlib.suppress(StoreDown):
            await self._bidders.tell()
            bids |= await self._ledger.bids()
        kept = self._booked.market.campaigns
        accounts = [self._accounts.known.get(one.campaign_id, Account()) for one in kept]
        counts = [bids.get(one.campaign_id, 0) for one in kept]
        multipliers = self._accounts.multipliers.tolist()
        return [Money(*one) for one in zip(kept, accounts, multipliers, counts, strict=True)], met

    @property
    def _booked(self) -> Booked:
        return self._files.booked

    async def _sold(
        self, surface: Surface, asked: Listing, answer: Answer, places: Sequence[int]
    ) -> list[Placed]:
        """What was sold; nothing where the ledger is down, or the list has no score to hold others against."""
        scores = [item.score for item in answer.items if item.score is not None]
        if not (scores and places):
            return []
        considered = [one for one in answer.considered if math.isfinite(one.score)]
        request = Asked(
            answer.request_id,
            surface,
            getattr(asked, "query", ""),
            visitor(asked.user_id, asked.session_id),
            answer.version,
            considered,
            [scores[min(place, len(scores)) - 1] for place in places],
            microseconds(self._now()),
        )
        with stage("ads"):
            booked = self._booked
            auction = Auction(booked, self._accounts, self._ledger, self.options, request)
            try:
                sold = await auction.sell(self._about)
            except (StoreDown, ServingError) as error:  # The list is whole without.
                logging.getLogger(__name__).warning("no place of a list was sold: %s", error)
                return []
        self._version = answer.version
        self._bidders.count(booked, auction.bidders)
        self.shows += len(sold)
        return sold

    def _budget(self, campaign_id: str) -> int | None:
        place = self._booked.market.find(campaign_id)
        return None if place is None else int(self._booked.budgets[place])

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if await self._files.look():
                self._accounts.book(self._booked)
                self._tell(unsold(self._booked.market.campaigns, microseconds(self._now())))
            await self.look_for_strangers()

    async def look_for_strangers(self) -> None:
        """Tells, once of each version and table, which campaigns show items that the version doesn't know."""
        version, booked = self._version, self._booked
        if version is None or self._looked == (version, booked):
            return
        campaigns, known = booked.market.campaigns, set[str]()
        items = sorted({one.item_id for one in campaigns if one.item_id})
        with contextlib.suppress(ServingError):  # The next look may be answered.
            for start in range(0, len(items), CHUNK):
                known |= (await self._about(version, items[start : start + CHUNK])).keys()
            self._looked = version, booked
            self._tell(of_unknown_items(campaigns, known, microseconds(self._now())))

    @staticmethod
    def _tell(line: str) -> None:
        if line:
            logging.getLogger(__name__).warning("--campaigns: %s", line)

    async def _pace(self) -> None:
        while True:
            await asyncio.sleep(PACE_SECONDS)
            await self.move_paces()
            await self._bidders.tell()

    async def move_paces(self) -> None:
        """Moves the paces that are to move, unless the ledger is down."""
        await self._accounts.meet()
        now, campaigns = microseconds(self._now()), self._booked.market.campaigns
        moved = await pace.moved(campaigns, self._accounts.known, now)
        with contextlib.suppress(StoreDown):
            await self._ledger.set_paces(moved)
            await self._accounts.meet()
