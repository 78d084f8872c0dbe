"""How much a result's position, not its worth, decides its clicks: propensities and their weights."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import polars as pl

from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.searches.harvest import Cells, Floats, Harvest, Ints, harvest
from aisle.components.labeler.searches.regression_em import kinds_of_pairs, regression_em, sum_unasked
from aisle.schema.splits import TRAIN

HARVEST, EM, NONE = "harvest", "em", "none"
PAIR_AND_POSITION = ("query", "item_id", "position")
"""What results are summed by."""
_PLACE_CLICKS = 50
"""Positions are taken together until they have so many clicks."""
_HARVEST_CLICKS = 20
"""A harvest needs so many clicks at each place on pairs that were shown at several."""
_NORMAL_95 = 1.959964


@dataclasses.dataclass(frozen=True)
class Place:
    """A position, or some that are taken together for want of clicks.

    Attributes:
        first: the highest position.
        last: the lowest.
        shown: results of training there.
        clicks: clicks on them.
        ctr: their click-through rate.
        naive: that rate as a share of the first place's: bias and relevance mixed.
        propensity: how likely a look is, as a share of the first place's.
        low: of its 95 % interval; None where the method gives none.
        high: the same.
    """

    first: int
    last: int
    shown: int
    clicks: int
    ctr: float
    naive: float
    propensity: float
    low: float | None
    high: float | None


@dataclasses.dataclass(frozen=True)
class PositionBias:
    """The estimate: the method that gave it, why not the one asked for ("" : it was), and the places."""

    method: str
    why: str
    places: tuple[Place, ...]


def estimate_position_bias(
    impressions: pl.DataFrame, items: pl.DataFrame, interactions: pl.DataFrame, options: LabelerOptions
) -> PositionBias:
    """Estimates the position bias on the training split.

    Args:
        impressions: of `make_impressions`.
        items: the catalogue.
        interactions: of `make_interactions`.
        options: `position_bias` says how; what the data can't bear falls back to the next of harvest, em,
            none.
    """
    if options.position_bias == NONE:
        return PositionBias(NONE, "", ())
    return bias_of_sums(sum_results(impressions), sum_unasked(interactions), items, options)


def sum_results(impressions: pl.DataFrame) -> pl.DataFrame:
    """Returns how often what was shown and clicked in the training split: query, item_id, position, shown, clicks."""
    train = impressions.lazy().filter((pl.col("split") == TRAIN) & (pl.col("position") > 0))
    # In order, so that the sums of floating-point numbers are the same from run to run.
    summed = train.group_by(PAIR_AND_POSITION, maintain_order=True).agg(
        pl.len().alias("shown"), pl.col("click").sum().alias("clicks")
    )
    return summed.collect()


def bias_of_sums(
    sums: pl.DataFrame, unasked: pl.DataFrame, items: pl.DataFrame, options: LabelerOptions
) -> PositionBias:
    """Estimates the position bias, see `estimate_position_bias`, of sums.

    Args:
        sums: of `sum_results`, in the order in which each first came.
        unasked: of `sum_unasked`.
        items: the catalogue.
        options: the method.
    """
    firsts = _places(sums)
    if len(firsts) < 2:
        clicks = int(sums["clicks"].sum())
        return PositionBias(
            NONE, f"{clicks} clicks on results with a position can't tell positions apart", ()
        )
    cells, pairs = _cells(sums, firsts)
    why = ""
    found = harvest(cells) if options.position_bias == HARVEST else None
    if found is not None:
        least = int(found.clicks.min())
        if not found.joined or least < _HARVEST_CLICKS:
            why = f"too few results moved between positions: {least} clicks on such at one of them"
            found = None
    if found is not None:
        return PositionBias(HARVEST, "", _describe(sums, firsts, found))
    kind = kinds_of_pairs(pairs, items, unasked)
    looked = regression_em(cells, kind)
    unsure = np.full(len(firsts), np.nan)
    return PositionBias(EM, why, _describe(sums, firsts, Harvest(looked, unsure, unsure, joined=False)))


def weigh(impressions: pl.DataFrame, bias: PositionBias, max_weight: float) -> pl.DataFrame:
    """Adds `propensity` and `weight`, the inverse of it, to impressions.

    The weight of a click makes up for the clicks that its position did not get. It is clipped, which
    trades a little bias for much variance, and self-normalised: the mean over the training split's clicks
    is 1 (Swaminathan & Joachims 2015). Where the position is not known, both are null and 1.

    Args:
        impressions: of `make_impressions`.
        bias: of `estimate_position_bias` on all of them; without places every propensity is 1.
        max_weight: the largest inverse of a propensity.
    """
    if not bias.places:
        return impressions.with_columns(propensity=pl.lit(1.0), weight=pl.lit(1.0))
    firsts = np.array([place.first for place in bias.places])
    propensities = np.array([place.propensity for place in bias.places])
    position = impressions["position"].to_numpy()
    propensity = pl.Series(propensities[_place_of(position, firsts)])
    inverse = pl.Series(np.minimum(1 / propensity.to_numpy(), max_weight))
    known = pl.Series(position > 0)
    # By place: the same however the results are parted.
    clicks = np.array([place.clicks for place in bias.places])
    mean = float(clicks @ np.minimum(1 / propensities, max_weight) / clicks.sum()) if clicks.any() else 1.0
    return impressions.with_columns(
        pl.when(known).then(propensity).alias("propensity"),
        pl.when(known).then(inverse / mean).otherwise(1.0).alias("weight"),
    )


def _places(sums: pl.DataFrame) -> Ints:
    """The first position of each place: a position joins the one above until that has its clicks."""
    positions = sums.group_by("position").agg(pl.col("clicks").sum()).sort("position")
    firsts: list[int] = []
    gathered = float(_PLACE_CLICKS)
    for position, clicks in positions.rows():
        if gathered >= _PLACE_CLICKS:
            firsts.append(position)
            gathered = 0.0
        gathered += clicks
    if gathered < _PLACE_CLICKS and firsts:
        firsts.pop()  # What is left at the bottom joins the place above.
    return np.array(firsts, np.int64)


def _place_of(position: Ints, firsts: Ints) -> Ints:
    return np.maximum(np.searchsorted(firsts, position, side="right") - 1, 0)


def _cells(sums: pl.DataFrame, firsts: Ints) -> tuple[Cells, pl.DataFrame]:
    """The sums by pair and place, and the pairs by their number."""
    place = pl.Series("place", _place_of(sums["position"].to_numpy(), firsts))
    cells = (
        sums.with_columns(place)
        .group_by("query", "item_id", "place", maintain_order=True)
        .agg(pl.col("shown").sum(), pl.col("clicks").sum())
    )
    pairs = cells.select("query", "item_id").unique(maintain_order=True).with_row_index("pair")
    cells = cells.join(pairs, on=["query", "item_id"], maintain_order="left")

    def column(name: str, dtype: Any) -> Any:
        return cells[name].to_numpy().astype(dtype)

    return (
        Cells(
            column("pair", np.int64),
            column("place", np.int64),
            column("shown", np.float64),
            column("clicks", np.float64),
        ),
        pairs,
    )


def _describe(sums: pl.DataFrame, firsts: Ints, found: Harvest) -> tuple[Place, ...]:
    """The places with what was seen and estimated there."""
    place = _place_of(sums["position"].to_numpy(), firsts)
    shown = np.bincount(place, sums["shown"].to_numpy())
    clicks = np.bincount(place, sums["clicks"].to_numpy())
    lasts = [*(firsts[1:] - 1).tolist(), int(sums["position"].max())]  # type: ignore[arg-type]
    rate: Floats = clicks / shown
    half = np.exp(_NORMAL_95 * found.error)

    def bound(value: float) -> float | None:
        return None if np.isnan(value) else float(value)

    return tuple(
        Place(
            first=int(firsts[n]),
            last=int(lasts[n]),
            shown=int(shown[n]),
            clicks=int(clicks[n]),
            ctr=float(rate[n]),
            naive=float(rate[n] / rate[0]),
            propensity=float(found.examined[n]),
            low=bound(found.examined[n] / half[n]),
            high=bound(found.examined[n] * half[n]),
        )
        for n in range(len(firsts))
    )
