"""Learns chances from what was sold: what was shown because it won an auction, and what became of it."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from aisle.ads.auction import Whole
from aisle.ads.calibration import Floats, Rate
from aisle.schema.errors import InputError

ROUNDS = 8
"""Of curve, places and advertisers, each given the others; they stand still after four or five."""
BIN_EVENTS, LEAST_BINS, MOST_BINS = 50, 10, 40
"""A piece of the curve rests on so many clicks, where that makes neither fewer nor more pieces."""
PLACE_EVENTS = 50
"""Places are taken together until they have so many clicks."""
PRIOR_EVENTS = 10
"""So many clicks speak for the prior of a piece of the curve, and for a place that is looked at as the first one."""
FOLDS = 4
"""Stretches of time: each but the first is foretold by what came before it."""
LEVEL_DEVIATION, SLOPE_DEVIATION = 0.1, 0.1
"""How far what wins is believed to differ before anything is seen of it: standard deviations of log level and slope."""


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
            *(np.asarray(values) for values in (scores, places, advertisers, campaigns, happened, at)),
            one if weight is None else np.asarray(weight),
            one if come is None else np.asarray(come),
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
    advertiser is its clicks over those foretold, shrunk to 1 as far as advertisers differ by chance alone (Marshall 1991), and
    so is that of a campaign beside its advertiser. All are fitted to what won, so that they tell of what wins; but an auction also picks what they got too high, and a later
    one will again. How much less that brings is learnt of later stretches of time, foretold by what came before them, and
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
    looked, beside = np.ones(len(firsts)), [np.ones(len(names)) for names, _ in payers]
    for _ in range(ROUNDS):
        paid = beside[0][payers[0][1]] * beside[1][payers[1][1]]
        at_first = stands * looked[place] * paid
        knots, chances = _curve(scores, np.bincount(level, happened), np.bincount(level, at_first), prior)
        if by_score and scores[0] > 0:
            # Below the lowest centre in proportion to the score: what is all but never clicked isn't level.
            knots, chances = np.append(0.0, knots), np.append(0.0, chances)
        told = stands * np.interp(scores, knots, chances)[level]
        looked = _ratio(np.bincount(place, happened), np.bincount(place, told * paid), PRIOR_EVENTS)
        told *= looked[place]
        for number, (_, which) in enumerate(payers):
            beside[number] = _shrunk(np.bincount(which, happened), np.bincount(which, told))
            told *= beside[number][which]
        looked /= looked[0]
    each = np.repeat(looked, np.diff([*firsts, shows.places.max() + 1]))
    named = (
        dict(zip(names.tolist(), factors.tolist(), strict=True))
        for (names, _), factors in zip(payers, beside, strict=True)
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
    count = np.clip(happened.sum() // BIN_EVENTS, LEAST_BINS, MOST_BINS)
    starts = np.unique((mass * count).astype(np.int64), return_index=True)[1]
    many, told, sums, clicks = (
        np.add.reduceat(values, starts) for values in (stands, likely, stands * scores, happened)
    )
    rates = (clicks + PRIOR_EVENTS) / (told + PRIOR_EVENTS) * told / many
    isotonic = isotonic_regression(rates, weights=many)
    blocks = isotonic.blocks[:-1]
    centres = np.add.reduceat(sums, blocks) / np.add.reduceat(many, blocks)
    return centres, np.minimum(isotonic.x[blocks], 1.0)


def _ratio(happened: Floats, told: Floats, prior: float) -> Floats:
    return np.asarray((happened + prior) / (told + prior), np.float64)


def _shrunk(happened: Floats, told: Floats) -> Floats:
    """Ratios, drawn to 1 by how much of their spread is chance: a Poisson count of a gamma rate."""
    if not happened.sum():
        return np.ones(len(told))
    told = told * happened.sum() / told.sum()
    apart = ((happened - told) ** 2 / np.maximum(told, 1e-9) - 1).sum() / told.sum()
    return _ratio(happened, told, 1 / apart) if apart > 0 else np.ones(len(told))


def _later(shows: Shows, by_score: bool) -> tuple[float, float]:
    """Log level and slope by which what won differs from what was foretold of it before; 0 and 1: not at all."""
    edges = np.quantile(shows.at, np.arange(1, FOLDS) / FOLDS)
    fold = np.searchsorted(edges, shows.at, side="right")
    parts = []
    for number in range(1, FOLDS):
        before, now = shows.take(fold < number), shows.take(fold == number)
        if (before.weight * before.happened).sum() < BIN_EVENTS or not len(now.scores):
            continue
        rate = _fit(before, by_score)
        told = rate.at(now.scores, None, now.advertisers, now.campaigns)
        looked = np.array(rate.places)[np.minimum(now.places, len(rate.places)) - 1]
        parts.append(
            (np.log(np.maximum(told, 1e-9)), now.weight * now.come * looked, now.weight * now.happened)
        )
    if not parts:
        return 0.0, 1.0
    log, stands, happened = (np.concatenate(values) for values in zip(*parts, strict=True))
    return _line(log, stands, happened)


def _line(log: Floats, stands: Floats, happened: Floats) -> tuple[float, float]:
    """The likeliest log level and slope of Poisson counts, by Newton's method, with a normal prior around 0 and 1."""
    middle = float(np.average(log, weights=stands * np.exp(log)))
    design = np.stack([np.ones(len(log)), log - middle], 1)
    prior, precision = np.array([middle, 1.0]), np.array([LEVEL_DEVIATION, SLOPE_DEVIATION]) ** -2.0
    line = prior.copy()
    for _ in range(20):
        told = stands * np.exp(design @ line)
        slope = design.T @ (told - happened) + precision * (line - prior)
        curve = (design * told[:, None]).T @ design + np.diag(precision)
        step = np.linalg.solve(curve, slope)
        line -= step
        if np.abs(step).max() < 1e-9:
            break
    return float(line[0] - line[1] * middle), float(line[1])


def _drawn_in(rate: Rate, level: float, slope: float) -> Rate:
    """The rate with curve and advertisers to the power of the slope, times the level."""
    chances = np.minimum(np.exp(level) * np.maximum(rate.chances, 1e-9) ** slope, 1.0)
    beside = {
        of: {name: factor**slope for name, factor in getattr(rate, of).items()}
        for of in ("advertisers", "campaigns")
    }
    return dataclasses.replace(rate, chances=tuple(chances.tolist()), **beside)
