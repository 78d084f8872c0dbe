"""What a user did of late, as a question brings it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from aisle.schema.contract import NOW, RECENT_AGES, RECENT_EVENTS, RECENT_ITEMS
from aisle.schema.errors import InputError
from aisle.schema.events import CLICK, weights
from aisle.serving.client.inputs import as_many, padded


@dataclasses.dataclass(frozen=True)
class RecentEvent:
    """Something that a user did, which is added to what the model knows of them.

    What the version that answers has learnt already is left out there, so that nothing is counted twice: bring all that you
    have. An item or a kind that isn't known counts nothing.

    Example:
        >>> client.recommend("u17", recents=[RecentEvent("i42", "cart", age=30.0)])

    Attributes:
        item_id: to what.
        event: a kind of `aisle.schema.events`: `click`, `cart`, `purchase`; what shows no liking counts nothing.
        age: seconds ago; below 0, or no number, counts as 0.

    Raises:
        InputError: the age is not of a number's type.
    """

    item_id: str
    event: str = CLICK.name
    age: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.age, bool) or not isinstance(self.age, (int, float, np.integer, np.floating)):
            raise InputError(f"the age of a recent event is {self.age!r}; expected seconds, such as 30.0")


class Recents(tuple[RecentEvent, ...]):
    """Recent events whose ages are counted from another moment than this machine's present: a replay's, another clock's.

    Example:
        >>> client.recommend("u17", recents=Recents([RecentEvent("i42", "cart", age=30.0)], now=1_323_000_000.0))

    Attributes:
        now: seconds since 1970.
    """

    now: float

    def __new__(cls, events: Iterable[RecentEvent], now: float) -> Recents:
        """The events, whose ages are counted from `now`."""
        made = super().__new__(cls, events)
        made.now = now
        return made


Events = Sequence[RecentEvent]


def recent_tensors(
    recents: Sequence[Events] | None, others: Sequence[Any], other: str
) -> dict[str, np.ndarray]:
    """The contract's inputs, none where nobody did anything.

    Args:
        recents: of each request; None is nothing of anybody.
        others: as many.
        other: what these are.

    Raises:
        InputError: their numbers differ, or what must be text is not.
    """
    rows = as_many(recents, others, "recents", other, ())
    items = padded(RECENT_ITEMS, [[one.item_id for one in row] for row in rows])
    kinds = padded(RECENT_EVENTS, [[one.event for one in row] for row in rows])
    if not items.size:
        return {}
    ages = np.zeros(items.shape, np.float32)
    for place, row in enumerate(rows):
        ages[place, : len(row)] = [one.age for one in row]
    now = [row.now if isinstance(row, Recents) else time.time() for row in rows]
    told = np.array(now, np.float64)
    return {RECENT_ITEMS: items, RECENT_EVENTS: kinds, RECENT_AGES: ages, NOW: told}


def liked(recents: Events) -> list[str]:
    """The items of those that show a liking, oldest first: what a model of an older version takes as a history."""
    return [one.item_id for one in sorted(recents, key=lambda one: -one.age) if one.event in weights()]
