"""Visits to a shop that runs, some at once: what each page of them showed, and what was taken of it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from typing import Protocol

from aisle.datasets.simulator.walking.asked import AT_ONCE, NotAnswered, Shop
from aisle.datasets.simulator.walking.shoppers import Look, Shoppers, Taken, Visit
from aisle.schema.errors import InputError

MOST_IN_A_ROW = 20
"""Visits that a shop fails before it is taken to be gone."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """A page as it was seen.

    Attributes:
        visit: of which visit.
        look: what was opened.
        items: that it showed, from the top.
        taken: of them.
        arm: of the experiment; "" in none.
        visible: the share of the items that could be seen.
    """

    visit: Visit
    look: Look
    items: tuple[str, ...]
    taken: tuple[Taken, ...]
    arm: str = ""
    visible: float = 1.0


class Way(Protocol):
    """How a visitor gets along in a shop."""

    async def go(self, visit: Visit) -> list[Seen]:
        """Goes through a visit; raises NotAnswered, and InputError where the shop is another than the visitor's."""


@dataclasses.dataclass
class Walked:
    """What became of the visits.

    Attributes:
        seen: all pages of those that came to their end.
        visits: how many these are.
        failed: how many the shop didn't answer.
        reason: why, of the last.
    """

    seen: list[Seen] = dataclasses.field(default_factory=list)
    visits: int = 0
    failed: int = 0
    reason: str = ""


async def walk(visits: Iterable[Visit], way: Way, shop: Shop, shoppers: Shoppers) -> Walked:
    """Goes through visits, `AT_ONCE` of them at once, and closes the shop.

    Raises:
        InputError: the shop refuses what it is asked, fails visit after visit, or sells nothing of what the visitors know.
    """
    coming, found, in_a_row = iter(visits), Walked(), 0

    async def one_after_another() -> None:
        nonlocal in_a_row
        for visit in coming:
            try:
                seen = await way.go(visit)
            except NotAnswered as error:
                in_a_row, found.failed, found.reason = in_a_row + 1, found.failed + 1, str(error)
                if in_a_row >= MOST_IN_A_ROW:
                    raise InputError(f"{in_a_row} visits in a row failed: {error}") from error
                continue
            in_a_row, found.visits = 0, found.visits + 1
            found.seen += seen

    walkers = [asyncio.create_task(one_after_another()) for _ in range(AT_ONCE)]
    try:
        await asyncio.gather(*walkers)
    finally:
        for walker in walkers:
            walker.cancel()
        await asyncio.gather(*walkers, return_exceptions=True)
        await shop.close()
    if found.failed and not found.visits:  # Fewer visits than end it on the way.
        raise InputError(f"none of {found.failed} visits was answered: {found.reason}")
    shown = {item for page in found.seen for item in page.items}
    if shown and not shoppers.known(list(shown)):
        raise InputError(
            f"{shop.origin} sells nothing that the simulated shop does: it showed {sorted(shown)[0]!r}; "
            "name the folder that its model has learnt from"
        )
    return found
