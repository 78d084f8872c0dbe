"""Chances of a click, and of a purchase after it, from what the ranking head says of a candidate.

A chance is a curve of the head's score, its odds times factors of the advertiser and the campaign, and all of it times a factor
of the place. `fitting.py` learns them from what was sold. The factor of a place being one for all, the order of an auction at the first place is that at
every place, as the prices of `auction.py` take it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from aisle.ads.auction import Whole
from aisle.ads.campaign import MILLION, Campaign
from aisle.ads.market import at_odds
from aisle.schema.errors import InputError

Floats = npt.NDArray[np.float64]
Names = Sequence[str] | npt.NDArray[np.str_]
Surface = Literal["search", "recommend"]
SURFACES: tuple[Surface, ...] = ("search", "recommend")
"""Where a score is from: the head says another thing of a search than of a recommendation."""
LEARN_AGAIN = "learn it again by `aisle ads calibrate`"


@dataclasses.dataclass(frozen=True)
class Rate:
    """How often something happens.

    Attributes:
        scores: of the head, rising.
        chances: at each of them, at the first place, of an average advertiser; lines between, and level beyond.
        places: the factor of each place, the first one 1; those below have the last one's.
        advertisers: the factor of each advertiser's odds at the first place; 1 of who isn't named.
        campaigns: the factor of each campaign's odds beside its advertiser's; the same.

    Raises:
        InputError: lengths differ, scores don't rise, or a number is none that a chance or a factor can be.
    """

    scores: tuple[float, ...] = (0.0, 1.0)
    chances: tuple[float, ...] = (0.0, 1.0)
    places: tuple[float, ...] = (1.0,)
    advertisers: Mapping[str, float] = dataclasses.field(default_factory=dict)
    campaigns: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses what no chance comes of."""
        scores, chances = np.array(self.scores, np.float64), np.array(self.chances, np.float64)
        if not len(scores) == len(chances) > 0 or not (np.diff(scores) > 0).all():
            raise InputError(
                f"a calibration has {len(scores)} scores and {len(chances)} chances, expected as many of both, and "
                f"scores that rise: {LEARN_AGAIN}"
            )
        looks, odds = np.array(self.places), np.array([*self.advertisers.values(), *self.campaigns.values()])
        sound = np.isfinite(scores).all() and ((chances >= 0) & (chances <= 1)).all() and len(looks)
        if not (
            sound and (np.isfinite(looks) & (looks >= 0)).all() and (np.isfinite(odds) & (odds > 0)).all()
        ):
            raise InputError(
                "a calibration has a chance that isn't from 0 to 1, a place whose factor isn't 0 or more, or none, a factor of "
                f"odds that isn't above 0, or a score that is no number: {LEARN_AGAIN}"
            )

    def at(
        self,
        scores: npt.ArrayLike,
        places: npt.ArrayLike | None = None,
        advertisers: Names | None = None,
        campaigns: Names | None = None,
    ) -> Floats:
        """[n] chances, 0 to 1; arguments as of `Calibration.chances`, and for which campaign."""
        found = np.interp(np.asarray(scores, np.float64), self.scores, self.chances)
        for names, factors in ((advertisers, self.advertisers), (campaigns, self.campaigns)):
            if names is not None:
                found = at_odds(found, _named(names, factors))
        return found if places is None else np.clip(found * self.looks(places), 0.0, 1.0)

    def looks(self, places: npt.ArrayLike) -> Floats:
        """[n] the factors of places."""
        factors = np.array(self.places, np.float64)
        return factors[np.clip(np.asarray(places, np.int64), 1, len(factors)) - 1]

    def factors(self, campaigns: Sequence[Campaign]) -> Floats:
        """[campaigns] of each one's odds, its advertiser's included."""
        advertisers = _named([campaign.advertiser_id for campaign in campaigns], self.advertisers)
        return advertisers * _named([campaign.campaign_id for campaign in campaigns], self.campaigns)


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What scores mean, by where they are from.

    Attributes:
        click_rates: of what is shown.
        purchase_rates: of what is clicked, within the time after it that the calibration was learnt with.
    """

    click_rates: Mapping[str, Rate]
    purchase_rates: Mapping[str, Rate]

    @classmethod
    def identity(cls) -> Calibration:
        """Takes a score for the chance of a click, at every place, and a purchase after it for certain."""
        certain = Rate(chances=(1.0, 1.0))
        return cls(dict.fromkeys(SURFACES, Rate()), dict.fromkeys(SURFACES, certain))

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """Reads what `to_json` wrote.

        Raises:
            InputError: it is no calibration.
        """
        try:
            said = json.loads(text)
            clicks, purchases = (
                {str(where): _rate(said[part][where]) for where in SURFACES} for part in _PARTS
            )
            return cls(clicks, purchases)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(
                f"no calibration of chances, {type(error).__name__}: {error}; {LEARN_AGAIN}"
            ) from error

    def to_json(self) -> str:
        """As JSON: what `aisle ads calibrate` writes and the gateway reads."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)

    def chances(
        self,
        scores: npt.ArrayLike,
        places: npt.ArrayLike | None = None,
        advertisers: Names | None = None,
        surface: Surface = "search",
    ) -> Whole:
        """[n] chances of a click in whole millionths, at least 1: what an auction takes for quality.

        Args:
            scores: [n], of the served head, as `search`, `recommend` and `rank` answer them.
            places: [n] where each is shown, from 1; None is the first place, as an auction wants it.
            advertisers: [n] who pays; None of average ones.
            surface: whether the scores are of a search or of recommendations.
        """
        return _millionths(self.click_rates[surface].at(scores, places, advertisers))

    def purchases(
        self,
        scores: npt.ArrayLike,
        places: npt.ArrayLike | None = None,
        advertisers: Names | None = None,
        surface: Surface = "search",
    ) -> Whole:
        """[n] chances of a purchase after a click in whole millionths, at least 1; arguments as of `chances`."""
        return _millionths(self.purchase_rates[surface].at(scores, places, advertisers))

    def factors(self, campaigns: Sequence[Campaign], surface: Surface = "search") -> Floats:
        """[2, campaigns] the factors of each one's odds, of a click and of a purchase after it: for `Market.offers`."""
        rates = (self.click_rates[surface], self.purchase_rates[surface])
        return np.stack([rate.factors(campaigns) for rate in rates])


_PARTS = tuple(field.name for field in dataclasses.fields(Calibration))


def _rate(said: Mapping[str, Any]) -> Rate:
    scores, chances, places = (tuple(map(float, said[name])) for name in ("scores", "chances", "places"))
    advertisers, campaigns = (
        {str(name): float(one) for name, one in said[of].items()} for of in ("advertisers", "campaigns")
    )
    return Rate(scores, chances, places, advertisers, campaigns)


def _named(names: Names, factors: Mapping[str, float]) -> Floats:
    return np.array([factors.get(name, 1.0) for name in names], np.float64)


def _millionths(chances: Floats) -> Whole:
    return np.maximum(np.rint(chances * MILLION), 1).astype(np.int64)
