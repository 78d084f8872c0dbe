"""The pages of a simulated shop as requests for sponsored places, with the chances that decide what happens."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aisle.ads.campaign import MILLION, Campaign
from aisle.ads.market import Candidate
from aisle.ads.requests import Request
from aisle.ads.table import campaigns
from aisle.datasets.simulator.behaviour import CHECKOUT, EXAMINATION, attraction, cart_probability
from aisle.datasets.simulator.catalogue import Ints
from aisle.datasets.simulator.options import SimulatorOptions
from aisle.datasets.simulator.relevance import grades
from aisle.datasets.simulator.shop import World, campaigns_of, make_world
from aisle.datasets.simulator.slates import Impressions
from aisle.schema.errors import InputError

BESIDE = 12
"""Advertised items that a page considers beside its own ones: those that are believed likeliest to be clicked."""
LOOKS = tuple(int(look) for look in np.rint(MILLION * EXAMINATION / EXAMINATION[0]))
_CHUNK = 256
"""Pages at once: bounds the memory."""
Shares = NDArray[np.float64]


def make_requests(options: SimulatorOptions, error: float = 0.0) -> tuple[list[Request], list[Campaign]]:
    """Returns the pages of `simulate(options)` as requests, ascending by time, and its campaigns.

    A page lists what the shop showed on it, and considers advertised items of the department that was searched in beside it.
    The auction believes chances that are off by `error`; what happens is decided by the true ones, and a page is judged by
    the true chance that what it shows is clicked once it is looked at.

    Args:
        options: the shop's; `campaigns` above 0.
        error: the standard deviation of what is believed from what is true, in the logarithm of the odds.

    Raises:
        InputError: nobody advertises.
    """
    if not options.campaigns:
        raise InputError("the shop has no campaigns, so that there is nothing to sell; expected 1 or more")
    world = make_world(options)
    asked = campaigns_of(options, world).table
    times = (pl.col(name).dt.epoch("us") for name in ("starts_at", "ends_at"))
    advertised = _advertised(world, asked)
    rng = np.random.default_rng([options.seed, 3])
    pages = np.argsort(world.pages.time, kind="stable")
    found = [
        request
        for first in range(0, len(pages), _CHUNK)
        for request in _chunk(world, pages[first : first + _CHUNK], advertised, error, rng)
    ]
    return found, campaigns(asked.with_columns(*times).to_dicts())


def _advertised(world: World, asked: pl.DataFrame) -> Ints:
    """The items that some campaign may show."""
    table = world.catalogue.table.with_row_index("row")
    named = pl.col("item_id").is_in(asked["item_id"].drop_nulls().implode())
    within = pl.col("category").is_in(asked["category"].drop_nulls().implode())
    return table.filter(named | within)["row"].to_numpy().astype(np.int64)


def _chunk(
    world: World, pages: Ints, advertised: Ints, error: float, rng: np.random.Generator
) -> Iterator[Request]:
    """The requests of some pages, in their order."""
    own, beside = _listed(world, pages), _considered(world, pages, advertised)
    shown = Impressions(
        *(
            np.concatenate([getattr(own, name), getattr(beside, name)])
            for name in ("page", "item", "position", "grade")
        )
    )
    people, catalogue, shop_pages = world.people, world.catalogue, world.pages
    liked = attraction(catalogue, people, shop_pages, shown).astype(np.float64)
    bought = CHECKOUT * cart_probability(catalogue, people, shop_pages.user[shown.page], shown.item)
    believed = _off(liked * EXAMINATION[0], error, rng), _off(bought.astype(np.float64), error, rng)
    listed = np.arange(len(shown.page)) < len(own.page)
    # By page; its own items by their positions, then the others by what is believed of them.
    order = np.lexsort((np.where(listed, shown.position, -believed[0]), ~listed, shown.page))
    of_page = dict(_runs(shown.page[order], order))
    ids, paths = catalogue.table["item_id"].to_list(), catalogue.table["category"].to_list()
    users, texts = world.people.table["user_id"].to_list(), world.queries.texts
    for page in map(int, pages):
        rows = of_page.get(page, order[:0])
        count = int(listed[rows].sum())
        rows = rows[: count + BESIDE]
        candidates = [
            Candidate(ids[item], paths[item] or "", click, purchase)
            for item, click, purchase in zip(
                shown.item[rows].tolist(), _whole(believed[0][rows]), _whole(believed[1][rows]), strict=True
            )
        ]
        query = world.queries.of_page[page]
        yield Request(
            int(shop_pages.time[page]) * MILLION,
            "" if shop_pages.anonymous[page] else users[shop_pages.user[page]],
            texts[query] if query >= 0 else "",
            candidates,
            count,
            np.stack([liked[rows] * EXAMINATION[0], bought[rows]], axis=1),
            liked[rows],
        )


def _listed(world: World, pages: Ints) -> Impressions:
    """What the shop showed on these pages."""
    chosen = np.isin(world.shown.page, pages)
    return Impressions(
        *(getattr(world.shown, name)[chosen] for name in ("page", "item", "position", "grade"))
    )


def _considered(world: World, pages: Ints, advertised: Ints) -> Impressions:
    """The advertised items that each page may show: on sale, of the department searched in, and not on it anyway."""
    shop, catalogue = world.pages, world.catalogue
    grade = grades(shop.noun[pages], shop.attribute[pages], shop.word[pages], catalogue, advertised)
    grade = grade * shop.searched[pages, None]
    departments = catalogue.vocabulary.department_of_leaf
    within = departments[shop.leaf[pages], None] == departments[catalogue.leaf[advertised]]
    fits = (within | ~shop.searched[pages, None]) & (
        catalogue.available[advertised] <= shop.time[pages, None]
    )
    row, column = np.nonzero(fits)
    page, item = pages[row], advertised[column]
    there = np.isin(
        page * len(catalogue.leaf) + item, world.shown.page * len(catalogue.leaf) + world.shown.item
    )
    kept = ~there
    return Impressions(page[kept], item[kept], np.ones(int(kept.sum()), np.int64), grade[row, column][kept])


def _runs(sorted_pages: Ints, rows: Ints) -> Iterator[tuple[int, Ints]]:
    """Each page with its rows."""
    pages, first = np.unique(sorted_pages, return_index=True)
    return zip(pages.tolist(), np.split(rows, first[1:]), strict=True)


def _off(chance: Shares, error: float, rng: np.random.Generator) -> Shares:
    """Chances with normal noise on the logarithm of their odds."""
    clipped = np.clip(chance, 1e-6, 1 - 1e-6)
    odds = np.log(clipped / (1 - clipped)) + error * rng.standard_normal(len(chance))
    found: Shares = 1 / (1 + np.exp(-odds))
    return found


def _whole(chance: Shares) -> list[int]:
    """In millionths, at least 1."""
    return [int(one) for one in np.clip(np.rint(chance * MILLION), 1, MILLION)]
