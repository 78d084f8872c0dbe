"""Learns chances from what was sold: what was shown because it won an auction, and what became of it."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from aisle.ads.auction import Whole
from aisle.ads.calibration import Floats, Rate
from aisle.ads.market import at_odds
from aisle.schema.errors import InputError

ROUNDS = 8
"""Of curve, places and advertisers, each given the others; they stand still after four or five."""
BIN_EVENTS, LEAST_BINS, MOST_BINS = 50, 10, 100
"""A piece of the curve rests on so many clicks, where that makes neither fewer nor more pieces."""
PLACE_EVENTS = 50
"""Places are taken together until they have so many clicks."""
PRIOR_EVENTS = 10
"""So many clicks speak for the prior of a piece of the curve, and for a place that is looked at as the first one."""
LATE = 0.25
"""The last part of the time, which what came before is held against."""
LEAST = 1e-9
"""A chance is so far from 0 and from 1 at least where its odds are taken."""
LEVEL_DEVIATION, SLOPE_DEVIATION = 0.02, 0.05
"""How far what wins is believed to differ before anything is seen of it: standard deviations of level and slope of log odds."""


@dataclasses.dataclass(frozen=True)
class Shows:
    """What was sold, and what became of it; n rows.

    Attributes:
        scores: [n] of the head, as of the auction.
        places: [n] where each was shown, from 1.
        advertisers: [n] who paid.
        campaigns: [n] for which campaign.
        happened: [n] whether it was clicked (of a rate of purchases: whether what was clicked was bought), 0 or 1; the share
            that was where a row stands for several.
        at: [n] when, in any unit.
        weight: [n] how many shows a row stands for: of a log that keeps every click and a tenth of the other shows, 1 and 10.
        come: [n] how much of what will happen has had the time to, 0 to 1: of `Delays.come` for purchases.
    """

    scores: Floats
    places: Whole
    advertisers: npt.NDArray[np.str_]
    campaigns: npt.NDArray[np.str_]
    happened: Floats
    at: Whole
    weight: Floats
    come: Floats

    @classmethod
    def of(
        cls,
        scores: Floats,
        places: Whole,
        advertisers: npt.NDArray[np.str_],
        campaigns: npt.NDArray[np.str_],
        happened: Floats,
        at: Whole,
        weight: Floats | None = None,
        come: Floats | None = None,
    ) -> Shows:
        """Of which each row stands for itself, and whose outcome is known.

        Raises:
            InputError: a column has another length, or holds what isn't a number of its kind.
        """
        one = np.ones(len(scores))
        shows = cls(
            scores,
            places,
            advertisers,
            campaigns,
            happened,
            at,
            one if weight is None else weight,
            one if come is None else come,
        )
        lengths = {field.name: len(getattr(shows, field.name)) for field in dataclasses.fields(cls)}
        if len(set(lengths.values())) > 1:
            raise InputError(f"what was sold has columns of {lengths} rows, expected as many of each")
        if not np.isfinite(shows.scores).all() or (shows.places < 1).any():
            raise InputError("what was sold has a score that is no number or a place below 1")
        return shows

    def take(self, rows: npt.NDArray) -> Shows:
        """Some rows."""
        return Shows(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))


def fit_rate(shows: Shows, by_score: bool = True) -> Rate:
    """The rate that tells best what became of what was sold.

    The curve is an isotonic regression of the score with lines between its centres (Oron and Flournoy 2017). The factor of an
    advertiser is of the odds at the first place, shrunk to 1 as far as advertisers differ by chance alone (Marshall 1991), and so
    is that of a campaign beside its advertiser. All are fitted to what won, so that they tell of what wins; but an auction also picks what they got too high, and a later
    one will again. How much less that brings is learnt of the last quarter of the time, foretold by what came before it, and
    level and spread are drawn in by it.

    Args:
        shows: what was sold.
        by_score: whether, until enough is seen, chances go with the score, as those of clicks do; else all are alike, as those
            of purchases after a click.

    Raises:
        InputError: nothing was sold.
    """
    if not len(shows.scores):
        raise InputError("nothing was sold, so there is nothing to learn a chance from")
    return _drawn_in(_fit(shows, by_score), *_later(shows, by_score))


def _fit(shows: Shows, by_score: bool) -> Rate:
    """Curve, places, advertisers and campaigns in turns, each given the others."""
    stands = shows.weight * shows.come
    happened = shows.weight * shows.happened
    firsts = _places(shows.places, happened)
    place = np.searchsorted(firsts, shows.places, side="right") - 1
    scores, level = np.unique(shows.scores, return_inverse=True)
    prior = np.clip(scores, 1e-6, 1.0) if by_score else np.ones(len(scores))
    payers = [np.unique(names, return_inverse=True) for names in (shows.advertisers, shows.campaigns)]
    looked, odds = np.ones(len(firsts)), [np.ones(len(names)) for names, _ in payers]
    beside = np.ones(len(level))
    for _ in range(ROUNDS):
        at_first = stands * looked[place] * beside
        knots, chances = _curve(scores, _sums(level, happened), _sums(level, at_first), prior)
        if by_score and scores[0] > 0:
            # Below the lowest centre in proportion to the score: what is all but never clicked isn't level.
            knots, chances = np.append(0.0, knots), np.append(0.0, chances)
        # Lines between centres lie below a curve that bends down: as many are foretold as there were.
        many = (at_first * np.interp(scores, knots, chances)[level]).sum()
        chances = np.minimum(chances * happened.sum() / max(many, LEAST), 1.0)
        average = np.clip(np.interp(scores, knots, chances), LEAST, 1 - LEAST)[level]
        chance = at_odds(average, odds[0][payers[0][1]] * odds[1][payers[1][1]])
        looked = _ratio(_sums(place, happened), _sums(place, stands * chance), PRIOR_EVENTS)
        looked /= looked[0]
        for number, (_, which) in enumerate(payers):
            others = at_odds(chance, 1 / odds[number][which])
            odds[number] = _odds(which, happened, stands * looked[place], others, odds[number])
            chance = at_odds(others, odds[number][which])
        beside = chance / average
    each = np.repeat(looked, np.diff([*firsts, shows.places.max() + 1]))
    named = (
        dict(zip(names.tolist(), factors.tolist(), strict=True))
        for (names, _), factors in zip(payers, odds, strict=True)
    )
    return Rate(tuple(knots.tolist()), tuple(chances.tolist()), tuple(each.tolist()), *named)


def _places(places: Whole, happened: Floats) -> Whole:
    """The first place of each group: a place joins the one above until that has its clicks."""
    clicks = np.bincount(places, happened)
    firsts, gathered = [1], 0.0
    for place in range(1, len(clicks)):
        if gathered >= PLACE_EVENTS and clicks[place:].sum() >= PLACE_EVENTS:
            firsts.append(place)
            gathered = 0.0
        gathered += clicks[place]
    return np.array(firsts, np.int64)


def _curve(scores: Floats, happened: Floats, stands: Floats, prior: Floats) -> tuple[Floats, Floats]:
    """Scores and chances at them: what happened over what stands for it, rising, in bins of scores that differ.

    Args:
        scores: [s] rising.
        happened: [s] how often it did.
        stands: [s] how often it would at a chance of 1.
        prior: [s] what the chances are taken to go with.
    """
    from scipy.optimize import isotonic_regression

    likely = stands * prior * (happened.sum() + 1) / ((stands * prior).sum() + 1)
    # Half of the bins follow the shows, half what is foretold of them, so that both ends are told apart.
    mass = (np.cumsum(stands) / stands.sum() + np.cumsum(likely) / likely.sum()) / 2
    count = int(np.clip(happened.sum() // BIN_EVENTS, LEAST_BINS, MOST_BINS))
    bins = np.minimum((mass * count).astype(np.int64), count - 1)
    starts = np.unique(bins, return_index=True)[1]
    many, told, sums, clicks = (
        np.add.reduceat(values, starts) for values in (stands, likely, stands * scores, happened)
    )
    rates = (clicks + PRIOR_EVENTS) / (told + PRIOR_EVENTS) * told / many
    isotonic = isotonic_regression(rates, weights=many)
    blocks = isotonic.blocks[:-1]
    centres = np.add.reduceat(sums, blocks) / np.add.reduceat(many, blocks)
    return centres, np.minimum(isotonic.x[blocks], 1.0)


def _sums(which: npt.NDArray[np.intp], values: Floats) -> Floats:
    """[groups] the sum of each."""
    return np.asarray(np.bincount(which, values), np.float64)


def _ratio(happened: Floats, told: Floats, prior: float) -> Floats:
    return np.asarray((happened + prior) / (told + prior), np.float64)


def _odds(which: Whole, happened: Floats, stands: Floats, others: Floats, odds: Floats) -> Floats:
    """The factors of the odds of some groups: one step towards the likeliest, drawn to 1 as far as their spread is chance.

    Args:
        which: [n] the group of each show.
        happened: [n] how often it did.
        stands: [n] how often it would at a chance of 1.
        others: [n] the chance without the factor.
        odds: [groups] the factors so far.
    """
    chance = at_odds(others, odds[which])
    told = _sums(which, stands * chance)
    curve = np.maximum(_sums(which, stands * chance * (1 - chance)), LEAST)
    step = (_sums(which, happened) - told) / curve
    own = np.log(odds) + np.clip(step, -1.0, 1.0)
    own -= np.average(own, weights=curve)
    # The variance among groups beyond that of counts (Marshall 1991), each weighed by what it tells.
    apart = (curve * own**2 - told / curve).sum() / curve.sum()
    if apart <= 0:
        return np.ones(len(odds))
    return np.exp(own * apart / (apart + told / curve**2))


def _later(shows: Shows, by_score: bool) -> tuple[float, float]:
    """Level and slope of the log odds of what won late, by what was foretold of it before; 0 and 1: it was right."""
    late = shows.at >= np.quantile(shows.at, 1 - LATE)
    before, now = shows.take(~late), shows.take(late)
    if (before.weight * before.happened).sum() < BIN_EVENTS:
        return 0.0, 1.0
    rate = _fit(before, by_score)
    told = np.clip(rate.at(now.scores, None, now.advertisers, now.campaigns), LEAST, 1 - LEAST)
    stands = now.weight * now.come * rate.looks(now.places)
    return _line(np.log(told / (1 - told)), stands, now.weight * now.happened)


def _line(log: Floats, stands: Floats, happened: Floats) -> tuple[float, float]:
    """The likeliest level and slope of log odds, by Fisher's scoring of counts, with a normal prior around 0 and 1."""
    middle = float(np.average(log, weights=stands))
    design = np.stack([np.ones(len(log)), log - middle], 1)
    prior, precision = np.array([middle, 1.0]), np.array([LEVEL_DEVIATION, SLOPE_DEVIATION]) ** -2.0
    line = prior.copy()
    for _ in range(20):
        chance = 1 / (1 + np.exp(-(design @ line)))
        slope = design.T @ ((stands * chance - happened) * (1 - chance)) + precision * (line - prior)
        curve = (design * (stands * chance * (1 - chance) ** 2)[:, None]).T @ design + np.diag(precision)
        step = np.linalg.solve(curve, slope)
        line -= step
        if np.abs(step).max() < 1e-9:
            break
    return float(line[0] - line[1] * middle), float(line[1])


def _drawn_in(rate: Rate, level: float, slope: float) -> Rate:
    """The rate with the odds of curve, advertisers and campaigns to the power of the slope, and the level added to their log."""
    chances = np.clip(rate.chances, LEAST, 1 - LEAST)
    odds = np.exp(level) * (chances / (1 - chances)) ** slope
    drawn = np.where(np.array(rate.chances) > 0, odds / (1 + odds), 0.0)
    advertisers, campaigns = (
        {name: factor**slope for name, factor in factors.items()}
        for factors in (rate.advertisers, rate.campaigns)
    )
    return dataclasses.replace(
        rate, chances=tuple(drawn.tolist()), advertisers=advertisers, campaigns=campaigns
    )
