"""Reliability and its error, by hand, against plain Python, scikit-learn, and through TFMA's plot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from aisle.components.evaluator.measures.calibration import calibration_error, reliability
from aisle.components.evaluator.measures.ranking import pick_calibration


def test_two_bins_by_hand() -> None:
    # Four buckets of one example each: predictions 0.1, 0.2, 0.6, 0.8, of which the last two came true.
    predicted, observed = np.array([0.1, 0.2, 0.6, 0.8]), np.array([0.0, 0.0, 1.0, 1.0])
    table = reliability(predicted, observed, np.ones(4), bins=2)
    assert [row["count"] for row in table] == [2, 2]
    assert [row["predicted"] for row in table] == pytest.approx([0.15, 0.7])
    assert [row["observed"] for row in table] == [0.0, 1.0]
    # Half of the examples off by 0.15, half by 0.3.
    assert calibration_error(table) == pytest.approx(0.225)


def test_a_bucket_is_not_cut_so_that_a_heavy_one_is_a_bin_of_its_own() -> None:
    table = reliability(np.array([0.9, 0.2]), np.array([1.0, 0.0]), np.array([90.0, 10.0]), bins=10)
    assert [row["count"] for row in table] == [90, 10]


def test_nothing_has_no_calibration() -> None:
    assert reliability(np.array([]), np.array([]), np.array([])) == []
    assert calibration_error([]) is None


def test_equal_mass_bins_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    predicted = np.sort(rng.random(1000) ** 3)
    observed = (rng.random(1000) < predicted * 0.7).astype(float)
    table = reliability(predicted, observed, np.ones(1000))
    share, mean = calibration_curve(observed, predicted, n_bins=10, strategy="quantile")
    assert [row["observed"] for row in table] == pytest.approx(share.tolist())
    assert [row["predicted"] for row in table] == pytest.approx(mean.tolist())
    assert calibration_error(table) == pytest.approx(float(np.abs(share - mean).mean()))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.integers(0, 5)), min_size=1, max_size=40))
def test_nothing_is_lost_and_the_error_is_plain(rows: list[tuple[float, bool, int]]) -> None:
    rows.sort()
    counts = np.array([count for _, _, count in rows], float)
    predicted = np.array([value for value, _, _ in rows]) * counts
    observed = np.array([float(label) for _, label, _ in rows]) * counts
    table = reliability(predicted, observed, counts)
    assert sum(row["count"] for row in table) == counts.sum()
    assert sum(row["count"] * row["predicted"] for row in table) == pytest.approx(predicted.sum())
    assert sum(row["count"] * row["observed"] for row in table) == pytest.approx(observed.sum())
    means = [row["predicted"] for row in table]
    assert means == pytest.approx(sorted(means))
    error = calibration_error(table)
    assert (error is None) == (counts.sum() == 0)
    if error is not None:
        plain = sum(abs(row["observed"] - row["predicted"]) * row["count"] for row in table)
        assert error == pytest.approx(plain / counts.sum())
        # Never less than the whole is off, for bins can only hide differences of opposite signs.
        assert error >= abs(predicted.sum() - observed.sum()) / counts.sum() - 1e-9


def test_the_plot_of_the_goal_is_read_with_fields_left_out_as_nothing() -> None:
    def bucket(predicted: float, label: float, count: float) -> dict[str, float]:
        full = {
            "totalWeightedRefinedPrediction": predicted,
            "totalWeightedLabel": label,
            "numWeightedExamples": count,
        }
        return {name: value for name, value in full.items() if value}

    def output(*buckets: dict[str, float]) -> dict[str, Any]:
        return {"": {"calibrationHistogramBuckets": {"buckets": list(buckets)}}}

    outputs = {"click": output(bucket(1, 1, 1)), "purchase": output({}, bucket(0.2, 0, 2), bucket(1.5, 1, 2))}
    found = pick_calibration(outputs, "purchase")
    assert found is not None
    assert (found["predicted"], found["observed"]) == pytest.approx((0.425, 0.25))
    assert [(row["predicted"], row["observed"], row["count"]) for row in found["bins"]] == [
        (0.1, 0.0, 2),
        (0.75, 0.5, 2),
    ]
    assert found["ece"] == pytest.approx(0.175)
    assert pick_calibration({}, "purchase") is None
    assert pick_calibration({"": output({})}, "purchase") is None
