"""What lies in stock and what is on its way: the latest count of each item."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pyarrow as pa

from aisle.components.inventory.distributions import Floats
from aisle.schema.errors import InputError
from aisle.schema.tables import ITEMS, STOCK


@dataclasses.dataclass(frozen=True)
class Stock:
    """The stock of n items.

    Attributes:
        on_hand: units; NaN where no count says.
        on_order: units on their way.
        table: which table says so: `stock`, or `items` by its column `stock`.
    """

    on_hand: Floats
    on_order: Floats
    table: str

    def position(self, lost: bool) -> Floats:
        """What lies there and what comes; what is owed is taken off where customers wait, and forgotten where they don't."""
        return (np.maximum(self.on_hand, 0) if lost else self.on_hand) + self.on_order


def read_stock(item_ids: np.ndarray, items: pa.Table, stock: pa.Table | None) -> Stock:
    """Returns the stock of items, by the latest count of each.

    Args:
        item_ids: which items, [n].
        items: the cleaned items, whose column `stock` counts where there is no table of it.
        stock: the cleaned table; None where there is none.

    Raises:
        InputError: neither says what lies there.
    """
    if stock is None and "stock" not in items.column_names:
        raise InputError(
            "what is in stock isn't known: there is no table stock, and items have no column stock; add stock.csv with "
            "item_id, on_hand and as_of"
        )
    if stock is None:
        counts = pl.DataFrame(pl.from_arrow(items.select(["item_id", "stock"]))).rename({"stock": "on_hand"})
    else:
        counts = pl.DataFrame(pl.from_arrow(stock)).sort("as_of", maintain_order=True)
    if "on_order" not in counts.columns:
        counts = counts.with_columns(on_order=pl.lit(0.0))
    counts = counts.select("item_id", pl.col("on_hand", "on_order").cast(pl.Float64)).unique(
        "item_id", keep="last"
    )
    rows = pl.DataFrame({"item_id": item_ids.astype(str)})
    found = rows.join(counts, on="item_id", how="left", maintain_order="left")
    return Stock(
        found["on_hand"].fill_null(float("nan")).to_numpy(),
        found["on_order"].fill_null(0.0).to_numpy(),
        ITEMS.name if stock is None else STOCK.name,
    )
