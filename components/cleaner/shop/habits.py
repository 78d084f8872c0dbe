"""What a shop's own data say of its items, before any rule of pattern may act."""

from __future__ import annotations

import dataclasses

import polars as pl

from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.shop.products import NoProducts
from aisle.components.cleaner.shop.selling import free_items, unsold
from aisle.components.cleaner.shop.titles import in_capitals


@dataclasses.dataclass(frozen=True)
class Habits:
    """What a shop's own data say of its items.

    Attributes:
        no_products: which ids are none.
        unsold: ids that the events name, and that nobody noticed or paid for; without those given away.
        free: ids of items that are given away.
        twins: spellings of ids that became another one, `strange` and `item`.
        capitals: whether its titles are in capitals.
    """

    no_products: NoProducts
    unsold: pl.Series
    free: pl.Series
    twins: pl.DataFrame
    capitals: bool

    @classmethod
    def gather(
        cls, items: pl.DataFrame, sold: pl.DataFrame, twins: pl.DataFrame, options: CleanerOptions
    ) -> Habits:
        """Gathers it from tidied items, and from how each sells (`selling`)."""
        free, nobodys = free_items(items, sold), unsold(sold)
        return cls(
            NoProducts.find(items["item_id"], sold, options),
            nobodys.filter(~nobodys.is_in(free.implode())),
            free,
            twins,
            in_capitals(items["title"], options),
        )
