"""Sells places of one answer: whose campaigns may bid, what the auction says, and which of it the ledger lets stand."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from aisle.ads.auction import Sold, Whole, gsp_by_place
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
        bars: the scores of what stands without ads at each place that is for sale, the first one first.
        now: microseconds since 1970.
    """

    request_id: str
    surface: Surface
    query: str
    who: str
    version: int | None
    considered: Sequence[ScoredItem]
    bars: Sequence[float]
    now: int


class Placed(NamedTuple):
    """An item that was sold a place.

    Attributes:
        item: with its score.
        campaign_id: that pays.
        place: which of those for sale, from 0.
    """

    item: ScoredItem
    campaign_id: str
    place: int


class _Won(NamedTuple):
    """A place for sale, the place in the market of the campaign that won it, and for what."""

    place: int
    campaign: int
    sale: Sale


class Auction:
    """The auctions of one request.

    Attributes:
        bidders: the places in the market of the campaigns that bid in each of them.
    """

    def __init__(
        self, booked: Booked, accounts: Accounts, ledger: Ledger, options: Selling, asked: Asked
    ) -> None:
        """Nothing is sold yet."""
        self._booked, self._accounts, self._ledger = booked, accounts, ledger
        self._options, self._asked = options, asked
        # Those of these campaigns: while the ledger is asked, others may be booked.
        self._amounts = accounts.amounts
        self._out: list[Whole] = [] if asked.who else [booked.capped]
        self._bars, self._clicks = np.zeros(len(asked.bars)), dict[str, int]()
        self._items = {item.item_id: item for item in asked.considered}
        self.bidders: list[Whole] = []

    async def sell(self, about: About) -> list[Placed]:
        """Who is shown, the first place first; raises StoreDown and ServingError."""
        candidates = await self._candidates(about)
        found: list[Placed] = []
        free = list(range(len(self._asked.bars)))
        for _ in range(ROUNDS):
            won = self._won(candidates, free)
            if not won:
                break
            found += await self._stand(won)
            free = [place for place in free if place not in {one.place for one in found}]
            if not free:
                break
            candidates = _without(candidates, {one.item.item_id for one in found})
        return self._placed(found)

    async def _candidates(self, about: About) -> Listed:
        """What some campaign may show, is in stock, and is likely enough to be clicked to stand at some place."""
        asked, booked = self._asked, self._booked
        wanted = [one for one in asked.considered if booked.market.may_show(one.item_id)]
        scores = [one.score for one in wanted]
        clicks = booked.calibration.chances([*asked.bars, *scores], surface=asked.surface)
        count = len(asked.bars)
        # What is likely enough for a place is so for all below it, whatever stands there.
        self._bars = np.minimum.accumulate(self._options.floor * clicks[:count])
        clicks = clicks[count:]
        likely = np.flatnonzero(clicks >= self._bars.min()).tolist()
        facts = await about(asked.version, [wanted[place].item_id for place in likely])
        able = [place for place in likely if _in_stock(facts.get(wanted[place].item_id))]
        items = [wanted[place].item_id for place in able]
        purchases = booked.calibration.purchases([scores[place] for place in able], surface=asked.surface)
        categories = [facts[item].category for item in items]
        self._clicks = dict(zip(items, clicks[able].tolist(), strict=True))
        return Listed(items, categories, clicks[able], purchases)

    def _placed(self, sold: Sequence[Placed]) -> list[Placed]:
        """What was sold first stands first, also where somebody's above it didn't stand, as far as it is likely enough."""
        free, found = list(range(len(self._bars))), []
        for one in sold:
            clicks = self._clicks[one.item.item_id]
            place = next(place for place in free if clicks >= self._bars[place])
            free.remove(place)
            found.append(one._replace(place=place))
        return sorted(found, key=lambda one: one.place)

    def _won(self, candidates: Listed, free: Sequence[int]) -> list[_Won]:
        """What an auction sells of the places that are free."""
        if not candidates.items:
            return []
        asked = self._asked
        offers = self._booked.market.offers_of(
            candidates,
            asked.query,
            asked.now,
            self._amounts,
            self._out,
            self._booked.factors[asked.surface],
        )
        self.bidders.append(offers.campaigns)
        fits = candidates.click[offers.candidates] >= self._bars[free][:, None]
        sold = gsp_by_place(offers.bids, fits, offers.candidates, self._options.reserve)
        return [
            _Won(place, int(offers.campaigns[one.bidder]), self._sale(candidates, one, offers))
            for place, one in zip(free, sold, strict=True)
            if one is not None
        ]

    def _sale(self, candidates: Listed, sold: Sold, offers: Offers) -> Sale:
        place = int(offers.campaigns[sold.bidder])
        campaign = self._booked.market.campaigns[place]
        expected = -(-sold.price * int(offers.bids.quality[sold.bidder]) // MILLION)
        until = self._asked.now + self._options.window(campaign.bid_kind)
        return Sale(
            campaign.campaign_id,
            candidates.items[offers.candidates[sold.bidder]],
            sold.price,
            expected,
            campaign.bid_kind,
            until,
            int(self._booked.budgets[place]),
            campaign.frequency_cap,
        )

    async def _stand(self, won: Sequence[_Won]) -> list[Placed]:
        """Which sales the ledger lets stand; whoever won isn't asked again, nor is its advertiser where it stands."""
        asked, sales = self._asked, [one.sale for one in won]
        stand = await self._ledger.sell(asked.request_id, asked.who, sales, asked.now)
        if asked.who and any(sale.cap is not None and not so for sale, so in zip(sales, stand, strict=True)):
            # Read where a cap is met: few visitors are at one, and the ledger holds all of them.
            shown = await self._ledger.shown(asked.who, asked.now)
            self._out.append(self._booked.market.capped(shown))
        found = []
        for one, stands in zip(won, stand, strict=True):
            same = self._booked.market.of_same_advertiser
            self._out.append(same(one.campaign) if stands else np.asarray([one.campaign]))
            if stands:
                self._accounts.hold(one.sale.campaign_id, one.sale.hold)
                found.append(Placed(self._items[one.sale.item_id], one.sale.campaign_id, one.place))
        return found


def _in_stock(fact: ItemFact | None) -> bool:
    return fact is not None and not fact.sold_out


def _without(listed: Listed, gone: set[str]) -> Listed:
    """Candidates without some items."""
    kept = [place for place, item in enumerate(listed.items) if item not in gone]
    items, categories = ([column[place] for place in kept] for column in (listed.items, listed.categories))
    return Listed(items, categories, listed.click[kept], listed.purchase[kept])
