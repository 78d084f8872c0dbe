"""What of a shop's reviews a model can learn from: each text once, and whether it is good."""

from __future__ import annotations

import logging

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from aisle.components.reviews.options import ReviewOptions
from aisle.components.reviews.written import GOOD, with_labels, written
from aisle.components.tables import count_table_rows, table_pieces
from aisle.schema.errors import InputError
from aisle.schema.events import PURCHASE, REVIEW
from aisle.schema.tables import EVENTS

_READ = ("timestamp", "event", "item_id", "user_id", "rating", "text")
"""What is read of the events, beside the label."""


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


def learnable_of(uri: str, options: ReviewOptions) -> pl.DataFrame | None:
    """As `learnable`, of the events of a Tables artifact, of which reviews and what was bought are held alone."""
    if not options.served or not count_table_rows(uri, EVENTS.name):
        return None
    kinds = pa.array([REVIEW.name, PURCHASE.name], pa.large_string())
    pieces = table_pieces(uri, EVENTS.name, (*_READ, options.label))
    events = [
        piece.filter(pc.is_in(piece.column("event").cast(kinds.type), value_set=kinds)) for piece in pieces
    ]
    return learnable(pa.concat_tables(events), options)


def learnable(events: pa.Table, options: ReviewOptions) -> pl.DataFrame | None:
    """The texts that the served model learns from: the latest `options.served` that are known.

    A run goes on without them where `aisle reviews` would refuse: it says why, in the log.

    Args:
        events: cleaned.
        options: what the settings say.

    Returns:
        `text` and `good`; None where too few are known.
    """
    if not options.served:
        return None
    try:
        reviews = written(pl.DataFrame(pl.from_arrow(events)), options).reviews
        known = known_texts(with_labels(reviews, options)).tail(options.served)
    except InputError as error:
        logging.info("no signature sentiment: %s", error)
        return None
    fewest = min(int((known[GOOD] == kind).sum()) for kind in (0.0, 1.0))
    return known if fewest >= options.fewest else None
