"""How much of each item was sold, period by period: what the components make of a shop's events and the forecasts read."""

from __future__ import annotations

import dataclasses

import numpy as np

from aisle.schema.errors import InputError

_TABLES = ("quantity", "revenue", "orders", "usual")


@dataclasses.dataclass(frozen=True)
class Series:
    """The demand of n items over t periods of the same length, oldest first.

    Attributes:
        item_ids: str [n].
        starts: datetime64[D] [t], the first day of each period.
        days: the length of a period: 1, or 7 for weeks.
        quantity: float64 [n, t], units sold less those cancelled. NaN is unknown: before an item's first sale, while it was
            out of stock, or while the shop was closed.
        revenue: float64 [n, t], what those units were sold for; 0 where nothing was sold.
        orders: float64 [n, t], in how many lines: a large order isn't a busy week. None where it isn't told.
        usual: float64 [n, t], the quantity without what one-off bulk lines had above the item's usual order; None where it
            isn't told.

    Raises:
        InputError: the shapes don't agree, or a quantity is below 0 or infinite.
    """

    item_ids: np.ndarray
    starts: np.ndarray
    days: int
    quantity: np.ndarray
    revenue: np.ndarray
    orders: np.ndarray | None = None
    usual: np.ndarray | None = None

    def __post_init__(self) -> None:
        expected = (len(self.item_ids), len(self.starts))
        for name in _TABLES:
            values = getattr(self, name)
            if values is not None and values.shape != expected:
                raise InputError(
                    f"{name} has the shape {values.shape}, expected {expected}: a row an item, a column a period"
                )
        if np.any(self.quantity < 0) or np.any(np.isinf(self.quantity)):
            raise InputError(
                f"quantity holds {np.nanmin(self.quantity):g} to {np.nanmax(self.quantity):g}; expected finite numbers "
                "of at least 0: take returns off the sales that they cancel"
            )

    def __len__(self) -> int:
        return len(self.item_ids)

    def before(self, period: int) -> Series:
        """The first `period` periods: what was known then."""
        return self._cut((slice(None), slice(0, period)))

    def of(self, items: np.ndarray | slice) -> Series:
        """The items at these places, or where a mask is true."""
        return self._cut((items, slice(None)))

    def _cut(self, part: tuple[np.ndarray | slice, slice]) -> Series:
        items, periods = part
        orders = None if self.orders is None else self.orders[part]
        usual = None if self.usual is None else self.usual[part]
        ids, starts = self.item_ids[items], self.starts[periods]
        return Series(ids, starts, self.days, self.quantity[part], self.revenue[part], orders, usual)
