"""A policy held against a past whose demand is known: what it would have sold, and what it would have kept."""

from __future__ import annotations

import dataclasses

import numpy as np

from aisle.components.inventory.distributions import Floats
from aisle.schema.errors import InputError


@dataclasses.dataclass(frozen=True)
class Replay:
    """What a policy did.

    Attributes:
        fill: the share of the demand's value that was met from stock.
        in_stock: of the item-periods with demand, the share that met all of it.
        periods_of_stock: the value left at the end of a period, in periods of the demand's value.
    """

    fill: float
    in_stock: float
    periods_of_stock: float


def replay(demand: Floats, order_up_to: Floats, price: Floats, lead: int = 1, lost: bool = True) -> Replay:
    """Replays (R,S): at the start of each period the stock is looked at, and ordered up to a level.

    It starts with the first level in stock. What is ordered at the start of a period is there `lead` periods later.

    Args:
        demand: units asked for, [n, t].
        order_up_to: the levels, [n, t], each known at the start of its period; they are rounded up to units.
        price: by which items are weighed, [n].
        lead: periods from an order to its arrival.
        lost: whether a customer who finds nothing goes away, and isn't owed.

    Raises:
        InputError: the shapes don't agree, or nothing was asked for.
    """
    if demand.shape != order_up_to.shape or not demand.sum():
        raise InputError(
            f"a replay got demand {demand.shape} that sums to {demand.sum():g} and levels {order_up_to.shape}; expected "
            "some demand, and a level for each item and period"
        )
    levels = np.ceil(order_up_to)
    stock = levels[:, 0].copy()
    coming = [np.zeros(len(demand)) for _ in range(lead)]
    met = asked = whole = times = kept = 0.0
    for period in range(demand.shape[1]):
        wanted = demand[:, period]
        coming.append(np.maximum(levels[:, period] - stock - sum(coming), 0))
        stock += coming.pop(0)
        sold = np.minimum(np.maximum(stock, 0), wanted)
        met, asked = met + float(sold @ price), asked + float(wanted @ price)
        whole, times = (
            whole + float(((sold == wanted) & (wanted > 0)).sum()),
            times + float((wanted > 0).sum()),
        )
        stock -= sold if lost else wanted
        kept += float(np.maximum(stock, 0) @ price)
    return Replay(met / asked, whole / times, kept / asked)
