"""What the served model tells of its items beside their titles."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.item_table import ItemTable
from aisle.model.stored import stored
from aisle.schema import contract


class ItemFacts(tf.Module):
    """The catalogue's columns that filters go by, and the moment that they are of.

    Example:
        >>> nothing, price, stock = [""] * 2, np.array([5.0, np.nan]), np.array([0.0, np.nan])
        >>> facts = ItemFacts(ItemTable(nothing, nothing, ["Home", ""], nothing, price, stock), as_of=7)
        >>> told = facts.of(tf.constant([[0, -1]]))
        >>> told["prices"].numpy().tolist(), told["sold_out"].numpy().tolist(), int(told["as_of"])
        ([[5.0, nan]], [[True, False]], 7)
    """

    def __init__(self, table: ItemTable, as_of: int = 0) -> None:
        """Args: `table`: of the catalogue, [n] items. `as_of`: microseconds UTC."""
        super().__init__()
        self._prices = stored(table.prices, tf.float32)
        self._sold_out = stored(table.stock <= 0, tf.bool)
        self._categories, self._brands = (
            stored(names, tf.string) for names in (table.categories, table.brands)
        )
        self._as_of = stored(np.array(as_of), tf.int64)

    def move_to(self, as_of: int) -> None:
        """Goes to another moment, in microseconds UTC."""
        self._as_of.assign(as_of)

    def of(self, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        """The contract's `facts` of item rows, int32 [b, m], -1 of unknown ones."""
        known, row = rows >= 0, tf.maximum(rows, 0)

        def told(column: tf.Variable, unknown: object) -> tf.Tensor:
            return tf.where(known, tf.gather(column, row), unknown)

        return {
            contract.KNOWN: known,
            contract.PRICES: told(self._prices, np.float32(np.nan)),
            contract.SOLD_OUT: told(self._sold_out, False),
            contract.CATEGORIES: told(self._categories, ""),
            contract.BRANDS: told(self._brands, ""),
            contract.AS_OF: tf.identity(self._as_of),
        }
