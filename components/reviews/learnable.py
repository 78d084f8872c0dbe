"""What of a shop's reviews a model can learn from: each text once, and whether it is good."""

from __future__ import annotations

import logging

import polars as pl
import pyarrow as pa

from aisle.components.reviews.options import ReviewOptions
from aisle.components.reviews.written import GOOD, with_labels, written
from aisle.schema.errors import InputError


def known_texts(reviews: pl.DataFrame) -> pl.DataFrame:
    """`text` and `good` of those that are known, in their order; what as many call good as bad teaches nothing.

    Args:
        reviews: of `with_labels`.
    """
    known = (
        reviews.filter((pl.col("text") != "") & pl.col(GOOD).is_not_null())
        .group_by("text", maintain_order=True)
        .agg(pl.col(GOOD).mean())
    )
    return known.filter(pl.col(GOOD) != 0.5).with_columns((pl.col(GOOD) > 0.5).cast(pl.Float64))


def learnable(events: pa.Table | None, options: ReviewOptions) -> pl.DataFrame | None:
    """The texts that the served model learns from: the latest `options.served` that are known.

    A run goes on without them where `aisle reviews` would refuse: it says why, in the log.

    Args:
        events: cleaned; None where the shop has none.
        options: what the settings say.

    Returns:
        `text` and `good`; None where too few are known.
    """
    if events is None or not options.served:
        return None
    try:
        reviews = written(pl.DataFrame(pl.from_arrow(events)), options).reviews
        known = known_texts(with_labels(reviews, options)).tail(options.served)
    except InputError as error:
        logging.info("no signature sentiment: %s", error)
        return None
    fewest = min(int((known[GOOD] == kind).sum()) for kind in (0.0, 1.0))
    return known if fewest >= options.fewest else None
