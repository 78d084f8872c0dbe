"""The events of an experiment's users, as columns."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from aisle.experiments.statistics.sample import Floats
from aisle.schema.errors import InputError

Texts = npt.NDArray[np.str_]


def _none() -> Texts:
    """No column: nothing is known of any event."""
    return np.empty(0, dtype=str)


@dataclasses.dataclass(frozen=True)
class Events:
    """Rows of the table `events`, [e] each.

    Attributes:
        unit: who did it: the id in the column that the experiment assigns by; "" where unknown.
        kind: `impression`, `click`, `purchase` and so on.
        day: when, in days from any start.
        value: in money, price times quantity; NaN where there is no price.
        experiment: that the visitor was part of, "" where of none.
        arm: of it.
        event_id: the same again is the same event; "" where it has none.
        other_unit: the id in the other of the columns of users and sessions; "" where unknown, as of all where none is given.
        request_id: of the answer that it was shown in, or follows; so, too.
        item_id: what was shown, clicked or bought; so, too.

    Raises:
        InputError: the columns aren't equally long, or a time is none.
    """

    unit: Texts
    kind: Texts
    day: Floats
    value: Floats
    experiment: Texts
    arm: Texts
    event_id: Texts
    other_unit: Texts = dataclasses.field(default_factory=_none)
    request_id: Texts = dataclasses.field(default_factory=_none)
    item_id: Texts = dataclasses.field(default_factory=_none)

    def __post_init__(self) -> None:
        for name in ("other_unit", "request_id", "item_id"):
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full(len(self.unit), ""))
        sizes = {field.name: len(getattr(self, field.name)) for field in dataclasses.fields(self)}
        if len(set(sizes.values())) != 1:
            raise InputError(f"columns of {sizes} events; expected a value of each for every event")
        if not np.isfinite(self.day).all():
            raise InputError(f"{int((~np.isfinite(self.day)).sum()):,} events without a time; take them out")

    def __len__(self) -> int:
        return len(self.unit)

    def where(self, chosen: npt.NDArray[Any]) -> Events:
        """Those at a mask, or at places in their order."""
        return Events(*(getattr(self, field.name)[chosen] for field in dataclasses.fields(self)))

    def distinct(self) -> tuple[Events, int]:
        """Without those whose id was there before, and how many these are."""
        named = np.flatnonzero(self.event_id != "")
        kept = np.ones(len(self), dtype=bool)
        kept[named] = False
        kept[named[np.unique(self.event_id[named], return_index=True)[1]]] = True
        return self.where(kept), int(len(self) - kept.sum())
