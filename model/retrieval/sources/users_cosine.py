"""Items by the cosine of who took them."""

from __future__ import annotations

import numpy as np

from aisle.model.retrieval.co_occurrence import cosine
from aisle.model.retrieval.sources.neighbours import neighbours, spread
from aisle.model.retrieval.sources.source import Arrays, Inputs, Part, Past, Score, TableSource, Tensors


def _build(past: Past) -> Arrays:
    taken = past.by_user()
    return neighbours(cosine(taken, np.ones(taken.shape[0], np.float32), shrink=0.0))


def _score(inputs: Inputs, kept: Tensors) -> Tensors:
    counts = inputs.taken.counts
    found, latest = spread(inputs, kept, [counts["repeat_60"], counts["latest_order"]])
    return {"users_cosine": found, "latest_cosine": latest}


SOURCE = TableSource(
    "users_cosine",
    (Score("users_cosine", share=True), Score("latest_cosine", recent=Part(60, 1.0), share=True)),
    _score,
    _build,
)
