"""The figures of the search in Chinese, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.search.languages import chance, reciprocal_rank


def test_a_reciprocal_rank_counts_half_of_those_alike() -> None:
    scores = np.array([[0.9, 0.5, 0.1], [0.2, 0.2, 0.1], [0.0, 0.0, 0.0]])
    # The second of three; one of two firsts, 1.5; one of three alike, 2.
    assert reciprocal_rank(scores, np.array([1, 0, 2])) == pytest.approx((1 / 2 + 1 / 1.5 + 1 / 2) / 3)


def test_chance_ranks_the_titles_that_hold_both_words_at_random() -> None:
    titles = ["苹果 耳机", "耳机 苹果 白", "苹果耳", "Nike 女鞋"]
    # 苹果 and 耳机, which two titles hold, so that its rank is 1 or 2; 苹 and 果耳机 are not of the title.
    assert chance(titles, ["苹果耳机", "nike女鞋"], [0, 3]) == pytest.approx(((1 + 1 / 2) / 2 + 1) / 2)
