"""Where sponsored items stand in a list."""

from __future__ import annotations

from collections.abc import Sequence

from aisle.gateway.ads.selling import Placed
from aisle.gateway.questions import Answer, Item


def open_places(places: Sequence[int], organic: int, most: int) -> list[int]:
    """The places of a list that may be sold: those that it has.

    Args:
        places: that the shop sells, from 1, rising.
        organic: how many items the list has without ads.
        most: how many it has with them, at most.
    """
    return [place for before, place in enumerate(places) if place <= min(most, organic + before + 1)]


def placed(answer: Answer, sold: Sequence[Placed], places: Sequence[int], most: int) -> Answer:
    """An answer with its sponsored items, each marked; what is sold a place stands at no other, or at the end of a list that
    doesn't reach it.

    Args:
        answer: without ads.
        sold: the first place first.
        places: those that were for sale.
        most: how many items the answer has at most.
    """
    if not sold:
        return answer
    paid = {one.item.item_id for one in sold}
    items = [item for item in answer.items if item.item_id not in paid]
    for one in sold:
        items.insert(places[one.place] - 1, sponsored(one))
    items = items[:most]
    assigned = answer.assigned
    if assigned and assigned.arms:
        teams = dict(zip((item.item_id for item in answer.items), assigned.arms, strict=True))
        arms = ["" if item.sponsored else teams.get(item.item_id, "") for item in items]
        assigned = assigned.model_copy(update={"arms": arms})
    return answer.model_copy(update={"items": items, "assigned": assigned})


def sponsored(one: Placed) -> Item:
    """An item of a list, marked as sold."""
    item = Item.model_validate(one.item)
    return item.model_copy(update={"sponsored": True, "campaign_id": one.campaign_id})
