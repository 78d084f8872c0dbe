"""What a simulated shop's advertisers ask for, and what it is worth to them."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aisle.datasets.simulator.behaviour import CHECKOUT, cart_probability
from aisle.datasets.simulator.catalogue import Catalogue, Ints
from aisle.datasets.simulator.options import SimulatorOptions
from aisle.datasets.simulator.people import People
from aisle.datasets.simulator.relevance import Queries
from aisle.datasets.simulator.slates import Impressions
from aisle.datasets.simulator.visits import Pages
from aisle.schema.tables import BID_KINDS

ITEM_SHARE = 0.7
"""Of the campaigns that show an item; the others show a category."""
QUERY_SHARE = 0.25
"""Of those, that are for one query."""
PURCHASE_SHARE = 0.25
"""Of the campaigns that pay for purchases; the others pay for clicks."""
WHOLE_SHARE = 0.6
"""Of the campaigns that run from the first day to beyond the last one."""
CAPPED_SHARE = 0.3
PER_ADVERTISER = 3.0
"""Campaigns of an advertiser, on average."""
MARGIN = (0.1, 0.4)
"""Of a purchase, as a share of its price: what it is worth."""
SHADED = (0.5, 1.0)
"""A bid, as a share of the value."""
MICROS = 1_000_000


@dataclasses.dataclass(frozen=True)
class Campaigns:
    """What advertisers ask for.

    Attributes:
        table: the canonical table `campaigns`.
        truth: `campaign_id`, and the `value` of what is bid for, in micros: what no table of a shop holds.
    """

    table: pl.DataFrame
    truth: pl.DataFrame


def make_campaigns(
    options: SimulatorOptions, catalogue: Catalogue, people: People, pages: Pages, queries: Queries,
    shown: Impressions, rng: np.random.Generator,
) -> Campaigns:  # fmt: skip
    """Returns `options.campaigns` campaigns.

    A purchase is worth a margin of its price, and a click that times how often a click on the item becomes one. Bids are
    below the value, and budgets of every size: some last, and some are gone on the first day.
    """
    n = options.campaigns
    item = rng.choice(len(catalogue.leaf), n, p=_popular(catalogue))
    shows_item = rng.random(n) < ITEM_SHARE
    for_purchase = rng.random(n) < PURCHASE_SHARE
    value = catalogue.price[item] * rng.uniform(*MARGIN, n) * MICROS
    value *= np.where(for_purchase, 1.0, _conversion(catalogue, people, pages, shown)[item])
    bid = np.maximum(value * rng.uniform(*SHADED, n), 1).astype(np.int64)
    budget = (bid * rng.lognormal(np.log(np.where(for_purchase, 2, 15)), 1.0)).astype(np.int64)
    starts, ends = _times(options, n, rng)
    names = catalogue.table["item_id"].gather(item), catalogue.table["category"].gather(item)
    ids = pl.Series([f"c{number:04d}" for number in range(n)], dtype=pl.String)
    advertisers = rng.integers(max(round(n / PER_ADVERTISER), 1), size=n)
    told = {
        "campaign_id": ids,
        "advertiser_id": [f"a{number:03d}" for number in advertisers],
        "item_id": _where(shows_item, names[0]),
        "category": _where(~shows_item, names[1]),
        "query": _queries(catalogue, pages, queries, item, shows_item & (rng.random(n) < QUERY_SHARE), rng),
        "bid": bid,
        "bid_kind": pl.Series(BID_KINDS).gather(for_purchase.astype(np.int64)),
        "budget": budget,
        "starts_at": pl.from_epoch(pl.Series(starts, dtype=pl.Int64), time_unit="s"),
        "ends_at": pl.from_epoch(pl.Series(ends, dtype=pl.Int64), time_unit="s"),
        "frequency_cap": _where(rng.random(n) < CAPPED_SHARE, pl.Series(rng.integers(1, 6, n))),
        "currency": ["EUR"] * n,
    }
    return Campaigns(pl.DataFrame(told), pl.DataFrame({"campaign_id": ids, "value": value.astype(np.int64)}))


def _popular(catalogue: Catalogue) -> NDArray[np.float64]:
    weights = np.exp(catalogue.popularity.astype(np.float64))
    found: NDArray[np.float64] = weights / weights.sum()
    return found


def _conversion(
    catalogue: Catalogue, people: People, pages: Pages, shown: Impressions
) -> NDArray[np.float64]:
    """[items] how often a click becomes a purchase, of who is shown the item; that of all items for one never shown."""
    bought = CHECKOUT * cart_probability(catalogue, people, pages.user[shown.page], shown.item)
    count = np.bincount(shown.item, minlength=len(catalogue.leaf))
    total = np.bincount(shown.item, bought, len(catalogue.leaf))
    found: NDArray[np.float64] = np.where(count > 0, total / np.maximum(count, 1), bought.mean())
    return found


def _times(options: SimulatorOptions, n: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """The first and the last second of each campaign, whole days."""
    whole = rng.random(n) < WHOLE_SHARE
    first = np.where(whole, 0, rng.integers(options.days, size=n))
    length = rng.integers(7, 31, size=n)
    last = np.where(whole, options.days + length, first + length)
    return options.start_seconds + first * 86_400, options.start_seconds + last * 86_400


def _queries(
    catalogue: Catalogue, pages: Pages, queries: Queries, item: Ints, wanted: NDArray[np.bool_],
    rng: np.random.Generator,
) -> pl.Series:  # fmt: skip
    """A query that was searched for each item's kind, where one is wanted and there is any."""
    searched = np.flatnonzero(pages.searched)
    found: list[str | None] = []
    for one, is_wanted in zip(item, wanted, strict=True):
        same = searched[pages.noun[searched] == catalogue.noun[one]] if is_wanted else searched[:0]
        found.append(queries.texts[queries.of_page[rng.choice(same)]] if len(same) else None)
    return pl.Series(found, dtype=pl.String)


def _where(holds: NDArray[np.bool_], values: pl.Series) -> pl.Series:
    return pl.select(pl.when(pl.Series(holds)).then(values)).to_series()
