"""Visitors who do more, or faster, than people can, told by the shop's own visitors: they would decide an experiment alone.

A rule that looked at what a visitor bought would part the arms by their outcome, so pace and number alone convict.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from aisle.experiments.analysis.events import Events, Texts
from aisle.experiments.statistics.sample import Floats
from aisle.schema.events import CLICK

_HOUR, _MINUTE = 1 / 24, 1 / 1_440
_SECOND = _MINUTE / 60
HOURLY, DAILY = 360.0, 1_440.0
"""What people may do whatever the shop: something every ten seconds through an hour, every minute round the clock."""
THINKING, IN_A_ROW = 1.0, 20
"""Seconds that a person takes at least from click to click, on average over so many."""
_PAUSE = 30 * _MINUTE
_FEW = 20
"""Visitors of whom no quantile says much."""
Places = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Rule:
    """What nobody of a shop does.

    A limit is where nobody is beyond it by the shop's own visitors, nor any person: the middle visitor's busiest hour times the
    cube of how many times busier that of the busiest twentieth is (five standard deviations of a lognormal), but at least
    `HOURLY`; so of days. Bots may be up to a twentieth of the visitors.

    Attributes:
        hour: the most that a visitor does in an hour.
        day: in a day.
        pace: the least seconds from click to click, over `IN_A_ROW` of them.
    """

    hour: float
    day: float
    pace: float

    def __str__(self) -> str:
        return (
            f"more than {self.hour:,.0f} acts in an hour or {self.day:,.0f} in a day, or {IN_A_ROW + 1} clicks less than "
            f"{self.pace:.2g} s apart: neither people nor this shop's other visitors do so"
        )


@dataclasses.dataclass(frozen=True)
class Bots:
    """The bots of an experiment.

    Attributes:
        units: their ids.
        rule: that found them.
        kept: whether they are only counted.
    """

    units: Texts
    rule: Rule
    kept: bool = False

    def people(self, events: Events) -> Events:
        """What all others did; all of it where they are kept."""
        if self.kept or not len(self.units):
            return events
        return events.where(~np.isin(events.unit, self.units))

    @property
    def left_out(self) -> dict[str, int]:
        """How many were."""
        return {} if self.kept else {"bots": len(self.units)}

    @property
    def noted(self) -> dict[str, int]:
        """How many are kept."""
        return {"bots": len(self.units)} if self.kept else {}


def bots(events: Events, units: Texts, kept: bool = False) -> Bots:
    """Finds the bots among some visitors.

    Each click is an act; of all else, what has one moment and kind is one: a page of impressions, the lines of an order.

    Args:
        events: of all visitors.
        units: the ids among whom bots are looked for, and by whom the rule is learnt; sorted.
        kept: whether the caller keeps them.
    """
    if not len(units):
        return Bots(units, Rule(HOURLY, DAILY, THINKING), kept)
    place = np.minimum(np.searchsorted(units, events.unit), len(units) - 1)
    ours = units[place] == events.unit
    order = np.lexsort((events.day[ours], place[ours]))
    user, day, kind = place[ours][order], events.day[ours][order], events.kind[ours][order]
    acts = _acts(user, day, kind)
    busiest = [_busiest(user[acts], day[acts], width, len(units)) for width in (_HOUR, 1.0)]
    clicks = kind == CLICK.name
    paces, thinking = _paces(user[clicks], day[clicks], len(units))
    rule = Rule(_limit(busiest[0], HOURLY), _limit(busiest[1], DAILY), thinking)
    # Where all of a day is written down at midnight, an hour holds the day.
    hourly = (busiest[0] > rule.hour) & (_tick(day) < _HOUR)
    return Bots(units[hourly | (busiest[1] > rule.day) | (paces < rule.pace)], rule, kept)


def _acts(user: Places, day: Floats, kind: Texts) -> npt.NDArray[np.bool_]:
    """Which events are acts, [e]: clicks, and of other kinds the first of a moment."""
    again = np.zeros(len(user), dtype=bool)
    for name in np.unique(kind[kind != CLICK.name]):
        places = np.flatnonzero(kind == name)
        again[places[1:]] = (np.diff(user[places]) == 0) & (np.diff(day[places]) == 0)
    return ~again


def _busiest(user: Places, day: Floats, width: float, users: int) -> Floats:
    """The most acts of each within an hour or a day of the calendar, [users]."""
    stretch = np.floor(day / width).astype(np.int64)
    stretch -= stretch.min(initial=0)
    span = int(stretch.max(initial=0)) + 1
    stretches, counts = np.unique(user * span + stretch, return_counts=True)
    most = np.zeros(users)
    np.maximum.at(most, stretches // span, counts)
    return most


def _limit(most: Floats, least: float) -> float:
    middle, busy = np.quantile(most, (0.5, 0.95))
    return float(max(least, middle * (busy / max(middle, 1.0)) ** 3))


def _paces(user: Places, day: Floats, users: int) -> tuple[Floats, float]:
    """The least seconds a click of each over so many in a row, [users]; and the limit, by what visitors take in the middle.

    The limit is half of what all but a twentieth of the visitors take, but at most what people do.
    The clock's tick is added: two moments that it tells apart by none may be nearly one tick apart.
    """
    paces, tick = np.full(users, np.inf), _tick(day)
    spans = (day[IN_A_ROW:] - day[:-IN_A_ROW] + tick) / IN_A_ROW / _SECOND
    whole = user[IN_A_ROW:] == user[:-IN_A_ROW]
    np.minimum.at(paces, user[IN_A_ROW:][whole], spans[whole])
    gaps, within = np.diff(day) + tick, np.diff(user) == 0
    within &= gaps < _PAUSE
    middles = _medians(user[1:][within], gaps[within] / _SECOND)
    return paces, THINKING if len(middles) < _FEW else min(THINKING, float(np.quantile(middles, 0.05)) / 2)


def _medians(user: Places, values: Floats) -> Floats:
    """The (lower) median of the values of each user who has any."""
    order = np.lexsort((values, user))
    _, first, counts = np.unique(user[order], return_index=True, return_counts=True)
    return values[order][first + (counts - 1) // 2]


def _tick(day: Floats) -> float:
    """The least time that the log tells apart, in days: that of its clock, where it is coarse."""
    moments = np.unique(day)
    return float(np.diff(moments).min()) if len(moments) > 1 else 1.0
