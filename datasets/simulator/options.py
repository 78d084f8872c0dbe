"""What a user can choose about a simulated shop."""

from __future__ import annotations

import dataclasses
import datetime

from aisle.schema.errors import InputError

END = datetime.date(2026, 1, 1)
"""The day after a simulated shop's last one: fixed, so that a seed always gives the same bytes."""


@dataclasses.dataclass(frozen=True)
class SimulatorOptions:
    """The size of a shop, how long it is watched, and how dirty its tables are.

    Attributes:
        users: how many users ever join.
        items: how many items are ever sold.
        days: how many days of events, the last one being the day before `END`.
        seed: the same options and seed give the same bytes.
        dirt: the share of rows that get a planted fault, 0 to 1.
        events: about how many event rows to aim for (None: by the users' usual activity).
    """

    users: int = 500
    items: int = 400
    days: int = 60
    seed: int = 0
    dirt: float = 0.0
    events: int | None = None

    def __post_init__(self) -> None:
        """Checks the ranges; raises InputError with the name of what is out of its range."""
        ranges = {
            "users": (self.users, 10, 1_000_000),
            "items": (self.items, 50, 1_000_000),
            "days": (self.days, 1, 1_460),
            "seed": (self.seed, 0, 2**32 - 1),
            "dirt": (self.dirt, 0, 1),
            "events": (1_000 if self.events is None else self.events, 1_000, 50_000_000),
        }
        for name, (value, low, high) in ranges.items():
            if not low <= value <= high:
                raise InputError(f"{name} is {value}; expected {low} to {high}")

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
