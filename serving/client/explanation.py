"""Why a search ranks an item as it does, as the served model's `explain` answers it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from aisle.schema import contract


@dataclasses.dataclass(frozen=True)
class Part:
    """What a part adds to the score: `words`, `dense`, `feature.popularity`, …"""

    name: str
    contribution: float


@dataclasses.dataclass(frozen=True)
class WordMatch:
    """A word of the query: the title's word that it met best ("" in an empty title), and what it adds."""

    word: str
    matched: str
    contribution: float


@dataclasses.dataclass(frozen=True)
class FoundBy:
    """A source of candidates that gave the item, and at which place, from 1."""

    source: str
    rank: int


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Why an item scores as it does in a search.

    Attributes:
        item_id: the item.
        score: what the parts sum to: a logit, whose sigmoid `rank` answers; -inf for an unknown item. Of a model
            that learnt from no search, what the sources add up to.
        parts: in the model's order.
        words: in the query's order; they share out the parts of `aisle.schema.contract.WORD_PARTS`.
        found_by: the sources that gave the item; none where they all left it out.
    """

    item_id: str
    score: float
    parts: tuple[Part, ...]
    words: tuple[WordMatch, ...]
    found_by: tuple[FoundBy, ...]


def output_shapes(outputs: Mapping[str, np.ndarray], items: int) -> dict[str, tuple[int, ...]]:
    """The shape that each output must have, by the names of parts, words and sources that came.

    Args:
        outputs: of a request with one query.
        items: how many it asked about.
    """
    sizes = {"b": 1, "m": items}
    for letter, name in _COUNTED.items():
        found = outputs.get(name)
        sizes[letter] = found.shape[-1] if found is not None and found.ndim else 0
    return {
        tensor.name: tuple(sizes[letter] for letter in tensor.shape.split(","))
        for tensor in contract.EXPLAIN.outputs
    }


def read_explanations(item_ids: Sequence[str], outputs: Mapping[str, np.ndarray]) -> list[Explanation]:
    """The explanation of each item, from outputs of the shapes of `output_shapes`."""
    parts, sources = _texts(outputs[contract.PARTS]), _texts(outputs[contract.SOURCES])
    words = _texts(outputs[contract.WORDS][0])
    explained = zip(
        item_ids,
        outputs[contract.SCORES][0].tolist(),
        outputs[contract.CONTRIBUTIONS][0].tolist(),
        outputs[contract.MATCHED_WORDS][0],
        outputs[contract.WORD_CONTRIBUTIONS][0].tolist(),
        outputs[contract.SOURCE_RANKS][0].tolist(),
        strict=True,
    )
    return [
        Explanation(
            item,
            score,
            tuple(map(Part, parts, adds)),
            tuple(map(WordMatch, words, _texts(matched), word_adds)),
            tuple(FoundBy(*found) for found in zip(sources, ranks, strict=True) if found[1]),
        )
        for item, score, adds, matched, word_adds, ranks in explained
    ]


_COUNTED = {"p": contract.PARTS, "q": contract.WORDS, "s": contract.SOURCES}
"""The outputs that tell how many parts, words and sources there are."""


def _texts(values: np.ndarray) -> list[str]:
    return [value.decode(errors="replace") for value in values]
