"""What is new, by how much of it was taken this week."""

from __future__ import annotations

import numpy as np

from aisle.model.retrieval.sources.source import Arrays, Inputs, Part, Past, Score, TableSource, Tensors

NEW_DAYS = 28.0
"""An item that was first taken at most so long ago is new."""


def _build(past: Past) -> Arrays:
    new = past.item_numbers["item_first"] <= NEW_DAYS
    return {"taken": np.where(new, past.item_numbers["popularity_7"], 0.0).astype(np.float32)}


def _score(inputs: Inputs, kept: Tensors) -> Tensors:
    return {"new": inputs.everywhere(kept["taken"])}


SOURCE = TableSource(
    "new", (Score("new", recommend=Part(20, 0.3), cold=Part(40, 0.3), number=False),), _score, _build
)
