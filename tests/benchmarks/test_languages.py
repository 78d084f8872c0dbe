"""The figures of the search in Chinese, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.search.languages import missed_goals, reciprocal_rank


def test_a_reciprocal_rank_counts_half_of_those_alike() -> None:
    scores = np.array([[0.9, 0.5, 0.1], [0.2, 0.2, 0.1], [0.0, 0.0, 0.0]])
    # The second of three; one of two firsts, 1.5; one of three alike, 2.
    assert reciprocal_rank(scores, np.array([1, 0, 2])) == pytest.approx((1 / 2 + 1 / 1.5 + 1 / 2) / 3)


def test_a_goal_that_is_missed_is_named_with_its_figure() -> None:
    assert missed_goals({"mrr": 0.975, "unknown": 0.0099, "readings": 1000}) == []
    missed = missed_goals({"mrr": 0.9, "unknown": 0.01, "readings": 999})
    assert missed == ["mrr 0.9 (goal 0.975)", "unknown 0.01 (goal 0.01)", "readings 999 (goal 1000)"]
