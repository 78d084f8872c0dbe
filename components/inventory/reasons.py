"""Why an order is proposed, in a line that a buyer can check."""

from __future__ import annotations

import numpy as np

from aisle.components.inventory.policy import Orders
from aisle.components.inventory.terms import Terms

LONG_DAYS = 180
"""A pack or a minimum that lasts so long is said to be large for the demand."""


def reasons(orders: Orders, terms: Terms, on_hand: np.ndarray, on_order: np.ndarray) -> list[str]:
    """Returns a line for each item: forecast, cover, rounding, what it costs not to."""
    return [_reason(orders, terms, on_hand, on_order, place) for place in range(len(orders.order))]


def _reason(orders: Orders, terms: Terms, on_hand: np.ndarray, on_order: np.ndarray, at: int) -> str:
    days = terms.horizon_days[at]
    season = np.isfinite(terms.season_days[at])
    until = f"the {days:g} days left of its season" if season else f"{days:g} days"
    said = (
        f"{_units(orders.expected[at])} expected in {until}, {_units(orders.point[at] / orders.stretch[at])} at most in "
        f"{100 * orders.level[at]:.3g} % of cases{_stretched(orders.stretch[at])}; {_units(on_hand[at])} on hand"
    )
    if on_order[at]:
        said += f" and {_units(on_order[at])} on order"
    if not orders.order[at]:
        return f"{said}: enough"
    said += f": {_units(orders.need[at])} needed{_rounding(orders, terms, at)}"
    if np.isfinite(orders.cover_days[at]):
        said += f", for {orders.cover_days[at]:.0f} days"
    lost = (orders.lacks_without[at] - orders.lacks_with[at]) * terms.price[at]
    return f"{said}; without it {_units(orders.lacks_without[at])} would lack, worth {lost:,.2f}"


def _stretched(stretch: float) -> str:
    return "" if stretch == 1 else f" (and {stretch:.2f} times that, by what past weeks took)"


def _rounding(orders: Orders, terms: Terms, at: int) -> str:
    order, need, pack = orders.order[at], orders.need[at], terms.pack[at]
    if order - need < 1 and pack == 1:
        return f", {_units(order)} ordered"
    least = f" (minimum {_units(terms.minimum[at])})" if terms.minimum[at] > need else ""
    packs = f" in packs of {_units(pack)}" if pack != 1 else ""
    per_day = orders.expected[at] / max(terms.horizon_days[at], 1)
    extra = order - need
    large = per_day > 0 and extra / per_day > LONG_DAYS
    warned = f", {extra / per_day:.0f} days' demand more than needed" if large else ""
    return f", {_units(order)} ordered{packs}{least}{warned}"


def _units(number: float) -> str:
    """A number of units in few digits: whole from 10 up."""
    return f"{number:,.0f}" if abs(number) >= 10 or number == round(number) else f"{number:.1f}"
