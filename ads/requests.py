"""What is sold and how: the requests of a page, the terms of a sale, and a show of what was sold."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from aisle.ads.campaign import MILLION, whole
from aisle.ads.market import Candidate
from aisle.schema.errors import InputError

Rule = Literal["gsp", "vcg", "second-price"]
Pace = Literal["auction", "slot", "none"]


@dataclasses.dataclass(frozen=True)
class Terms:
    """How places are sold.

    Attributes:
        rule: `second-price` sells the first of the places alone.
        reserve: the least that a million shows must bring, in micros.
        pacing: after each auction, at the end of each of 96 slots, or not at all.
        floor: of the chance of a click of the item that stands at a place without ads: what is less likely isn't sold the place.
        places: of a page, from 1, rising.
        looks: of each place of a page, how likely it is looked at, in millionths of the first one's; what lies below has the
            last one's.

    Raises:
        InputError: places don't rise from 1 on, the looks rise, or a number is out of range.
    """

    rule: Rule = "gsp"
    reserve: int = 0
    pacing: Pace = "auction"
    floor: float = 0.5
    places: tuple[int, ...] = (2, 6)
    looks: tuple[int, ...] = (MILLION,)

    def __post_init__(self) -> None:
        """Refuses what can't be meant."""
        whole(self.reserve, "reserve", 10**18)
        if not self.places or self.places[0] < 1 or list(self.places) != sorted(set(self.places)):
            raise InputError(f"places {self.places}, expected whole numbers from 1 that rise, such as 2,6")
        if not (math.isfinite(self.floor) and 0 <= self.floor <= 1):
            raise InputError(f"a floor of {self.floor}, expected a share from 0 to 1")
        if not self.looks or list(self.looks) != sorted(self.looks, reverse=True) or self.looks[-1] < 0:
            raise InputError(f"looks of {self.looks[:8]}, expected whole numbers from the most to the least")

    def places_of(self, listed: int) -> tuple[int, ...]:
        """Those that are for sale of a page with so many items of its own."""
        reached = tuple(place for place in self.places if place <= listed + 1)
        return reached[:1] if self.rule == "second-price" else reached

    def look(self, place: int) -> int:
        """How likely a place is looked at, in millionths of the first one."""
        return self.looks[min(place, len(self.looks)) - 1]


@dataclasses.dataclass(frozen=True)
class Request:
    """A page that somebody opened.

    Attributes:
        at: when, in microseconds since the epoch.
        user: who; empty where nobody knows.
        query: what is searched; empty for recommendations.
        candidates: best first, with the chances that the auction believes.
        listed: how many of them, the first ones, the page shows without ads.
        truth: [candidates, 2], the chances of a click at the first place and of a purchase after it that decide what happens.
        gains: [candidates], what each is worth to who asks: a page is judged by them.
    """

    at: int
    user: str
    query: str
    candidates: Sequence[Candidate]
    listed: int
    truth: npt.NDArray[np.float64]
    gains: npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Show:
    """A place that was sold, and what came of it.

    Attributes:
        request: its number, from 0.
        at: microseconds since the epoch.
        campaign: its place in the market.
        item_id: what was shown.
        place: on the page, from 1.
        price: of what is paid for, in micros.
        chance: of a click at that place as the auction believed it, in millionths.
        clicked, purchased: what happened.
        charged: in micros.
    """

    request: int
    at: int
    campaign: int
    item_id: str
    place: int
    price: int
    chance: int
    clicked: bool
    purchased: bool
    charged: int
