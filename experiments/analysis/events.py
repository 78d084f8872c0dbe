"""The events of an experiment's users, as columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from aisle.experiments.statistics.sample import Floats
from aisle.schema.errors import InputError

Texts = npt.NDArray[np.str_]
_YEAR = 365.0


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
        columns: further ones of the table by their names, as text, "" where empty: what slices are made by.

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
    columns: Mapping[str, Texts] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("other_unit", "request_id", "item_id"):
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full(len(self.unit), ""))
        sizes = {name: len(column) for name, column in {**self.told, **self.columns}.items()}
        if len(set(sizes.values())) != 1:
            raise InputError(f"columns of {sizes} events; expected a value of each for every event")
        if not np.isfinite(self.day).all():
            raise InputError(f"{int((~np.isfinite(self.day)).sum()):,} events without a time; take them out")

    def __len__(self) -> int:
        return len(self.unit)

    @property
    def told(self) -> dict[str, npt.NDArray[Any]]:
        """All columns but the further ones, by name."""
        names = [field.name for field in dataclasses.fields(self) if field.name != "columns"]
        return {name: getattr(self, name) for name in names}

    def where(self, chosen: npt.NDArray[Any]) -> Events:
        """Those at a mask, or at places in their order."""
        if chosen.dtype == np.bool_ and chosen.all():
            return self
        further = {name: column[chosen] for name, column in self.columns.items()}
        return dataclasses.replace(
            self, columns=further, **{name: column[chosen] for name, column in self.told.items()}
        )

    def timely(self) -> tuple[Events, int]:
        """Without those at no possible time, such as the epoch or a wrong clock's 2099, and how many these are.

        They are further from the middle 98 % of all events than these last, and than a year: by the Cleaner's rule, but for the
        future, which it knows by its own clock.
        """
        if not len(self):
            return self, 0
        first, last = np.quantile(self.day, (0.01, 0.99))
        margin = max(last - first, _YEAR)
        possible = (self.day >= first - margin) & (self.day <= last + margin)
        return self.where(possible), int(len(self) - possible.sum())

    def distinct(self) -> tuple[Events, int]:
        """Without those that were told before, and how many these are.

        It is the Cleaner's rule: the same `event_id` of the same visitor, kind and item again (an id that stands at others is none
        of an event), or, without an id, a row that is equal in all columns.
        """
        again = np.zeros(len(self), dtype=bool)
        same = (self.event_id, self.unit, self.other_unit, self.kind, self.item_id)
        alike = (*self.told.values(), *self.columns.values())
        for chosen, columns in ((self.event_id != "", same), (self.event_id == "", alike)):
            places = np.flatnonzero(chosen)
            again[places] = _repeated([column[places] for column in columns])
        return self.where(~again), int(again.sum())


def _repeated(columns: list[npt.NDArray[Any]]) -> npt.NDArray[np.bool_]:
    """Which rows are equal to one before them, [n]; NaN is equal to NaN."""
    if not len(columns[0]):
        return np.zeros(0, dtype=bool)
    _, first, group = np.unique(_digests(columns), return_index=True, return_inverse=True)
    earlier = first[group]
    # Digests may meet by chance: what is equal says the rows themselves.
    equal = np.all([_equal(column, column[earlier]) for column in columns], axis=0)
    return equal & (earlier != np.arange(len(earlier)))


def _equal(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    equal: npt.NDArray[np.bool_] = one == other
    return equal | (np.isnan(one) & np.isnan(other)) if one.dtype.kind == "f" else equal


def _digests(columns: list[npt.NDArray[Any]]) -> npt.NDArray[np.uint64]:
    """64 bits of each row, [n]: sorting them is much quicker than sorting texts."""
    random = np.random.default_rng(0)
    total = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        words = np.ascontiguousarray(column).view(np.uint32).reshape(len(column), -1)
        for word in words.T:
            total += word.astype(np.uint64) * random.integers(1, 2**63, dtype=np.uint64)
            total ^= total >> np.uint64(29)
    return total
