"""What a user took before: how often, and how long ago."""

from __future__ import annotations

from aisle.model.retrieval.counts import SUMS
from aisle.model.retrieval.sources.source import Inputs, Part, Score, TableSource, Tensors

_PARTS = {"repeat_60": Part(120, 2.0)}


def _score(inputs: Inputs, _: Tensors) -> Tensors:
    return inputs.sums


SOURCE = TableSource("repeat", tuple(Score(name, recommend=_PARTS.get(name)) for name in SUMS), _score)
