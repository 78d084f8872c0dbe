"""Sells the places of many requests, one after the other, as a gateway does: what a simulator and a replay run.

A charge is known at once here: no show waits for its click, and so nothing is held of a budget. What a campaign may spend of
its budget while the requests last, its plan, goes by time; the pace is kept against that.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from aisle.ads.auction import Sold, Whole, gsp_by_place, vcg
from aisle.ads.campaign import MILLION
from aisle.ads.frequency import shown_within
from aisle.ads.market import Market, Offers
from aisle.ads.paces import SLOTS, AfterAuctions, BySlots, Paces
from aisle.ads.requests import Request, Show, Terms


@dataclasses.dataclass(frozen=True)
class Selling:
    """What was sold.

    Attributes:
        shows: in order.
        bids: [campaigns], in how many auctions each bid.
        bidders: [requests], how many bid for each.
        planned: [campaigns], of each budget while the requests last, in micros.
        without, beside: [requests], nDCG of the page without ads and with them.
    """

    shows: list[Show]
    bids: Whole
    bidders: Whole
    planned: Whole
    without: npt.NDArray[np.float64]
    beside: npt.NDArray[np.float64]


def sell(market: Market, requests: Sequence[Request], terms: Terms, seed: int = 0) -> Selling:
    """Sells the places of requests in the order of their times.

    Whether what is shown is clicked and bought is drawn once for a candidate of a request, whatever the terms: two rules meet
    the same people.

    Args:
        market: the campaigns.
        requests: ascending by time.
        terms: how places are sold.
        seed: of the draws.
    """
    span = (requests[0].at, requests[-1].at + 1) if requests else (0, 1)
    planned = plans(market, *span)
    paces = _paces(market, requests, terms, planned)
    till = _Till(market, terms)
    multipliers = np.ones(len(market))
    shows: list[Show] = []
    bids, bidders = np.zeros(len(market), np.int64), np.zeros(len(requests), np.int64)
    pages = np.ones((2, len(requests)))
    for number, request in enumerate(requests):
        paces.move_to(request.at, multipliers)
        offers = till.offers(request, multipliers)
        bids[offers.campaigns] += 1
        bidders[number] = len(offers.campaigns)
        luck = np.random.default_rng((seed, number)).random((len(request.candidates), 2))
        sold = till.sell(number, request, offers, luck)
        paces.charge(offers.campaigns, sold, multipliers)
        pages[:, number] = _judged(request, [(show.place, show.item_id) for show in sold])
        shows += sold
    return Selling(shows, bids, bidders, planned, *pages)


def plans(market: Market, start: int, end: int) -> Whole:
    """[campaigns] what each may spend of its budget between two moments: as much as lies of its time between them."""
    shares = []
    for campaign in market.campaigns:
        within = min(campaign.ends_at, end) - max(campaign.starts_at, start)
        shares.append(campaign.budget * max(within, 0) // (campaign.ends_at - campaign.starts_at))
    return np.asarray(shares, np.int64)


class _Till:
    """Budgets and caps, and the auction of a request."""

    def __init__(self, market: Market, terms: Terms) -> None:
        self._market, self._terms = market, terms
        self._left = market.budgets()
        self._shown: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self._capped = {one.campaign_id: one.frequency_cap for one in market.campaigns if one.frequency_cap}

    def offers(self, request: Request, multipliers: npt.NDArray[np.float64]) -> Offers:
        """Who may bid: those that are likely enough to be clicked for one of the places."""
        least = min(self._bars(request), default=0.0)
        # What isn't sold stays a candidate: places among them are those of the request.
        may = [
            dataclasses.replace(one, in_stock=False) if one.click < least else one
            for one in request.candidates
        ]
        return self._market.offers(
            may, request.query, request.at, self._left, multipliers, self._seen(request)
        )

    def sell(
        self, number: int, request: Request, offers: Offers, luck: npt.NDArray[np.float64]
    ) -> list[Show]:
        """Sells the places, an item once, and charges what is paid for."""
        clicks = np.asarray([request.candidates[place].click for place in offers.candidates], np.int64)
        fits = clicks >= np.asarray(self._bars(request))[:, None]
        found: dict[str, Show] = {}
        places = self._terms.places_of(request.listed)
        for place, one in zip(places, _auction(offers, fits, places, self._terms), strict=False):
            if one is None:
                continue
            candidate = int(offers.candidates[one.bidder])
            item = request.candidates[candidate].item_id
            if item not in found:
                found[item] = self._show(
                    number, request, int(offers.campaigns[one.bidder]), candidate, place, one, luck
                )
        return list(found.values())

    def _bars(self, request: Request) -> list[float]:
        """[places] the least chance of a click of what may be sold each, in millionths: by what stands there without ads.

        Under VCG all places are sold to those that fit the first one: what one's being there costs the others is known only
        where all may stand at all places.
        """
        terms = self._terms
        listed = [one.click for one in request.candidates[: request.listed]] or [0]
        places = terms.places_of(request.listed)
        held = places[:1] * len(places) if terms.rule == "vcg" else places
        return [terms.floor * listed[min(place, len(listed)) - 1] for place in held]

    def _show(
        self, number: int, request: Request, campaign: int, candidate: int, place: int, sold: Sold,
        luck: npt.NDArray[np.float64],
    ) -> Show:  # fmt: skip
        wanted, asked = request.candidates[candidate], self._market.campaigns[campaign]
        look = self._terms.look(place)
        clicked = bool(luck[candidate, 0] < request.truth[candidate, 0] * look / MILLION)
        purchased = clicked and bool(luck[candidate, 1] < request.truth[candidate, 1])
        paid = sold.price if (clicked if asked.bid_kind == "click" else purchased) else 0
        self._left[campaign] -= paid
        if asked.frequency_cap and request.user:
            self._shown[request.user].append((asked.campaign_id, request.at))
        return Show(
            number, request.at, campaign, wanted.item_id, place, sold.price, max(wanted.click * look // MILLION, 1),
            clicked, purchased, paid,
        )  # fmt: skip

    def _seen(self, request: Request) -> Mapping[str, int]:
        """How often the visitor was shown what has a cap; of nobody's visits it is never known, so that it isn't shown."""
        if not request.user:
            return {name: cap for name, cap in self._capped.items() if cap}
        return shown_within(self._shown.get(request.user, ()), request.at)


def _auction(
    offers: Offers, fits: npt.NDArray[np.bool_], places: Sequence[int], terms: Terms
) -> Sequence[Sold | None]:
    if terms.rule == "vcg":
        return vcg(offers.bids, [terms.look(place) for place in places], terms.reserve)
    return gsp_by_place(offers.bids, fits, offers.candidates, terms.reserve)


def _paces(market: Market, requests: Sequence[Request], terms: Terms, planned: Whole) -> Paces:
    if terms.pacing == "none" or not requests:
        return Paces()
    start = requests[0].at
    length = max(-(-(requests[-1].at + 1 - start) // SLOTS), 1)
    met = np.zeros((len(market), SLOTS), np.int64)
    till, as_they_are = _Till(market, terms), np.ones(len(market))
    for request in requests:
        met[till.offers(request, as_they_are).campaigns, (request.at - start) // length] += 1
    return (
        AfterAuctions(planned, met.sum(1), np.asarray([one.bid for one in market.campaigns]))
        if terms.pacing == "auction"
        else BySlots(planned, met, start, length)
    )


def _judged(request: Request, sold: Sequence[tuple[int, str]]) -> tuple[float, float]:
    """NDCG of the page without what was sold, and with it at its places and nowhere else."""
    own = list(range(request.listed))
    ideal = _dcg(np.sort(request.gains)[::-1][: request.listed])
    if not ideal > 0:
        return 1.0, 1.0
    without = _dcg(request.gains[own]) / ideal
    if not sold:
        return without, without
    rows = {one.item_id: row for row, one in enumerate(request.candidates)}
    paid = {rows[item] for _, item in sold}
    page = [row for row in own if row not in paid]
    for place, item in sold:
        page.insert(place - 1, rows[item])
    return without, _dcg(request.gains[page[: request.listed]]) / ideal


def _dcg(gains: npt.NDArray[np.float64]) -> float:
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())
