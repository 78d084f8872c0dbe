"""What a user can choose about a simulated shop."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import Field

from aisle.schema.options import Options, Seed, Share

END = datetime.date(2026, 1, 1)
"""The day after a simulated shop's last one: fixed, so that a seed always gives the same bytes."""


class SimulatorOptions(Options):
    """The size of a shop, how long it is watched, and how dirty its tables are.

    Attributes:
        users: how many users ever join.
        items: how many items are ever sold.
        days: how many days of events, the last one being the day before `END`.
        seed: the same options and seed give the same bytes.
        dirt: the share of rows that get a planted fault, 0 to 1.
        events: about how many event rows to aim for (None: by the users' usual activity).
        language: of titles, queries and reviews; `mixed` has English brands and devices in Chinese and Japanese
            titles beside English ones.
        campaigns: how many campaigns advertisers run; the shop's events show none of them.
        pictures: whether items have pictures.
    """

    users: Annotated[int, Field(strict=True, ge=10, le=1_000_000)] = 500
    items: Annotated[int, Field(strict=True, ge=50, le=1_000_000)] = 400
    days: Annotated[int, Field(strict=True, ge=1, le=1_460)] = 60
    seed: Seed = 0
    dirt: Share = 0.0
    events: Annotated[int, Field(strict=True, ge=1_000, le=50_000_000)] | None = None
    language: Literal["en", "zh", "ja", "mixed"] = "en"
    campaigns: Annotated[int, Field(strict=True, ge=0, le=100_000)] = 0
    pictures: bool = False

    @property
    def start(self) -> datetime.date:
        """The first day of events."""
        return END - datetime.timedelta(days=self.days)

    @property
    def start_seconds(self) -> int:
        """The first second of events, since the epoch (UTC)."""
        return (self.start - datetime.date(1970, 1, 1)).days * 86_400

    @property
    def end_seconds(self) -> int:
        """The second after the last one of events, since the epoch (UTC)."""
        return self.start_seconds + self.days * 86_400
