"""Simulated users in a storefront: they read its pages, follow its links and send its forms, as browsers do."""

from __future__ import annotations

import urllib.parse

import httpx

from aisle.datasets.simulator.walking.asked import Shop
from aisle.datasets.simulator.walking.page import Page, read_page
from aisle.datasets.simulator.walking.shoppers import Look, Shoppers, Taken, Visit
from aisle.datasets.simulator.walking.walk import Seen
from aisle.schema.errors import InputError
from aisle.schema.events import CART, PURCHASE

SHOP_AS = "/as"
"""Where a shop for trying takes whom one shops as."""


class Storefront:
    """The pages of `aisle shop` or `aisle gateway --storefront`.

    Every visit is a browser that was never here before. Who is known shops as themselves where the shop lets its visitors be
    anybody, and is an anonymous visitor elsewhere. Items count in the order of the page; what an item's page shows beside it is
    passed over.

    Args:
        shop: where the pages are.
        shoppers: who decide.
    """

    def __init__(self, shop: Shop, shoppers: Shoppers) -> None:
        self._shop, self._shoppers = shop, shoppers

    async def go(self, visit: Visit) -> list[Seen]:
        """Comes in by the home page, and opens the visit's pages from there; see `Way`."""
        visitor = self._shop.visitor()
        home = await self._read(visitor, "/")
        if visit.user_id and any(form.action == SHOP_AS for form in home.forms):
            await self._send(visitor, SHOP_AS, {"user_id": visit.user_id})
        return [await self._open(visitor, visit, look) for look in visit.looks]

    async def _open(self, visitor: httpx.AsyncClient, visit: Visit, look: Look) -> Seen:
        path = f"/search?{urllib.parse.urlencode({'q': look.query})}" if look.query else "/"
        page = await self._read(visitor, path)
        items = tuple(page.items)
        taken = tuple(self._shoppers.take(look.page, items))
        done = [await self._take(visitor, page, items[one.place], one) for one in taken]
        return Seen(visit, look, items, tuple(done))

    async def _take(self, visitor: httpx.AsyncClient, page: Page, item: str, wanted: Taken) -> Taken:
        """Opens an item's page, and there does what is wanted; returns what could be done: what is sold out isn't bought."""
        opened = await self._read(visitor, page.items[item])
        done = [
            await self._press(visitor, opened, item, kind)
            for kind, asked in ((CART.name, wanted.quantity > 0), (PURCHASE.name, wanted.bought))
            if asked
        ]
        could = all(done)
        return Taken(wanted.place, wanted.quantity if could else 0, wanted.bought and could)

    async def _press(self, visitor: httpx.AsyncClient, page: Page, item: str, kind: str) -> bool:
        """Presses an item's button; whether there is one."""
        form = page.form("/event", ("event", kind), item_id=item)
        if form:
            await self._send(visitor, form.action, {**form.fields, "event": kind})
        return form is not None

    async def _read(self, visitor: httpx.AsyncClient, path: str) -> Page:
        answer = await self._shop.ask(visitor, "GET", path, {"Sec-Fetch-Site": "same-origin"})
        if "text/html" not in answer.headers.get("content-type", ""):
            raise InputError(f"{self._shop.origin}{path} is no page; start the pages by `aisle shop`")
        return read_page(answer.text)

    async def _send(self, visitor: httpx.AsyncClient, path: str, fields: dict[str, str]) -> None:
        await self._shop.ask(visitor, "POST", path, {"Origin": self._shop.origin}, data=fields)
