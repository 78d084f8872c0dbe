"""Items by the cosine of who took them: a number for the ranking head alone."""

from __future__ import annotations

import numpy as np

from aisle.model.retrieval.co_occurrence import cosine
from aisle.model.retrieval.sources.neighbours import neighbours, spread
from aisle.model.retrieval.sources.source import Arrays, Inputs, Past, Score, TableSource, Tensors


def _build(past: Past) -> Arrays:
    taken = past.by_user()
    return neighbours(cosine(taken, np.ones(taken.shape[0], np.float32), shrink=0.0))


def _score(inputs: Inputs, kept: Tensors) -> Tensors:
    (found,) = spread(inputs, kept, [inputs.taken.counts["repeat_60"]])
    return {"users_cosine": found}


SOURCE = TableSource("users_cosine", (Score("users_cosine", share=True),), _score, _build)
