"""Metrics and slices as a shop writes them down, beside its experiments.

[[metric]]
name = "returns a user"
measure = {event = "return"}
better = "down"
guardrail = true

[[slice]]
by = "users.country"
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from aisle.experiments.analysis.measures import STANDARD, Declared, Measure
from aisle.experiments.analysis.slices import EVENTS, KNOWN, MOST, USERS, Slice
from aisle.schema import events
from aisle.schema.errors import InputError

_CHOICES = {"count": ("number", "any", "value"), "better": ("up", "down")}
_TYPES: dict[str, tuple[type, ...]] = {
    **{name: (str,) for name in ("name", "event", "count", "better")},
    **{name: (bool,) for name in ("adjusted", "guardrail")},
    "winsorised": (int, float),
}


def read_metrics(values: Sequence[Mapping[str, Any]]) -> tuple[Declared, ...]:
    """The metrics of a file; the standard ones where it has none.

    Raises:
        InputError: a key or a value isn't one of a metric's.
    """
    return tuple(_metric(one) for one in values) or STANDARD


def read_slices(values: Sequence[Mapping[str, Any]]) -> tuple[Slice, ...]:
    """The slices of a file.

    Raises:
        InputError: a key or a value isn't one of a slice's, one stands there twice, or there are too many.
    """
    found = tuple(_slice(one) for one in values)
    names = [one.by for one in found]
    if len(names) > MOST or len({*names}) < len(names):
        raise InputError(f"slices by {', '.join(names)}; expected up to {MOST}, each of them once")
    return found


def _slice(values: Mapping[str, Any]) -> Slice:
    by, most, cuts = values.get("by", ""), values.get("most", Slice.most), values.get("cuts", [])
    where = f"the slice by {by!r}"
    if unknown := sorted(set(values) - {"by", "cuts", "most"}):
        raise InputError(f"{where}: unknown key {unknown[0]!r}; there are: by, cuts, most")
    if not isinstance(by, str) or (by != KNOWN and not (by.startswith((USERS, EVENTS)) and by[-1] != ".")):
        raise InputError(f"{where}; expected {KNOWN!r}, 'users.COLUMN' or 'events.COLUMN'")
    numbers = isinstance(cuts, list) and all(_is_number(cut) for cut in cuts)
    if not numbers or any(low >= high for low, high in zip(cuts, cuts[1:], strict=False)):
        raise InputError(f"{where}: cuts is {cuts!r}; expected rising numbers, such as [25, 45]")
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise InputError(f"{where}: most is {most!r}; expected a whole number of 1 or more")
    return Slice(by, tuple(float(cut) for cut in cuts), most)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _metric(values: Mapping[str, Any]) -> Declared:
    where = f"the metric {values.get('name', '')!r}"
    told = _checked(values, Declared, where)
    for part in ("measure", "over"):
        if part in told:
            if not isinstance(told[part], Mapping):
                raise InputError(
                    f"{where}: {part} is {told[part]!r}; expected a table such as {{event = 'click'}}"
                )
            _check_kind(told[part].get("event", ""), f"{part} of {where}")
            told[part] = Measure(**_checked(told[part], Measure, f"{part} of {where}"))
    if not 0 < told.get("winsorised", 1.0) <= 1:
        raise InputError(
            f"{where}: winsorised is {told['winsorised']!r}; expected a share up to 1, such as 0.99"
        )
    return Declared(**told)


def _check_kind(event: object, where: str) -> None:
    if event and event not in events.names():
        raise InputError(f"{where}: event is {event!r}; expected one of {', '.join(events.names())}")


def _checked(values: Mapping[str, Any], record: type[Declared] | type[Measure], where: str) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(record)]
    if unknown := sorted(set(values) - set(names)):
        raise InputError(f"{where}: unknown key {unknown[0]!r}; there are: {', '.join(names)}")
    needed = names[:2] if record is Declared else names[:1]
    if absent := [name for name in needed if not values.get(name)]:
        raise InputError(f"{where}: there is no {absent[0]}; expected {', '.join(needed)}")
    for name, value in values.items():
        if not isinstance(value, _TYPES.get(name, (object,))) or (
            name == "winsorised" and isinstance(value, bool)
        ):
            raise InputError(f"{where}: {name} is {value!r}; expected a {_TYPES[name][-1].__name__}")
        if value not in _CHOICES.get(name, (value,)):
            raise InputError(f"{where}: {name} is {value!r}; expected one of {', '.join(_CHOICES[name])}")
    return dict(values)
