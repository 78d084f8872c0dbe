"""What is taken in one order and, where another shop says so, what is likely to be by what it is."""

from __future__ import annotations

import numpy as np
import polars as pl
import scipy.sparse as sp

from aisle.model.retrieval.co_occurrence import cosine
from aisle.model.retrieval.sources.neighbours import neighbours, spread
from aisle.model.retrieval.sources.source import Arrays, Inputs, Part, Past, Score, TableSource, Tensors

_HALF_LIFE = 60.0
"""Days after which an order counts half."""


def _build(past: Past) -> Arrays:
    basket = pl.struct("user_id", "session_id").rank("dense").cast(pl.Int64) - 1
    rows = past.known.select(basket.alias("basket"), "row", "age")
    number, age = rows["basket"].to_numpy(), rows["age"].to_numpy()
    size = int(number.max()) + 1 if len(number) else 1
    weight = np.zeros(size, np.float32)
    weight[number] = 0.5 ** (age / _HALF_LIFE)
    cells = (np.ones(len(number), np.float32), (number, rows["row"].to_numpy()))
    held = sp.csr_matrix(cells, (size, past.count))
    held.data[:] = 1.0
    found = cosine(held, weight, shrink=1.0)
    if past.follows is not None:
        found = past.follows.beside(found, np.asarray(weight @ held, np.float64))
    return neighbours(found)


def _score(inputs: Inputs, kept: Tensors) -> Tensors:
    counts = inputs.taken.counts
    all_orders, latest = spread(inputs, kept, [counts["repeat_60"], counts["latest_order"]])
    return {"baskets": all_orders, "latest_basket": latest}


SOURCE = TableSource(
    "baskets",
    (
        Score("baskets", recommend=Part(60, 1.0), share=True),
        Score("latest_basket", recent=Part(60, 1.0), share=True),
    ),
    _score,
    _build,
)
