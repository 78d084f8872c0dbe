"""The report `ads`, as `cli/ads/summary.py` gives it; money in units of the currency."""

from __future__ import annotations

from typing import Literal

from aisle.components.reports.schemas.record import Record


class Terms(Record):
    """How places were sold."""

    rule: Literal["gsp", "vcg", "second-price"]
    reserve: int
    """The least that a million shows had to bring, in micros."""
    pacing: Literal["auction", "slot", "none"]
    floor: float
    """Of the chance of a click of what stands at a place without ads: what was less likely wasn't sold the place."""
    places: list[int]
    """Of a page, from 1."""


class Prices(Record):
    """What was paid on average; null where nothing was."""

    click: float | None
    purchase: float | None
    thousand_shows: float | None


class Spend(Record):
    """All campaigns' money."""

    planned: float
    """The parts of the budgets whose time the pages take."""
    spent: float
    of_plan: float | None
    over_budget: int
    """Campaigns that spent more than the budget."""
    spent_out: int
    """Campaigns that spent 95 % of the plan or more."""
    never_shown: int
    """Campaigns."""


class Campaign(Record):
    """A campaign's money and luck."""

    campaign_id: str
    advertiser_id: str
    bid_kind: Literal["click", "purchase"]
    bids: int | None
    """Auctions in which it bid; null where a gateway doesn't tell."""
    bid: float
    budget: float
    planned: float
    spent: float
    of_plan: float | None
    shows: int
    win_rate: float | None
    """Shows by bids; null where it never bid, or nobody knows."""
    clicks: int
    purchases: int
    paid: int
    """The clicks or purchases that it paid for."""
    price: float | None
    """Of one of them, on average."""


class Against(Record):
    """Clicks that were predicted, against those that came."""

    shows: int
    predicted: float
    observed: int
    ratio: float | None
    """Predicted over observed; null where none came."""


class OfAdvertiser(Against):
    """The same of an advertiser."""

    advertiser_id: str


class Calibration(Against):
    """How right the chances were of what won."""

    error: float | None
    """The expected calibration error over tenths of the chances."""
    tenths: list[Against]
    """Of the chances, the lowest first."""
    advertisers: list[OfAdvertiser]
    """The most shows first; at most 100."""


class Relevance(Record):
    """What the answers were worth: the mean nDCG of the pages."""

    without: float
    """Ads."""
    beside: float
    """Them, at their places."""
    given_up: float
    """As a share of that without; below 0 where ads made pages better."""


class Ads(Record):
    """What sponsored places brought, and what they cost the answers."""

    version: Literal[1]
    source: Literal["simulation", "replay", "log"]
    currency: str
    terms: Terms | None
    """Null of a log, which doesn't tell."""
    requests: int
    """Pages."""
    auctions: int | None
    """Pages for which somebody bid; null of a log."""
    campaigns_in_all: int
    bids: int | None
    shows: int
    clicks: int
    purchases: int
    revenue: float
    win_rate: float | None
    prices: Prices
    spend: Spend
    campaigns: list[Campaign]
    """The greatest spend first; at most 100."""
    calibration: Calibration
    relevance: Relevance
