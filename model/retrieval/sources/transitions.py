"""What is taken in the orders after an item's."""

from __future__ import annotations

import numpy as np
import polars as pl
import scipy.sparse as sp

from aisle.model.retrieval.co_occurrence import transitions
from aisle.model.retrieval.sources.neighbours import neighbours, spread
from aisle.model.retrieval.sources.source import Arrays, Inputs, Part, Past, Score, TableSource, Tensors

_L2 = 100.0


def _build(past: Past) -> Arrays:
    columns = past.known.select("user_id", "since", "row").unique()
    rows = columns.sort("user_id", "since", "row", descending=[False, True, False])
    order = rows.select(pl.struct("user_id", "since").rle_id()).to_series().to_numpy().astype(np.int64)
    first = np.flatnonzero(np.diff(order, prepend=-1))
    users = rows["user_id"].rle_id().to_numpy()[first]
    cells = (np.ones(len(order), np.float32), (order, rows["row"].to_numpy()))
    return neighbours(transitions(sp.csr_matrix(cells, (len(users), past.count)), users, _L2))


def _score(inputs: Inputs, kept: Tensors) -> Tensors:
    (found,) = spread(inputs, kept, [inputs.taken.counts["repeat_orders"]])
    return {"transitions": found}


SOURCE = TableSource(
    "transitions", (Score("transitions", recommend=Part(60, 1.0), share=True),), _score, _build
)
