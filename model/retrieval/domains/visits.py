"""What was taken next in each visit."""

from __future__ import annotations

import numpy as np
import polars as pl

from aisle.model.transfer.following_trial import Visits


def visits_of(liked: pl.DataFrame) -> Visits:
    """Each item that was taken in a visit, and the next one.

    Args:
        liked: interactions with the catalogue's items: `user_id`, `session_id`, `timestamp` and `row`, each item once a visit.

    Example:
        >>> took = {"user_id": ["ann", "ann", "bob"], "session_id": ["s", "s", "t"], "timestamp": [5, 3, 4], "row": [0, 1, 1]}
        >>> visits_of(pl.DataFrame(took)).pairs.tolist()
        [[1, 0]]
    """
    visit = pl.struct("user_id", "session_id")
    rows = liked.sort("user_id", "session_id", "timestamp", "row").with_columns(
        # Who has no name is told by the visit.
        pl.when(pl.col("user_id") != "")
        .then("user_id")
        .otherwise("session_id")
        .rank("dense")
        .alias("visitor"),
        pl.col("row").shift(1).over(visit).alias("before"),
    )
    pairs = rows.drop_nulls("before").select("before", "row", "visitor").to_numpy().astype(np.int64)
    return Visits(pairs[:, :2], pairs[:, 2])
