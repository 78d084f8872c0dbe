from __future__ import annotations

import numpy as np
import pytest

from aisle.schema.demand import Series
from aisle.schema.errors import InputError

WEEKS = np.datetime64("2024-01-01") + 7 * np.arange(3)


def series(quantity: list[list[float]], **tables: np.ndarray) -> Series:
    values = np.array(quantity)
    return Series(np.array(["a", "b"]), WEEKS, 7, values, tables.pop("revenue", values), **tables)


@pytest.mark.parametrize(
    ("quantity", "tables", "message"),
    [
        ([[1.0, 2, 3]], {}, r"quantity has the shape \(1, 3\), expected \(2, 3\)"),
        (
            [[1.0, 2, 3]] * 2,
            {"revenue": np.ones((2, 2))},
            r"revenue has the shape \(2, 2\), expected \(2, 3\)",
        ),
        ([[1.0, 2, 3]] * 2, {"orders": np.ones(3)}, r"orders has the shape \(3,\), expected \(2, 3\)"),
        ([[1.0, -2, 3]] * 2, {}, "quantity holds -2 to 3; expected finite numbers of at least 0"),
        ([[1.0, 2, np.inf]] * 2, {}, "quantity holds 1 to inf"),
    ],
)
def test_tables_that_are_no_demand_are_refused(
    quantity: list[list[float]], tables: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        series(quantity, **tables)


def test_a_part_has_the_same_periods_or_items_in_every_table() -> None:
    whole = series([[1, 2, np.nan], [4, 5, 6]], orders=np.array([[1.0, 2, 3], [4, 5, 6]]))
    past, second = whole.before(2), whole.of(np.array([False, True]))
    assert past.orders is not None and second.orders is not None
    assert (past.quantity.tolist(), past.orders.tolist(), len(past.starts)) == (
        [[1, 2], [4, 5]],
        [[1, 2], [4, 5]],
        2,
    )
    assert (second.item_ids.tolist(), second.revenue.tolist(), second.orders.tolist()) == (
        ["b"],
        [[4, 5, 6]],
        [[4, 5, 6]],
    )
    assert (past.usual, len(second)) == (None, 1)
