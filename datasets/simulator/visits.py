"""When a simulated shop's users come, and what each page they open is about."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.datasets.simulator.catalogue import ATTRIBUTES, STYLE, Catalogue, Floats, Ints
from aisle.datasets.simulator.options import SimulatorOptions
from aisle.datasets.simulator.people import People

VISITS_PER_DAY = 0.12
"""By a user of average activity, where no number of events is asked for."""
EVENTS_PER_VISIT = 19.5
"""Measured over seeds and sizes: what turns a wanted number of events into visits."""
EXTRA_PAGES = 0.9
"""The mean number of pages of a visit after its first."""
SEARCH_SHARE = 0.65
"""The share of pages that answer a query; the others are home pages."""
SEASONAL_SHARE = 0.15
"""The share of pages about what the month suggests instead of the user's own interests."""
ANONYMOUS_SHARE = 0.12
"""The share of visits by users who didn't log in."""
WEEKDAYS = np.array([0.95, 0.9, 0.9, 0.95, 1.0, 1.2, 1.25])
"""Visits by day of the week, Monday first."""

NO_ATTRIBUTE = len(ATTRIBUTES)
PLAIN, MANY, SYNONYM, MISSPELLED = range(4)
"""How a query words its noun."""
WORDINGS = np.array([0.45, 0.25, 0.2, 0.1])


@dataclasses.dataclass(frozen=True)
class Pages:
    """All pages opened, by column; p is the number of pages.

    Attributes:
        visit: [p] the visit it belongs to.
        user: [p] who opened it, logged in or not.
        anonymous: [p] whether the user isn't logged in.
        time: [p] seconds since the epoch.
        searched: [p] whether it answers a query.
        leaf: [p] the category wanted.
        noun: [p] the product type wanted.
        attribute: [p] the column of `Catalogue.attributes` the query names, or NO_ATTRIBUTE.
        word: [p] the value it names; -1 for none.
        wording: [p] PLAIN, MANY, SYNONYM or MISSPELLED.
    """

    visit: Ints
    user: Ints
    anonymous: NDArray[np.bool_]
    time: Ints
    searched: NDArray[np.bool_]
    leaf: Ints
    noun: Ints
    attribute: Ints
    word: Ints
    wording: Ints


def traffic(options: SimulatorOptions) -> Floats:
    """Returns [days] the relative number of visits: busier at weekends, and towards Christmas."""
    days = [options.start + datetime.timedelta(days=day) for day in range(options.days)]
    weekly = WEEKDAYS[[day.weekday() for day in days]]
    of_year = np.array([day.timetuple().tm_yday for day in days])
    winter = 0.15 * np.cos(2 * np.pi * (of_year - 15) / 365)
    christmas = 0.8 * np.exp(-(((of_year - 345) / 14) ** 2))
    visits: Floats = (weekly * (1 + winter + christmas)).astype(np.float32)
    return visits


def make_pages(
    options: SimulatorOptions, catalogue: Catalogue, people: People, rng: np.random.Generator
) -> Pages:
    """Returns every page opened, in no order, all while its user is a member."""
    user, start = _visits(options, people, rng)
    anonymous = rng.random(len(user)) < ANONYMOUS_SHARE
    pages = 1 + rng.poisson(EXTRA_PAGES, len(user))
    visit = np.repeat(np.arange(len(user)), pages)
    nth = np.arange(len(visit)) - np.repeat(np.cumsum(pages) - pages, pages)
    time = start[visit] + nth * 240 + rng.integers(60, size=len(visit))
    leaf = _leaves(catalogue, people, user[visit], time, rng)
    noun, attribute, word = _wishes(catalogue, people, user[visit], leaf, rng)
    return Pages(
        visit=visit,
        user=user[visit],
        anonymous=anonymous[visit],
        time=time,
        searched=rng.random(len(visit)) < SEARCH_SHARE,
        leaf=leaf,
        noun=noun,
        attribute=attribute,
        word=word,
        wording=rng.choice(len(WORDINGS), size=len(visit), p=WORDINGS),
    )


