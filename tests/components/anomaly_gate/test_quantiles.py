"""Quantiles of a column in pieces are those of NumPy, to the last bit."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aisle.components.anomaly_gate.compare import quantiles as module
from aisle.components.anomaly_gate.compare.histograms import middle, over
from aisle.components.anomaly_gate.compare.quantiles import quantiles
from aisle.components.anomaly_gate.kept import held_rows

NUMBER = st.one_of(
    st.none(),
    st.floats(width=64),
    st.sampled_from([0.0, -0.0, 1.0, 1.0, 2.5, -2.5, 1e-310, 1.0 + 2**-52, math.nan, math.inf, -math.inf]),
)
SHARES = [0.0, 0.01, 0.3, 0.5, 0.99, 1.0]


def _column(values: list[float | None], piece: int) -> tuple[np.ndarray, module.Rows]:
    """The finite numbers, and the column in pieces."""
    numbers = np.array([value for value in values if value is not None and math.isfinite(value)])
    return numbers, held_rows(pa.table({"x": pa.array(values, pa.float64())}), piece_rows=piece)


@settings(max_examples=150, deadline=None)
@given(st.lists(NUMBER, max_size=40), st.integers(1, 50), st.sampled_from([0, 3, 1_000]))
@example([7.0] * 9 + [None], 4, 0)
@example([None, math.nan], 1, 0)
def test_quantiles_are_those_of_all_numbers_however_few_are_held(
    values: list[float | None], piece: int, held: int
) -> None:
    numbers, rows = _column(values, piece)
    with np.errstate(over="ignore", invalid="ignore"):
        found = quantiles(rows, "x", SHARES, held)
        expected = None if not len(numbers) else np.quantile(numbers + 0.0, SHARES).tolist()
    if expected is None or found is None:
        assert found is expected
    else:
        assert np.array(found).tobytes() == np.array(expected).tobytes()


@pytest.mark.parametrize("held", [10, 100_000])
def test_times_that_begin_alike_are_told_apart(held: int) -> None:
    times = np.random.default_rng(4).integers(1_700_000_000_000_000, 1_700_900_000_000_000, 20_000)
    rows = held_rows(pa.table({"t": times}), piece_rows=7_000)
    assert quantiles(rows, "t", [0.01, 0.99], held) == np.quantile(times, [0.01, 0.99]).tolist()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.integers(1, 70))
def test_the_middle_is_counted_as_that_of_all_numbers(values: list[float], piece: int) -> None:
    numbers, rows = _column([*values], piece)
    low, high = np.quantile(numbers + 0.0, [0.01, 0.99]).tolist()
    assert middle(rows, "x") == over(numbers, low, high, 24 if high > low else 1)


def test_ends_that_are_hardly_apart_hold_all_values_in_one_bucket() -> None:
    # Of microseconds since 1970 the next number is a quarter away, too near for 24 buckets.
    moment = 1_727_913_600_000_000.0
    found = over(np.array([moment, moment + 1, moment + 1, moment + 9]), moment, moment + 1, 24)
    assert (found.counts, found.below, found.above) == ((3, *[0] * 23), 0, 1)
