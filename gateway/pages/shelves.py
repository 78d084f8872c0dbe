"""What stands on a page: items with what is known of them, and the lists that a home page has of them."""

from __future__ import annotations

import asyncio
import dataclasses
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any

from aisle.gateway.asking import new_request_id
from aisle.gateway.pages.catalogue import Catalogue, Facts
from aisle.gateway.pages.languages.language import marked
from aisle.gateway.pages.pictures import Pictures
from aisle.gateway.pages.rendering import quoted
from aisle.gateway.pages.runs import LowStock
from aisle.gateway.pages.visitors import Visitor
from aisle.gateway.questions import Answer, Recommend, Similar
from aisle.gateway.recents.delivery import Delivery
from aisle.gateway.recents.store import Recent, visitor
from aisle.gateway.service import Gateway
from aisle.schema.events import CART, CLICK, PURCHASE
from aisle.serving import AsyncClient, ServingError

SHELF, WIDE = 12, 24
"""Items of a list beside others, and of the only one."""
NEAR = 100
"""Of an item's most similar ones, those that count as like it."""


@dataclasses.dataclass(frozen=True)
class Card:
    """An item on a page: what is known of it, its picture's address ("" draws one), its own page's, and whether it is an ad."""

    facts: Facts
    picture: str
    link: str
    request_id: str
    sponsored: bool = False


@dataclasses.dataclass(frozen=True)
class Shelf:
    """A list of items.

    Attributes:
        title: of the list, in English; `%(item)s` is where `about` stands.
        cards: its items.
        about: the item that it is about; "" of none.
        buy: whether its items are there to be bought, not to be put into the cart.
    """

    title: str
    cards: list[Card]
    about: str = ""
    buy: bool = False


