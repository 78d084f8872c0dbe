"""The routes of items over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from aisle.gateway.items.service import Items
from aisle.gateway.items.updates import ItemUpdates, Updated
from aisle.gateway.security import require_key

items = APIRouter(prefix="/v1", dependencies=[Depends(require_key)], tags=["with the key"])


async def _items(request: Request) -> Items:
    found: Items = request.app.state.gateway.items
    return found


Told = Annotated[Items, Depends(_items)]


@items.patch("/items")
async def change_items(updates: ItemUpdates, told: Told) -> Updated:
    """Tells what is so of items now; what is not named stays, and `null` takes back what was told."""
    return await told.update(updates, whole=False)


@items.put("/items")
async def replace_items(updates: ItemUpdates, told: Told) -> Updated:
    """The same, and takes back what is not named."""
    return await told.update(updates, whole=True)
