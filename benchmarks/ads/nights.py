"""Days on which places are sold by chances that each night learns again of all days before."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from aisle.ads.calibration import Rate
from aisle.ads.fitting import Shows, fit_rate
from aisle.ads.maturity import fit_delays
from benchmarks.ads.searches import Floats, Ints, Searches
from benchmarks.ads.selling import BID_DEVIATION, DAY, Sold, delays, ranked, sell
from benchmarks.clicks.measures import Platt

WINDOW = 7 * DAY
"""A purchase belongs to a show at most so long after it."""
KNOTS = 200
VISITS = 4
"""Each search is made by so many visitors alike: distinct ones cost an hour to ask for."""


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to make chances of scores.

    Attributes:
        fit: of what was shown; None takes the scores as they are.
        sold: whether it learns of what was sold, and not of what the shop ranked at the same places.
    """

    fit: Callable[[Shows], Rate] | None
    sold: bool = True


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What was sold on some days, n rows.

    Attributes:
        sold: the places.
        clicked: [n] how many of the visitors clicked.
        predicted: [n] the chance of a click, as of the night before.
        bought: [n] the chance of a purchase after it, by `fit_rate` of the clicks so far and how long purchases take.
        at_once: [n] the same, of whoever takes a click without a purchase so far for one without.
    """

    sold: Sold
    clicked: Ints
    predicted: Floats
    bought: Floats
    at_once: Floats


def days(searches: Searches, nights: int, seed: int, method: Method) -> Outcome:
    """What a method sold in the second half of the days, and foretold of it.

    Args:
        searches: of all days.
        nights: they are cut into so many days of as many searches each.
        seed: of bids, clicks and purchases.
        method: makes the chances that the places are sold by.
    """
    bids = np.exp(np.random.default_rng([seed, 1]).normal(0, BID_DEVIATION, len(searches.brands)))
    rng = np.random.default_rng([seed, 2])
    rate, bought, at_once = Rate(), Rate(), Rate()
    past: list[Shows] = []
    log, measured = PurchaseLog(rng), []
    for number, rows in enumerate(np.array_split(np.arange(len(searches.time)), nights)):
        day = searches.take(rows)
        sold = sell(day, lambda scores, *names, now=rate: now.at(scores, None, *names), bids)
        clicked = rng.binomial(VISITS, sold.click)
        if number >= nights // 2:
            told = (
                one.at(sold.scores, sold.places, sold.advertisers, sold.campaigns)
                for one in (rate, bought, at_once)
            )
            measured.append(Outcome(sold, clicked, *told))
        log.add(sold, clicked)
        if method.fit is not None:
            past.append(_clicks(sold, clicked) if method.sold else _unsold(day, rng))
            rate = method.fit(joined(past))
            if number >= nights // 2 - 1:
                bought, at_once = log.learnt(float(day.time[-1]))
    columns = zip(*((one.clicked, one.predicted, one.bought, one.at_once) for one in measured), strict=True)
    return Outcome(
        Sold.joined([one.sold for one in measured]), *(np.concatenate(column) for column in columns)
    )


class PurchaseLog:
    """The clicks so far, and when each is bought."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Nothing was clicked yet; `rng` draws purchases."""
        self._rng = rng
        self._sold: list[Sold] = []
        self._delay: list[Floats] = []

    def add(self, sold: Sold, clicked: Ints) -> None:
        """The clicks of a day."""
        clicks = sold.take(np.repeat(np.arange(len(clicked)), clicked))
        buys = self._rng.random(len(clicks.time)) < clicks.conversion
        self._sold.append(clicks)
        self._delay.append(np.where(buys, delays(len(buys), self._rng), np.inf))

    def learnt(self, now: float) -> tuple[Rate, Rate]:
        """As of a moment: with and without regard to purchases that are still to come."""
        clicks, delay = Sold.joined(self._sold), np.concatenate(self._delay)
        waited = np.asarray(now - clicks.time, np.float64)
        so_far = (delay <= np.minimum(waited, WINDOW)).astype(float)
        come = fit_delays(waited, delay, WINDOW).come(waited)
        young = _shows(clicks, so_far, come).take(come > 0)
        return fit_rate(young, by_score=False), fit_rate(_shows(clicks, so_far), by_score=False)


def _shows(sold: Sold, happened: Floats, come: Floats | None = None) -> Shows:
    names = sold.advertisers, sold.campaigns
    return Shows.of(sold.scores, sold.places, *names, happened, sold.time, come=come)


def _clicks(sold: Sold, clicked: Ints) -> Shows:
    """What all visitors did."""
    shows = _shows(sold, clicked / VISITS)
    return dataclasses.replace(shows, weight=np.full(len(clicked), float(VISITS)))


def _unsold(day: Searches, rng: np.random.Generator) -> Shows:
    """What the shop ranks at the same places, of no advertiser."""
    shown = ranked(day)
    return _nameless(_clicks(shown, rng.binomial(VISITS, shown.click)))


def _nameless(shows: Shows) -> Shows:
    none = np.full(len(shows.scores), "", str)
    return dataclasses.replace(shows, advertisers=none, campaigns=none)


def joined(parts: list[Shows]) -> Shows:
    """Those of several days."""
    names = [field.name for field in dataclasses.fields(Shows)]
    return Shows(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def without_advertisers(shows: Shows) -> Rate:
    """As `fit_rate`, taking all advertisers and campaigns for one."""
    return fit_rate(_nameless(shows))


def platt(shows: Shows) -> Rate:
    """Scale and shift of the log odds at the first place, and how much less lower places are clicked."""
    places = without_advertisers(shows).places
    first = shows.places == 1
    line = Platt.fit(shows.scores[first], shows.happened[first])
    knots = np.unique(np.quantile(shows.scores, np.linspace(0, 1, KNOTS)))
    return Rate(tuple(knots), tuple(line(knots)), places)
