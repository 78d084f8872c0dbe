"""Which interactions say what is liked: not those that an ad led to."""

from __future__ import annotations

import polars as pl


def organic(interactions: pl.DataFrame) -> pl.DataFrame:
    """The interactions that no ad led to; the same table where none did, or where nothing says so.

    What an ad led to is part of a user's history. Counted as liking, spending on ads would raise an item's place among those
    that nobody pays for.

    Args:
        interactions: the Labeler's; `sponsored` may be absent.
    """
    if "sponsored" not in interactions.columns or not interactions["sponsored"].any():
        return interactions
    return interactions.filter(~pl.col("sponsored"))
