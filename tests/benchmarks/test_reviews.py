"""The numbers that the benchmark of reviews gives to heads say what was written by then, and nothing later."""

from __future__ import annotations

import polars as pl
import pytest

from aisle.model.retrieval.sources.source import Past
from benchmarks.reviews.ranking import NUMBERS, of_reviews

REVIEWS = pl.DataFrame(
    {
        "item_id": ["mug", "mug", "hat", "mug", "gone"],
        "timestamp": [1, 5, 5, 6, 2],
        "told": [1.0, 0.5, 0.0, 0.0, 1.0],
    }
)


def test_no_review_after_the_last_thing_known_counts_and_an_item_without_is_as_usual() -> None:
    known = pl.DataFrame({"timestamp": [2, 5, 3]})
    kept = of_reviews(REVIEWS, ["cup", "mug", "hat"]).build(
        Past(3, known, pl.DataFrame(), {}, pl.DataFrame())
    )
    count, good, least = (kept[name].tolist() for name in NUMBERS)
    assert (count, good) == ([0.0, 2.0, 1.0], [0.5, 0.75, 0.0])
    # Wilson's bound of 0.75 of 2, by hand: (0.75 + 0.96 - 1.96 * sqrt(0.09375 + 0.2401)) / 2.9208.
    assert least == pytest.approx([0.0, 0.1980, 0.0], abs=1e-3)


def test_before_anything_is_known_nothing_is_said() -> None:
    empty = pl.DataFrame({"timestamp": []}, {"timestamp": pl.Int64})
    kept = of_reviews(REVIEWS, ["mug"]).build(Past(1, empty, pl.DataFrame(), {}, pl.DataFrame()))
    assert [kept[name].tolist() for name in NUMBERS] == [[0.0], [0.0], [0.0]]
