"""What the reviews of each item speak of, and by which of an aspect's phrases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

_KINDS: dict[str, pl.DataType | type[pl.DataType]] = {
    "item_id": pl.String,
    "aspect": pl.String,
    "reviews": pl.UInt32,
    "good": pl.Float64,
    "phrases": pl.List(pl.String),
}
_PHRASES = 3


def spoken_of(
    scored: pl.DataFrame,
    aspects: Mapping[str, Sequence[str]],
    held_by: Mapping[str, npt.NDArray[np.int64]],
) -> pl.DataFrame:
    """The aspects of each item.

    Args:
        scored: reviews: `item_id`, and the `probability` of being good, null without words.
        aspects: the phrases of each.
        held_by: which reviews hold a phrase, by their rows.

    Returns:
        `item_id`, `aspect`, `reviews` (how many speak of it), `good` (their mean probability), `phrases` (the three that most
        of them hold); by item, the most spoken of first.
    """
    found = [pl.DataFrame(schema=_KINDS)]
    for aspect, phrases in ((aspect, phrases) for aspect, phrases in aspects.items() if phrases):
        parts = [
            scored[held_by[phrase]].select(
                "item_id", "probability", pl.lit(phrase).alias("phrase"), row=pl.Series(held_by[phrase])
            )
            for phrase in phrases
        ]
        held = pl.concat(parts)
        often = held.group_by("item_id", "phrase").len().sort(["len", "phrase"], descending=[True, False])
        common = often.group_by("item_id", maintain_order=True).agg(
            pl.col("phrase").head(_PHRASES).alias("phrases")
        )
        numbers = (
            held.unique("row")
            .group_by("item_id")
            .agg(pl.len().alias("reviews"), pl.col("probability").mean().alias("good"))
        )
        joined = numbers.join(common, "item_id").with_columns(pl.lit(aspect).alias("aspect"))
        found.append(joined.select(pl.col(name).cast(kind) for name, kind in _KINDS.items()))
    return pl.concat(found).sort(["item_id", "reviews", "aspect"], descending=[False, True, False])
