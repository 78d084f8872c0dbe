"""What the reviews of each item speak of."""

from __future__ import annotations

import numpy as np
import polars as pl

from aisle.components.reviews.spoken import spoken_of


def test_each_item_has_its_aspects_with_the_phrases_that_most_of_its_reviews_hold() -> None:
    scored = pl.DataFrame(
        {"item_id": ["mug", "mug", "mug", "cup", "mug"], "probability": [0.5, 1.0, 0.0, 0.25, None]}
    )
    held_by = {"courier": [1, 2], "parcel": [0, 1, 2, 3], "late": [2], "by mail": [2], "too small": [4]}
    rows = {phrase: np.array(held, np.int64) for phrase, held in held_by.items()}
    aspects = {
        "delivery": ["courier", "parcel", "late", "by mail"],
        "too small": ["too small"],
        "looks": [],
    }
    assert spoken_of(scored, aspects, rows).rows() == [
        ("cup", "delivery", 1, 0.25, ["parcel"]),
        # A review that holds two of the phrases counts once; of as common ones the first by the alphabet stands.
        ("mug", "delivery", 3, 0.5, ["parcel", "courier", "by mail"]),
        ("mug", "too small", 1, None, ["too small"]),
    ]


def test_without_aspects_nothing_is_spoken_of() -> None:
    found = spoken_of(pl.DataFrame({"item_id": ["mug"], "probability": [0.5]}), {}, {})
    assert found.columns == ["item_id", "aspect", "reviews", "good", "phrases"] and found.is_empty()