def _visits(options: SimulatorOptions, people: People, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Returns the user and the starting second of each visit."""
    cumulative = np.concatenate([[0.0], np.cumsum(traffic(options), dtype=np.float64)])
    joined_day = np.clip((people.joined - options.start_seconds) // 86_400, 0, options.days)
    weight = people.activity * (cumulative[-1] - cumulative[joined_day])
    if options.events is None:
        weight *= VISITS_PER_DAY * options.days / cumulative[-1] / people.activity.mean()
    else:
        weight *= options.events / EVENTS_PER_VISIT / weight.sum()
    visits = rng.poisson(weight)
    visits[np.argmin(people.joined)] += visits.sum() == 0  # the smallest of shops has a visitor too
    user = np.repeat(np.arange(options.users), visits)
    earliest = cumulative[joined_day[user]]
    drawn = earliest + rng.random(len(user)) * (cumulative[-1] - earliest)
    day = np.clip(np.searchsorted(cumulative, drawn, side="right") - 1, joined_day[user], options.days - 1)
    # From 6 to 22 o'clock, most in the evening: members join before 6, and visits end on the same day.
    second = 6 * 3_600 + rng.beta(2.2, 1.6, len(user)) * 16 * 3_600
    return user, options.start_seconds + day * 86_400 + second.astype(np.int64)


def _leaves(catalogue: Catalogue, people: People, user: Ints, time: Ints, rng: np.random.Generator) -> Ints:
    """Returns the leaf each page is about, from the user's interests or the month's."""
    own = _draw(people.affinity, user, rng)
    peaks = np.array([leaf.peak_month for leaf in catalogue.vocabulary.leaves])
    away = np.abs(np.arange(1, 13)[:, None] - peaks)
    interest = np.where(peaks > 0, np.exp(-np.minimum(away, 12 - away)), 0.0)
    month = time.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) % 12
    seasonal = _draw(interest / interest.sum(axis=1, keepdims=True), month, rng)
    leaf: Ints = np.where(rng.random(len(user)) < SEASONAL_SHARE, seasonal, own)
    return leaf


def _draw(probabilities: NDArray[np.floating[Any]], row: Ints, rng: np.random.Generator) -> Ints:
    """Returns for each of `row` [n] a column, drawn by the probabilities [rows, columns] of that row."""
    rows, columns = probabilities.shape
    # One search does for all rows: the cumulative probabilities of row r are laid into [r, r + 1).
    cumulative = np.minimum(np.cumsum(probabilities, axis=1, dtype=np.float64), 1 - 1e-9)
    cumulative[:, -1] = 1 - 1e-9
    laid = (cumulative + np.arange(rows)[:, None]).ravel()
    column = np.searchsorted(laid, row + rng.random(len(row)), side="right") - row * columns
    return np.clip(column, 0, columns - 1)


def _wishes(
    catalogue: Catalogue, people: People, user: Ints, leaf: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Returns the noun each page is about, and the attribute and word its query names.

    The wish is modelled on some item of the leaf, so that what is asked for is sold; who names a style
    names one they like.
    """
    order = np.argsort(catalogue.leaf, kind="stable")
    sizes = np.bincount(catalogue.leaf, minlength=len(catalogue.vocabulary.leaves))
    first = np.cumsum(sizes) - sizes
    model = order[first[leaf] + rng.integers(sizes[leaf])]
    attribute = rng.choice(NO_ATTRIBUTE + 1, size=len(leaf), p=[0.15, 0.15, 0.15, 0.1, 0.45])
    word = np.append(catalogue.attributes, np.full((len(catalogue.leaf), 1), -1), axis=1)[model, attribute]
    word = np.where(attribute == STYLE, _draw(people.style, user, rng), word)
    attribute = np.where(word < 0, NO_ATTRIBUTE, attribute)
    return catalogue.noun[model], attribute, word
