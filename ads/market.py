"""Which campaigns may bid for a request, and with what."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from aisle.ads.auction import Bids, Whole
from aisle.ads.campaign import MILLION, Campaign, one_currency, whole
from aisle.ads.targets import Targets
from aisle.schema.errors import InputError


@dataclasses.dataclass(frozen=True)
class Candidate:
    """An item that may be shown to this user now.

    Attributes:
        item_id: the item.
        category: its path.
        click: the chance of a click at the first place, in millionths, at least 1.
        purchase: the chance of a purchase after a click, in millionths, at least 1.
        in_stock: whether it can be sold; what is sold out isn't advertised.
    """

    item_id: str
    category: str
    click: int
    purchase: int = MILLION
    in_stock: bool = True

    def __post_init__(self) -> None:
        """Refuses what is no chance."""
        whole(self.click, f"item {self.item_id!r}: chance of a click in millionths", MILLION, 1)
        whole(self.purchase, f"item {self.item_id!r}: chance of a purchase in millionths", MILLION, 1)


@dataclasses.dataclass(frozen=True)
class Listed:
    """Candidates in columns, best first, all of them in stock: quicker to read than one by one.

    Attributes:
        items: [candidates], their ids, each once.
        categories: [candidates], their paths.
        click: [candidates], as of `Candidate`.
        purchase: [candidates], as of `Candidate`.
    """

    items: Sequence[str]
    categories: Sequence[str]
    click: Whole
    purchase: Whole


@dataclasses.dataclass(frozen=True)
class Offers:
    """What may be auctioned for a request: one campaign of each advertiser at most.

    Attributes:
        campaigns: [offers], the places of the campaigns in the market.
        candidates: [offers], the place of the candidate that each would show.
        bids: [offers], in the same order.
    """

    campaigns: Whole
    candidates: Whole
    bids: Bids


class Market:
    """All campaigns of a shop, indexed by what they target.

    Args:
        campaigns: in the order that breaks ties: of equal offers the first one wins.

    Raises:
        InputError: two have one id, or they are of several currencies.
    """

    def __init__(self, campaigns: Sequence[Campaign]) -> None:
        names = collections.Counter(campaign.campaign_id for campaign in campaigns)
        if twice := sorted(name for name, count in names.items() if count > 1):
            raise InputError(
                f"campaigns {', '.join(twice[:5])} come twice: give each row of campaigns its own id"
            )
        self.currency = one_currency(campaigns)
        self.campaigns = tuple(campaigns)
        self._places = {campaign.campaign_id: place for place, campaign in enumerate(campaigns)}
        self._bids = _column(campaign.bid for campaign in campaigns)
        self._starts = _column(campaign.starts_at for campaign in campaigns)
        self._ends = _column(campaign.ends_at for campaign in campaigns)
        self._moments = np.unique([self._starts, self._ends])
        self._running: tuple[int, npt.NDArray[np.bool_]] | None = None
        self._per_purchase = np.asarray([c.bid_kind == "purchase" for c in campaigns], bool)
        who, of_campaign = np.unique([one.advertiser_id for one in campaigns], return_inverse=True)
        self._advertisers, self._advertiser_count = of_campaign.reshape(-1), len(who)
        self._targets = Targets(campaigns)

    def __len__(self) -> int:
        """How many campaigns there are."""
        return len(self.campaigns)

    def place(self, campaign_id: str) -> int:
        """Where a campaign is in `campaigns`, and in all arrays of them.

        Raises:
            KeyError: there is none of that id.
        """
        return self._places[campaign_id]

    def find(self, campaign_id: str) -> int | None:
        """As `place`; None where there is none of that id."""
        return self._places.get(campaign_id)

    def of_same_advertiser(self, place: int) -> Whole:
        """The places of all campaigns of the advertiser of one, that one among them."""
        return np.flatnonzero(self._advertisers == self._advertisers[place])

    def capped(self, shown: Mapping[str, int]) -> Whole:
        """The places of the campaigns that a user was shown as often as they may be.

        Args:
            shown: how often this user was shown each today.
        """
        places = ((self._places.get(name), times) for name, times in shown.items())
        caps = (
            (place, self.campaigns[place].frequency_cap, times)
            for place, times in places
            if place is not None
        )
        return _column(place for place, cap, times in caps if cap is not None and times >= cap)

    def may_show(self, item_id: str) -> bool:
        """Whether any campaign may target an item, whatever its category."""
        return self._targets.may_show(item_id)

    def budgets(self) -> Whole:
        """[campaigns], in micros: what is left before anything was spent."""
        return _column(campaign.budget for campaign in self.campaigns)

    def offers(
        self,
        candidates: Sequence[Candidate],
        query: str,
        now: int,
        left: Whole,
        multipliers: npt.NDArray[np.float64] | None = None,
        shown: Mapping[str, int] | None = None,
        factors: npt.NDArray[np.float64] | None = None,
    ) -> Offers:
        """Who may bid for a request.

        A campaign of a category shows the first candidate in it. What is bid never exceeds what is left of the budget.

        Args:
            candidates: best first.
            query: what is searched; empty for recommendations, which no campaign with a query is shown with.
            now: the moment, in microseconds since the epoch.
            left: [campaigns], of each budget, less what is owed for shows that may still be clicked, in micros.
            multipliers: [campaigns], from 0 to 1, by pacing; None leaves all bids as they are.
            shown: how often this user was shown each campaign today.
            factors: [2, campaigns], of the odds of a click and of a purchase after it, by `Calibration.factors`; None leaves
                all chances as they are.

        Raises:
            InputError: there aren't as many budgets, multipliers or factors as there should be, a multiplier isn't from 0 to
                1, or a factor isn't above 0.
        """
        able = [number for number, one in enumerate(candidates) if one.in_stock]
        chances = (
            _column(getattr(candidates[number], key) for number in able) for key in ("click", "purchase")
        )
        items, categories = (
            [getattr(candidates[number], key) for number in able] for key in ("item_id", "category")
        )
        listed = Listed(items, categories, *chances)
        amounts, out = self.amounts(left, multipliers), [self.capped(shown or {})]
        found = self.offers_of(listed, query, now, amounts, out, factors)
        return dataclasses.replace(found, candidates=np.asarray(able, np.int64)[found.candidates])

    def amounts(self, left: Whole, multipliers: npt.NDArray[np.float64] | None = None) -> Whole:
        """[campaigns] what each bids: its bid times its multiplier, but no more than is left; nothing, or less, where none is.

        Args:
            left: as of `offers`.
            multipliers: as of `offers`.

        Raises:
            InputError: as `offers`.
        """
        return np.minimum(self._paced(multipliers), self._fits(left, "budgets left"))

    def amount(self, place: int, left: int, multiplier: float) -> int:
        """The same of one campaign."""
        return min(int(self._bids[place] * multiplier), left)

    def offers_of(
        self,
        listed: Listed,
        query: str,
        now: int,
        amounts: Whole,
        out: Sequence[Whole] = (),
        factors: npt.NDArray[np.float64] | None = None,
    ) -> Offers:
        """As `offers`, of candidates in columns, and of amounts that are known.

        Args:
            listed: the candidates.
            query: as of `offers`.
            now: as of `offers`.
            amounts: [campaigns], what each bids at most, by `amounts`.
            out: the places of campaigns that don't bid.
            factors: as of `offers`.
        """
        first = self._targets.first(listed.items, listed.categories, query)
        may = (first >= 0) & self._run(now)
        for places in out:
            may[places] = False
        places = np.flatnonzero(may)
        bids = amounts[places]
        if not (bids > 0).all():
            places, bids = places[bids > 0], bids[bids > 0]
        chosen = first[places]
        quality = self._quality(listed, places, chosen, factors)
        best = self._one_of_each_advertiser(places, bids * quality)
        return Offers(places[best], chosen[best].astype(np.int64), Bids(bids[best], quality[best]))

    def _quality(
        self,
        listed: Listed,
        places: Whole,
        chosen: npt.NDArray[np.int32],
        factors: npt.NDArray[np.float64] | None,
    ) -> Whole:
        """[offers] the chance of what each pays for, in millionths."""
        beside = None if factors is None else self._beside(factors)[:, places]
        click = listed.click[chosen]
        if beside is not None:
            click = _times_odds(click, beside[0])
        per_purchase = self._per_purchase[places]
        if not per_purchase.any():
            return click
        purchase = listed.purchase[chosen]
        if beside is not None:
            purchase = _times_odds(purchase, beside[1])
        # Whoever bids for a purchase pays for one: its chance is that of a click and of a purchase after it.
        return np.where(per_purchase, np.maximum(click * purchase // MILLION, 1), click)

    def _run(self, now: int) -> npt.NDArray[np.bool_]:
        """[campaigns] which may be shown at a moment: looked up once until the next one starts or ends."""
        passed = int(np.searchsorted(self._moments, now, side="right"))
        if self._running is None or self._running[0] != passed:
            self._running = passed, (self._starts <= now) & (now < self._ends)
        return self._running[1]

    def _paced(self, multipliers: npt.NDArray[np.float64] | None) -> Whole:
        """What each campaign would bid."""
        if multipliers is None:
            return self._bids
        factors = self._fits(multipliers, "multipliers")
        if not ((factors >= 0) & (factors <= 1)).all():
            raise InputError(
                f"multipliers from {factors.min()} to {factors.max()}, expected numbers from 0 to 1"
            )
        return (self._bids * factors).astype(np.int64)

    def _beside(self, factors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What campaigns do to the odds."""
        if factors.shape != (2, len(self)):
            raise InputError(f"factors: shape {factors.shape}, expected two a campaign, {(2, len(self))}")
        if not (np.isfinite(factors) & (factors > 0)).all():
            raise InputError(f"factors from {factors.min()} to {factors.max()}, expected numbers above 0")
        return factors

    def _fits(self, values: npt.NDArray, what: str) -> npt.NDArray:
        if values.shape != self._bids.shape:
            raise InputError(f"{what}: shape {values.shape}, expected one a campaign, {self._bids.shape}")
        return values

    def _one_of_each_advertiser(self, places: Whole, scores: Whole) -> Whole:
        """The offer of the highest score of each, the first of equal ones: nobody bids against itself."""
        advertisers = self._advertisers[places]
        highest = np.zeros(self._advertiser_count, np.int64)
        np.maximum.at(highest, advertisers, scores)
        best = np.flatnonzero(scores == highest[advertisers])
        # Written backwards, so that the first of equal offers stands in the end: no sorting.
        first = highest
        first[advertisers[best[::-1]]] = best[::-1]
        return best[first[advertisers[best]] == best]


def at_odds(chances: npt.NDArray[np.float64], factors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """[n] chances, 0 to 1, of odds so many times as high; a factor is above 0."""
    return np.asarray(chances * factors / (1 - chances + chances * factors), np.float64)


def _times_odds(chances: Whole, factors: npt.NDArray[np.float64]) -> Whole:
    """The same of whole millionths."""
    found = np.rint(at_odds(chances / MILLION, factors) * MILLION)
    return np.clip(found, 1, MILLION).astype(np.int64)


def _column(values: Iterator[int]) -> Whole:
    return np.fromiter(values, np.int64)
