"""Whether an item may be shown."""

from __future__ import annotations

import math

from aisle.gateway.items.shelf import Told
from aisle.serving import Filters, ItemFact

OPEN = (None, None)
"""Prices that are not asked for."""


def passes(told: Told, fact: ItemFact | None, filters: Filters, otherwise: bool) -> bool:
    """Whether an item is not withdrawn and passes the filter's prices and its `in_stock`.

    Args:
        told: counts first.
        fact: what the version knows, which counts where nothing was told; None where it doesn't say.
        filters: what is asked.
        otherwise: whether what neither says passes.
    """
    if told.withdrawn:
        return False
    if filters.price != OPEN and not _within(told, fact, filters, otherwise):
        return False
    if not filters.in_stock:
        return True
    if told.sold_out is not None:
        return not told.sold_out
    return otherwise if fact is None else not fact.sold_out


def _within(told: Told, fact: ItemFact | None, filters: Filters, otherwise: bool) -> bool:
    if told.price is None and fact is None:
        return otherwise
    price = told.price if told.price is not None else fact.price if fact else None
    low, high = filters.price
    return price is not None and (low or 0.0) <= price <= (math.inf if high is None else high)


def passes_new(told: Told, filters: Filters) -> bool:
    """Whether an item that only what was told is known of passes the whole filter."""
    if not passes(told, ItemFact(None, False, "", ""), filters, otherwise=False):
        return False
    if filters.brands and levels(told.text("brand")) not in [levels(brand) for brand in filters.brands]:
        return False
    wanted = levels(filters.category)
    return levels(told.text("category"))[: len(wanted)] == wanted


def levels(path: str) -> list[str]:
    """The levels of a category without case and the space around them."""
    return [level.strip().casefold() for level in path.strip("/ ").split("/") if level.strip()]
