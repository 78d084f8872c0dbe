from __future__ import annotations

import numpy as np
import pytest

from aisle.model.demand.alike import forecast_new
from aisle.schema.errors import InputError
from tests.model.demand.shops import series

NAN = np.nan
MUGS = [[1.0, 0.0], [1.0, 0.1], [0.9, 0.0]]
LAMPS = [[0.0, 1.0], [0.1, 1.0]]
SOLD = [[NAN, 4, 0, 9], [6, 2, 0, 0], [NAN, NAN, NAN, 99], [50, 60, 0, 0], [NAN, 70, 80, 0]]


def test_new_items_begin_as_alike_ones_did() -> None:
    found = forecast_new(
        series(SOLD),
        np.array(MUGS + LAMPS),
        np.array(["mug", "lamp"]),
        np.array([[2.0, 0.0], [0.0, 3.0]]),
        2,
        (0.5, 0.9),
    )
    # Mugs began with 4 and 8 (the third's second week isn't over), lamps with 110 and 150.
    assert found.mean.tolist() == [6.0, 130.0]
    assert found.quantiles == pytest.approx(np.array([[6.0, 7.6], [130.0, 146.0]]))
    assert (found.item_ids.tolist(), found.periods) == (["mug", "lamp"], 2)


@pytest.mark.parametrize("vector", [[0.0, 0.0], [-1.0, -1.0]])
def test_a_new_item_like_none_begins_as_all_did(vector: list[float]) -> None:
    found = forecast_new(series(SOLD), np.array(MUGS + LAMPS), np.array(["?"]), np.array([vector]), 2, (0.5,))
    assert found.mean.tolist() == [(4 + 8 + 110 + 150) / 4]


@pytest.mark.parametrize(
    ("new", "periods", "message"),
    [
        (
            np.zeros((1, 3)),
            2,
            r"vectors of the shape \(1, 3\) and 2 periods; expected a row of 2 numbers each",
        ),
        (np.zeros((1, 2)), 0, "and 0 periods; expected"),
        (np.zeros((1, 2)), 5, "no item's first 5 periods are known"),
    ],
)
def test_new_items_without_a_likeness_are_refused(new: np.ndarray, periods: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        forecast_new(series(SOLD), np.array(MUGS + LAMPS), np.array(["?"]), new, periods)
