"""What a simulated shop's users come for, and what they take of whatever they are shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aisle.datasets.simulator.behaviour import (
    CHECKOUT,
    EXAMINATION_EXPONENT,
    attraction,
    cart_probability,
    quantity_of,
)
from aisle.datasets.simulator.catalogue import Ints
from aisle.datasets.simulator.options import SimulatorOptions
from aisle.datasets.simulator.relevance import grades, make_queries
from aisle.datasets.simulator.shop import make_sides
from aisle.datasets.simulator.slates import Impressions
from aisle.datasets.simulator.visits import EVENTS_PER_VISIT, make_pages

Chances = NDArray[np.float64]
WALKED = 2
"""Tells the draws of those who walk from the shop's and its faults'."""


@dataclasses.dataclass(frozen=True)
class Look:
    """A page that a visit opens.

    Attributes:
        page: its number among the shoppers' pages.
        query: what is searched; "" is the home page.
    """

    page: int
    query: str


@dataclasses.dataclass(frozen=True)
class Visit:
    """A visit to a shop.

    Attributes:
        number: in the order of coming.
        user_id: of who comes, "" where they aren't logged in.
        session_id: of this visit alone.
        looks: what is opened, in order.
    """

    number: int
    user_id: str
    session_id: str
    looks: tuple[Look, ...]


@dataclasses.dataclass(frozen=True)
class Taken:
    """What was clicked.

    Attributes:
        place: in what was shown, from 0.
        quantity: put into the cart; 0 where it wasn't.
        bought: whether it was bought, too.
    """

    place: int
    quantity: int
    bought: bool


class Shoppers:
    """The users of a simulated shop, who come again: with the same tastes, for something else.

    They look from the top, click what they like and what answers their query, and buy what they like, as they do in
    `simulate`. What follows days later (the same again, returns, reviews) isn't walked.

    Args:
        options: of the shop.
        visits: how many.
        seed: of the visits, and of what is decided in them.
    """

    def __init__(self, options: SimulatorOptions, visits: int, seed: int = 0) -> None:
        self._seed, self._visits = (options.seed, WALKED, seed), visits
        self._catalogue, self._people = make_sides(options)
        pages_rng, queries_rng = (np.random.default_rng([*self._seed, part]) for part in range(2))
        # As many are drawn as there surely are enough of: their number is a Poisson draw.
        drawn = visits + 6 * visits**0.5 + 20
        asked = options.model_copy(update={"events": drawn * EVENTS_PER_VISIT})
        self._pages = make_pages(asked, self._catalogue, self._people, pages_rng)
        self._queries = make_queries(self._catalogue.vocabulary, self._pages, queries_rng)
        self._places = {item: place for place, item in enumerate(self._catalogue.table["item_id"])}
        self.prices: dict[str, float] = dict(zip(self._places, self._catalogue.price.tolist(), strict=True))

    def visits(self) -> list[Visit]:
        """All visits, in the order of their times."""
        pages, users = self._pages, self._people.table["user_id"]
        order = np.lexsort((pages.time, pages.visit))
        starts = np.flatnonzero(np.diff(pages.visit[order], prepend=-1))
        parts = [part for part in np.split(order, starts) if len(part)]
        parts.sort(key=lambda part: int(pages.time[part[0]]))
        found = []
        for number, part in enumerate(parts[: self._visits]):
            user = "" if pages.anonymous[part[0]] else str(users[int(pages.user[part[0]])])
            looks = tuple(Look(int(page), self._query(int(page))) for page in part)
            session = "-".join(("walk", *map(str, self._seed), f"{number:06}"))
            found.append(Visit(number, user, session, looks))
        return found

    def _query(self, page: int) -> str:
        row = int(self._queries.of_page[page])
        return self._queries.texts[row] if row >= 0 else ""

    def known(self, items: Sequence[str]) -> int:
        """How many of the items this shop sells."""
        return sum(item in self._places for item in items)

    def chances(self, page: int, items: Sequence[str]) -> tuple[Chances, Chances]:
        """Returns what the truth is of a page's items.

        Args:
            page: of a `Look`.
            items: [m] that are shown on it, from the top; of what the shop doesn't sell nothing is taken.

        Returns:
            The chance that each is clicked, [m], and that it is put into the cart then.
        """
        places = np.array([self._places.get(item, -1) for item in items], dtype=np.int64)
        sold = np.flatnonzero(places >= 0)
        click, cart = np.zeros(len(items)), np.zeros(len(items))
        if len(sold):
            shown = self._shown(page, places[sold], sold + 1)
            looked = (sold + 1.0) ** EXAMINATION_EXPONENT
            click[sold] = looked * attraction(self._catalogue, self._people, self._pages, shown)
            user = self._pages.user[shown.page]
            cart[sold] = cart_probability(self._catalogue, self._people, user, shown.item)
        return click, cart

    def _shown(self, page: int, item: Ints, position: Ints) -> Impressions:
        pages, one = self._pages, slice(page, page + 1)
        grade = grades(pages.noun[one], pages.attribute[one], pages.word[one], self._catalogue, item)[0]
        searched = bool(pages.searched[page])
        return Impressions(np.full(len(item), page), item, position, grade * searched)

    def take(self, page: int, items: Sequence[str], visible: float = 1.0) -> list[Taken]:
        """Decides what is taken of a page; the same again for the same page and items.

        Args:
            page: of a `Look`.
            items: that are shown, from the top.
            visible: the share of them that can be seen at all.
        """
        random = np.random.default_rng([*self._seed, 2, page])
        click, cart = self.chances(page, items)
        drawn = random.random((4, len(items)))
        clicked = (drawn[0] < visible) & (drawn[1] < click)
        carted, bought = drawn[2] < cart, drawn[3] < CHECKOUT
        found = []
        for place in np.flatnonzero(clicked).tolist():
            item = np.array([self._places[items[place]]])
            quantity = int(quantity_of(self._catalogue, item, random)[0]) if carted[place] else 0
            found.append(Taken(place, quantity, bool(carted[place] & bought[place])))
        return found
