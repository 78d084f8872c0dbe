"""Sells places of one answer: whose campaigns may bid, what the auction says, and which of it the ledger lets stand."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence

import numpy as np

from aisle.ads.auction import Sold, Whole, gsp
from aisle.ads.calibration import Surface
from aisle.ads.campaign import MILLION
from aisle.ads.market import Listed, Offers
from aisle.gateway.ads.accounts import Accounts
from aisle.gateway.ads.files import Booked
from aisle.gateway.ads.ledger import Ledger, Sale
from aisle.gateway.ads.options import Selling
from aisle.serving import ItemFact, ScoredItem

ROUNDS = 3
"""Auctions of a request at most: another where sales didn't stand, or too few items were bid for, and others may be now."""
_SPARE = 8
"""Winners beyond the places, in the place of those that would show an item that a better one shows."""

About = Callable[[int | None, Sequence[str]], Awaitable[Mapping[str, ItemFact]]]
"""What is so of items now, by a version and what was told since; of those that are known and may be shown."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request for sponsored places.

    Attributes:
        request_id: of the answer.
        surface: whether the scores are of a search or of recommendations.
        query: what is searched; "" for recommendations.
        who: the visitor; "" where nobody knows.
        version: of the model that scored.
        considered: the model's best items, best first.
        least: the score of the last item that the list has without ads.
        now: microseconds since 1970.
    """

    request_id: str
    surface: Surface
    query: str
    who: str
    version: int | None
    considered: Sequence[ScoredItem]
    least: float
    now: int


@dataclasses.dataclass(frozen=True)
class Placed:
    """An item that was sold a place.

    Attributes:
        item: with its score.
        campaign_id: that pays.
    """

    item: ScoredItem
    campaign_id: str


class Auction:
    """The auctions of one request."""

    def __init__(
        self, booked: Booked, accounts: Accounts, ledger: Ledger, options: Selling, asked: Asked
    ) -> None:
        """Nothing is sold yet."""
        self._booked, self._accounts, self._ledger = booked, accounts, ledger
        self._options, self._asked = options, asked
        # As of now: while the ledger is asked, other campaigns may be booked.
        self._left, self._multipliers = accounts.left(), accounts.multipliers
        if not asked.who:
            self._left[booked.capped] = 0
        # Read where a cap is met: few visitors are at one, and the ledger holds all of them.
        self._shown: Mapping[str, int] = {}
        self._items = {item.item_id: item for item in asked.considered}

    async def sell(self, about: About, places: int) -> list[Placed]:
        """Who is shown, the first place first; raises StoreDown and ServingError."""
        candidates = await self._candidates(about)
        found: list[Placed] = []
        for _ in range(ROUNDS):
            if len(found) >= places or not candidates.items:
                break
            won = self._won(candidates, places - len(found))
            if not won:
                break
            found += await self._stand(won)
            candidates = _without(candidates, {one.item.item_id for one in found})
        return found

    async def _candidates(self, about: About) -> Listed:
        """What some campaign may show, is in stock, and is likely enough to be clicked."""
        asked, booked = self._asked, self._booked
        wanted = [one for one in asked.considered if booked.market.may_show(one.item_id)]
        scores = [one.score for one in wanted]
        clicks = booked.calibration.chances([asked.least, *scores], surface=asked.surface)
        likely = np.flatnonzero(clicks[1:] >= self._options.floor * clicks[0])
        facts = await about(asked.version, [wanted[place].item_id for place in likely])
        able = [place for place in likely if _in_stock(facts.get(wanted[place].item_id))]
        items = [wanted[place].item_id for place in able]
        purchases = booked.calibration.purchases([scores[place] for place in able], surface=asked.surface)
        categories = [facts[item].category for item in items]
        return Listed(items, categories, clicks[1:][able], purchases)

    def _won(self, candidates: Listed, places: int) -> list[tuple[int, Sale]]:
        """What an auction sells, each with the place of its campaign in the market; an item once."""
        asked = self._asked
        offers = self._booked.market.offers_of(
            candidates,
            asked.query,
            asked.now,
            self._left,
            self._multipliers,
            self._shown,
            self._booked.factors[asked.surface],
        )
        found: dict[str, tuple[int, Sale]] = {}
        for sold in gsp(offers.bids, places + _SPARE, self._options.reserve):
            item = candidates.items[offers.candidates[sold.bidder]]
            if item not in found and len(found) < places:
                place = int(offers.campaigns[sold.bidder])
                found[item] = place, self._sale(place, item, sold, offers)
        return list(found.values())

    def _sale(self, place: int, item: str, sold: Sold, offers: Offers) -> Sale:
        campaign = self._booked.market.campaigns[place]
        expected = -(-sold.price * int(offers.bids.quality[sold.bidder]) // MILLION)
        until = self._asked.now + self._options.window(campaign.bid_kind)
        return Sale(
            campaign.campaign_id,
            item,
            sold.price,
            expected,
            campaign.bid_kind,
            until,
            int(self._booked.budgets[place]),
            campaign.frequency_cap,
        )

    async def _stand(self, won: Sequence[tuple[int, Sale]]) -> list[Placed]:
        """Which sales the ledger lets stand; whoever won isn't asked again, nor is its advertiser where it stands."""
        asked, sales = self._asked, [sale for _, sale in won]
        stand = await self._ledger.sell(asked.request_id, asked.who, sales, asked.now)
        if asked.who and any(sale.cap is not None and not so for sale, so in zip(sales, stand, strict=True)):
            self._shown = await self._ledger.shown(asked.who, asked.now)
        found = []
        for (place, sale), stands in zip(won, stand, strict=True):
            out: Whole = self._booked.market.of_same_advertiser(place) if stands else np.asarray([place])
            self._left[out] = 0
            if stands:
                self._accounts.hold(sale.campaign_id, sale.hold)
                found.append(Placed(self._items[sale.item_id], sale.campaign_id))
        return found


def _in_stock(fact: ItemFact | None) -> bool:
    return fact is not None and not fact.sold_out


def _without(listed: Listed, gone: set[str]) -> Listed:
    """Candidates without some items."""
    kept = [place for place, item in enumerate(listed.items) if item not in gone]
    items, categories = ([column[place] for place in kept] for column in (listed.items, listed.categories))
    return Listed(items, categories, listed.click[kept], listed.purchase[kept])
