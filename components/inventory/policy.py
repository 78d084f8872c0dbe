"""How much of each item to order now: (R,S), (s,S) where an order costs, the newsvendor's rule for a season."""

from __future__ import annotations

import dataclasses

import numpy as np

from aisle.components.inventory.distributions import Floats, Forecast, lead_time_variance
from aisle.components.inventory.lot_sizes import economic_order_quantity, with_backorders
from aisle.components.inventory.newsvendor import critical_ratio
from aisle.components.inventory.options import InventoryOptions
from aisle.components.inventory.rule import Rule
from aisle.components.inventory.terms import Terms

YEAR = 365.0
_NOTHING = 1e-9
"""Less than so much of a unit is rounding."""


@dataclasses.dataclass(frozen=True)
class Orders:
    """What is proposed for n items, and what it rests on; units unless said otherwise.

    Attributes:
        expected: the mean demand over the horizon.
        level: the chance that all demand of the horizon should be met with, by the forecast ...
        stretch: ... and how many times the quantile is taken, since the shop's past asked for more.
        point: a position of so much or less is ordered for.
        up_to: where an order brings the position.
        position: what lies there and what is on its way.
        need: what lacks up to there; 0 above the point.
        order: the need, at least the minimum, in whole packs.
        cover_days: how long the position and the order last at the mean demand; infinite where none is expected.
        chance_out: that the position without the order doesn't last for the horizon.
        lacks_without: what would lack over the horizon without the order, expected.
        lacks_with: the same with it.
    """

    expected: Floats
    level: Floats
    stretch: Floats
    point: Floats
    up_to: Floats
    position: Floats
    need: Floats
    order: Floats
    cover_days: Floats
    chance_out: Floats
    lacks_without: Floats
    lacks_with: Floats


def propose(
    demand: Forecast, terms: Terms, position: Floats, options: InventoryOptions, rule: Rule
) -> Orders:
    """Proposes what to order.

    Args:
        demand: of each item over its `Terms.horizon_days`, [n].
        terms: of the items.
        position: what lies there and what is on its way, [n].
        options: the goal, and what an order costs.
        rule: what the goals `fill` and `cycle` come to.
    """
    seasonal = np.isfinite(terms.season_days)
    per_day = demand.mean / np.maximum(terms.horizon_days, 1)
    demand = demand.spread(np.where(seasonal, 0.0, lead_time_variance(per_day, terms.lead_sd)))
    levels = np.where(seasonal, _of_season(terms, options), _levels(terms, options, rule.level))
    stretch = np.where(seasonal | (options.goal == "cost"), 1.0, rule.stretch)
    point = stretch * demand.quantile(levels)
    up_to = point + np.where(seasonal, 0.0, _lot(per_day, terms, options))
    need = np.where(point - position > _NOTHING, up_to - position, 0.0)
    packs = np.ceil(np.maximum(need, terms.minimum) / terms.pack - _NOTHING)
    order = np.where(need > 0, packs * terms.pack, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        cover = np.where(per_day > 0, (np.maximum(position, 0) + order) / per_day, np.inf)
    return Orders(
        demand.mean, levels, stretch, point, up_to, position, need, order, cover,
        1 - demand.within(position), demand.short(position), demand.short(position + order),
    )  # fmt: skip


def _levels(terms: Terms, options: InventoryOptions, level: float) -> Floats:
    """The chance by the goal; by cost, a unit kept until the next order against a unit that lacks."""
    if options.goal != "cost":
        return np.full(len(terms.pack), level)
    kept = terms.holding * terms.review_days
    lacking = (
        terms.price - terms.unit_cost
        if options.shortage == "lost"
        else options.backorder_cost * terms.price * terms.review_days / YEAR
    )
    return critical_ratio(kept, np.maximum(lacking, _NOTHING))


def _of_season(terms: Terms, options: InventoryOptions) -> Floats:
    left_over = terms.unit_cost * (1 - options.salvage_share)
    return critical_ratio(
        np.maximum(left_over, _NOTHING), np.maximum(terms.price - terms.unit_cost, _NOTHING)
    )


def _lot(per_day: Floats, terms: Terms, options: InventoryOptions) -> Floats:
    """What is ordered beyond the point: none where an order costs nothing."""
    if not options.order_cost:
        return np.zeros(len(per_day))
    holding, rate = terms.holding * YEAR, np.maximum(per_day, 0) * YEAR
    if options.shortage == "backorder":
        return with_backorders(options.order_cost, holding, options.backorder_cost * terms.price, rate)
    return economic_order_quantity(options.order_cost, holding, rate)
