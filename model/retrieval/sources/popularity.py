"""What sells: to everyone, and to known users, in the last four weeks."""

from __future__ import annotations

from aisle.model.retrieval.sources.source import Inputs, Part, Score, TableSource, Tensors

_NAMES = ("popularity", "popularity_28")


def _score(inputs: Inputs, _: Tensors) -> Tensors:
    return {name: inputs.everywhere(inputs.item_numbers[name]) for name in _NAMES}


SOURCE = TableSource(
    "popularity",
    (
        # The head reads both among the item's own numbers.
        Score("popularity", recommend=Part(30, 0.3), cold=Part(100, 1.0), number=False),
        Score("popularity_28", recommend=Part(30, 0.3), number=False),
    ),
    _score,
)
