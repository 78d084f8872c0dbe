"""What a shop decides about its sponsored places."""

from __future__ import annotations

from typing import Annotated

import pydantic
from pydantic import Field

from aisle.schema.errors import InputError
from aisle.schema.options import AtLeastOne, Days, Options, Share


class Selling(Options):
    """How places are sold.

    Attributes:
        places: of a list, from 1, that may be sold, rising; as many are sold at most.
        floor: of the chance of a click of what stands at a place without ads: what is less likely isn't sold the place.
        reserve: the least that a million shows must bring, in micros.
        candidates: of a question's best items, those that may be sold.
        click_minutes: after a show, in which a click is charged.
        purchase_days: after a show, in which a purchase is charged.
    """

    places: tuple[AtLeastOne, ...] = (2, 6)
    floor: Share = 0.5
    reserve: Annotated[int, Field(strict=True, ge=0, le=10**18)] = 0
    candidates: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 50
    click_minutes: Annotated[int, Field(strict=True, ge=1, le=1_440)] = 30
    purchase_days: Annotated[Days, Field(gt=0)] = 7.0

    @pydantic.field_validator("places")
    @classmethod
    def _rising(cls, places: tuple[int, ...]) -> tuple[int, ...]:
        if list(places) != sorted(set(places)):
            raise ValueError("expected places that rise, such as 2,6")
        return places

    def window(self, kind: str) -> int:
        """Microseconds after a show in which what is paid for is charged."""
        seconds = self.click_minutes * 60 if kind == "click" else self.purchase_days * 86_400
        return int(seconds * 1_000_000)


def read_places(text: str) -> tuple[int, ...]:
    """The places of a text such as `2,6`; none of an empty one.

    Raises:
        InputError: a part is no whole number.
    """
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise InputError(f"--ad-places is {text!r}; expected places from 1 on, such as 2,6") from None
