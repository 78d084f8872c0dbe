"""Simulated users by way of a shop's own site, which asks a gateway and tells it what they do."""

from __future__ import annotations

from typing import Any

import httpx

from aisle.datasets.simulator.experiment import CONTROL, Planted
from aisle.datasets.simulator.slates import PAGE_SIZE
from aisle.datasets.simulator.walking.asked import Shop
from aisle.datasets.simulator.walking.shoppers import Look, Shoppers, Visit
from aisle.datasets.simulator.walking.walk import Seen
from aisle.schema.errors import InputError
from aisle.schema.events import CART, CLICK, PURCHASE


class Site:
    """The site of a shop whose answers a gateway gives.

    With a planted effect it spoils answers: of those of an arm that is to be worse each item can be seen only with a
    chance, by which clicks, carts and purchases are expected to be fewer. Which arm it is the answer says; who is in none
    sees what the control sees.

    Args:
        shop: the gateway.
        shoppers: who decide.
        key: of the gateway; "" where it asks for none.
        planted: the effect of each arm but the first.
    """

    def __init__(self, shop: Shop, shoppers: Shoppers, key: str = "", planted: Planted | None = None) -> None:
        self._shop, self._shoppers = shop, shoppers
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._visitor = shop.visitor()
        self._name = planted.experiment.name if planted else ""
        self._visible = _visible(planted) if planted else {}

    async def go(self, visit: Visit) -> list[Seen]:
        """Opens a visit's pages, and tells what is done on each before the next; see `Way`."""
        return [await self._open(visit, look) for look in visit.looks]

    async def _open(self, visit: Visit, look: Look) -> Seen:
        answer = await self._answer(visit, look)
        items = tuple(item["item_id"] for item in answer["items"])
        assigned = answer["assigned"] or {"experiment": "", "arm": ""}
        arm = assigned["arm"] if assigned["experiment"] == self._name else ""
        visible = self._visible.get(arm, 1.0)
        taken = tuple(self._shoppers.take(look.page, items, visible))
        follows = {"request_id": answer["request_id"], **({"query": look.query} if look.query else {})}
        events: list[dict[str, Any]] = []
        for one in taken:
            item = items[one.place]
            said = {"item_id": item, **self._who(visit), **follows}
            events.append({"event": CLICK.name, "position": one.place + 1, **said})
            priced = {"quantity": one.quantity, "price": self._shoppers.prices[item], **said}
            events += [{"event": CART.name, **priced}] if one.quantity else []
            events += [{"event": PURCHASE.name, **priced}] if one.bought else []
        if events:
            await self._post("/v1/events", events)
        return Seen(visit, look, items, taken, assigned["arm"], visible)

    async def _answer(self, visit: Visit, look: Look) -> dict[str, Any]:
        """What the gateway answers: to a search, or to who opens the home page."""
        asked = {"k": PAGE_SIZE, **self._who(visit)}
        if look.query:
            return await self._post("/v1/search", {"query": look.query, **asked})
        return await self._post("/v1/recommend", asked)

    def _who(self, visit: Visit) -> dict[str, str]:
        return {"user_id": visit.user_id, "session_id": visit.session_id}

    async def _post(self, path: str, sent: Any) -> dict[str, Any]:
        answer: httpx.Response = await self._shop.ask(
            self._visitor, "POST", path, headers=self._headers, json=sent
        )
        try:
            said: dict[str, Any] = answer.json()
        except ValueError as error:
            raise InputError(
                f"{self._shop.origin}{path} is answered by no JSON; name a gateway, or have pages walked by --walk"
            ) from error
        return said


def _visible(planted: Planted) -> dict[str, float]:
    """The share of items that can be seen in each arm, "" in none: all in the best, so that the effect is the planted one."""
    factors = {
        arm.name: 1.0 if place == CONTROL else 1 + planted.effect
        for place, arm in enumerate(planted.experiment.arms)
    }
    most = max(factors.values())
    return {"": 1 / most, **{name: factor / most for name, factor in factors.items()}}
