"""Position bias where nothing was shown at several positions: relevance regressed on what is known of it."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aisle.components.labeler.searches.harvest import Cells, Floats, Ints
from aisle.schema.splits import TRAIN

_STEPS, _TOLERANCE = 2_000, 1e-7
_OVERLAPS, _POPULARITIES = 5, 10
ITEM_AND_WEIGHT = ("item_id", "weight")
"""What is taken without a search is counted by."""
_WORDS = r"[\p{L}\p{N}]+"


def regression_em(cells: Cells, kind: Ints) -> Floats:
    """Estimates how likely each place is looked at, by expectation maximisation.

    Regression-EM (Wang et al. 2018, Position bias estimation for unbiased learning to rank in personal
    search): a click needs a look, whose probability is the place's, and relevance, whose probability is
    regressed on features. The regression is a table of the features' bins, in place of boosted trees.

    Args:
        cells: clicks and impressions by pair and place.
        kind: [pairs] the bin of each pair's features, from 0.

    Returns:
        [p] how likely each place is looked at, as a share of the first place's.
    """
    places = cells.places
    bins, cell_bin = np.unique(kind[cells.pair], return_inverse=True)
    key, which = np.unique(cell_bin * places + cells.place, return_inverse=True)
    shown, clicked = np.bincount(which, cells.shown), np.bincount(which, cells.clicked)
    feature, place = key // places, key % places
    seen, had = np.bincount(place, shown, places), np.bincount(feature, shown, len(bins))
    # It starts from clicks all explained by the place, then lets relevance explain what it can.
    looked = np.clip(np.bincount(place, clicked, places) / seen, 1e-6, None)
    looked *= 0.9 / looked.max()
    relevant = np.clip(1.5 * np.bincount(feature, clicked, len(bins)) / had, 1e-6, 0.99)
    for _ in range(_STEPS):
        look, like = looked[place], relevant[feature]
        no_click = (shown - clicked) / np.maximum(1 - look * like, 1e-9)
        looks = np.bincount(place, clicked + no_click * look * (1 - like), places) / seen
        relevant = np.bincount(feature, clicked + no_click * like * (1 - look), len(bins)) / had
        done = np.abs(looks / looks[0] - looked / looked[0]).max() < _TOLERANCE
        looked = looks
        if done:
            break
    return looked / looked[0]


def sum_unasked(interactions: pl.DataFrame) -> pl.DataFrame:
    """Counts what the training split took without a search: item_id, weight, count.

    Args:
        interactions: of `make_interactions`.
    """
    unasked = interactions.filter((pl.col("split") == TRAIN) & (pl.col("query") == ""))
    return unasked.group_by(ITEM_AND_WEIGHT).agg(pl.len().alias("count"))


def kinds_of_pairs(pairs: pl.DataFrame, items: pl.DataFrame, unasked: pl.DataFrame) -> Ints:
    """Bins what says something of a pair's relevance and is no doing of its position.

    That is the share of the query's words that are in the item's title, and how much the item is taken
    without a search.

    Args:
        pairs: `query`, `item_id`.
        items: `item_id`, `title`.
        unasked: of `sum_unasked`.

    Returns:
        [pairs] bins, from 0.
    """
    # Of counts, in one order: a sum of weights would depend on the order of what was taken.
    weight = pl.col("weight").cast(pl.Float64) * pl.col("count")
    taken = unasked.sort(ITEM_AND_WEIGHT).group_by("item_id", maintain_order=True).agg(weight.sum())
    known = (
        pairs.lazy()
        .join(
            items.lazy().select("item_id", _words("title")), on="item_id", how="left", maintain_order="left"
        )
        .join(taken.lazy(), on="item_id", how="left", maintain_order="left")
        .with_columns(_words("query"))
        .select(
            pl.col("query").list.set_intersection(pl.col("title").fill_null([])).list.len().alias("both"),
            pl.col("query").list.unique().list.len().clip(1).alias("words"),
            pl.col("weight").fill_null(0.0),
        )
        .collect()
    )
    overlap = np.floor(known["both"].to_numpy() / known["words"].to_numpy() * (_OVERLAPS - 1))
    return overlap.astype(np.int64) * _POPULARITIES + _quantile_bins(known["weight"].to_numpy())


def _words(column: str) -> pl.Expr:
    return pl.col(column).str.to_lowercase().str.extract_all(_WORDS)


def _quantile_bins(values: NDArray[np.floating]) -> Ints:
    if not len(values):
        return np.zeros(0, np.int64)
    return np.searchsorted(np.quantile(values, np.arange(1, _POPULARITIES) / _POPULARITIES), values)