class Shelves:
    """Asks the gateway for lists of what can be had, and makes cards of their items; all raise ServingError.

    Attributes:
        version: of the model that answered last; None before.
        bought: tells what a user bought before, the last item first; nothing, where that is nobody's business.
    """

    def __init__(
        self,
        gateway: Gateway,
        client: AsyncClient,
        recents: Delivery,
        catalogue: Catalogue,
        pictures: Pictures,
        low_stock: LowStock,
    ) -> None:
        """All are the caller's to close."""
        self._gateway, self._client, self._recents = gateway, client, recents
        self._catalogue, self._pictures, self._low_stock = catalogue, pictures, low_stock
        self.version: int | None = None
        self.bought: Callable[[str], list[str]] = lambda user_id: []

    async def facts(self, item_ids: Sequence[str], version: int | None = None) -> list[Facts]:
        """What is known of items: by the table, else the title that the model has, and what was told of them since."""
        unknown = [item for item in item_ids if item not in self._catalogue]
        try:
            titles = await self._client.titles(unknown, version) if unknown else {}
        except ServingError:  # They only make an item easier to know.
            titles = {}
        self.version = version or self.version
        told = await self._gateway.items.current.told(item_ids, self.version)
        left = self._low_stock.left
        known = [self._catalogue.facts(item, titles) for item in item_ids]
        return [
            facts.now(one.values, left.get(facts.item_id)) for facts, one in zip(known, told, strict=True)
        ]

    def picture(self, facts: Facts) -> str:
        """The address of an item's picture; "" where there is none."""
        return f"/picture/{quoted(facts.item_id)}" if self._pictures.find(facts.image) else ""

    async def cards(self, answer: Answer, first: int = 1, **came: str) -> list[Card]:
        """The cards of an answer's items.

        Args:
            answer: of the gateway.
            first: the position of its first item.
            came: what else their links say of where the visitor came from.
        """
        known = await self.facts([item.item_id for item in answer.items], answer.version)
        cards = []
        for position, (facts, item) in enumerate(zip(known, answer.items, strict=True), first):
            said = {"from": answer.request_id, "at": str(position), **came}
            link = item_link(facts, **said)
            cards.append(Card(facts, self.picture(facts), link, answer.request_id, item.sponsored))
        return cards

    async def home(self, who: Visitor) -> list[Shelf]:
        """The lists of a visitor's home page; they follow what was done last."""
        recents = await self.recents(who)
        looked, carted = _newest(recents, CLICK.name), in_cart(recents)
        if not recents and not who.user_id:
            return [await self.popular(who, WIDE)]
        bought = await asyncio.to_thread(self.bought, who.user_id) if who.user_id else []
        shelves = await asyncio.gather(
            self._for_you(who),
            self._remembered(marked("Bought before"), bought[:SHELF]),
            self._remembered(marked("In your cart"), carted, buy=True),
            *[self._because(one, who) for one in looked[:1]],
            self._remembered(marked("You looked at"), looked[:SHELF]),
            self.popular(who),
        )
        return [shelf for shelf in shelves if shelf.cards]

    async def popular(self, who: Visitor, k: int = SHELF) -> Shelf:
        """What the model recommends to anybody."""
        answer = await self.shown("recommend", Recommend(k=k, in_stock=True), who)
        return Shelf(marked("Popular now"), await self.cards(answer))

    async def similar(self, item_id: str, who: Visitor) -> Shelf:
        """What is like an item."""
        answer = await self.shown("similar", Similar(item_id=item_id, k=SHELF, in_stock=True, **who.ids), who)
        return Shelf(marked("Similar items"), await self.cards(answer))

    async def recents(self, who: Visitor) -> list[Recent]:
        """What a visitor did, oldest first."""
        return (await self._recents.of(visitor(who.user_id, who.session_id)))[0]

    async def like_what_was_seen(self, item_id: str, who: Visitor) -> list[Card]:
        """What a visitor looked at, carted or bought of late that an item is like, the newest first."""
        done = _newest(await self.recents(who), CLICK.name, CART.name, PURCHASE.name)
        seen = [one for one in done if one != item_id][:3]
        asked = (self._gateway.asking.similar(Similar(item_id=one, k=NEAR)) for one in seen)
        near = await asyncio.gather(*asked)
        like = [
            one
            for one, found in zip(seen, near, strict=True)
            if any(item.item_id == item_id for item in found.items)
        ]
        return (await self._remembered("", like)).cards

    async def shown(self, source: str, asked: Any, who: Visitor) -> Answer:
        """The answer to a question for a list, which is noted as shown to the visitor."""
        return await self._gateway.answer(source, asked, **who.ids)

    async def _for_you(self, who: Visitor) -> Shelf:
        # A user may want again what they bought; what one has just looked at needs no recommending.
        asked = Recommend(k=SHELF, exclude_seen=not who.user_id, in_stock=True, **who.ids)
        return Shelf(marked("For you"), await self.cards(await self.shown("recommend", asked, who), by="you"))

    async def _because(self, item_id: str, who: Visitor) -> Shelf:
        answer = await self.shown("similar", Similar(item_id=item_id, k=SHELF, in_stock=True, **who.ids), who)
        (about,) = await self.facts([item_id], answer.version)
        return Shelf(marked("Because you looked at %(item)s"), await self.cards(answer), about.name)

    async def _remembered(self, title: str, item_ids: Sequence[str], buy: bool = False) -> Shelf:
        known = [one for one in await self.facts(item_ids) if not one.withdrawn]
        cards = [Card(one, self.picture(one), item_link(one, once=new_request_id()), "") for one in known]
        return Shelf(title, cards, buy=buy)


def item_link(facts: Facts, **said: str) -> str:
    """The address of an item's page.

    Args:
        facts: of the item.
        said: where the link stood: `from`, the answer, and `at`, its place there; or `once`, which tells the link from others.
            A click by the link counts once.
    """
    return f"/item/{quoted(facts.item_id)}?{urllib.parse.urlencode(said)}"


def in_cart(recents: Sequence[Recent]) -> list[str]:
    """The items that were put into the cart and not bought since, the newest first."""
    last = {one.item_id: one.event for one in recents if one.event in (CART.name, PURCHASE.name)}
    return [item for item in _newest(recents, CART.name) if last[item] == CART.name]


def _newest(recents: Sequence[Recent], *kinds: str) -> list[str]:
    """The items that something of these kinds was done to, each once, the newest first."""
    return list(dict.fromkeys(one.item_id for one in reversed(recents) if one.event in kinds))
