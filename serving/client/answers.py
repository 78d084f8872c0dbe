"""What the model answers, read from the contract's output tensors."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from aisle.schema.contract import ITEM_IDS, SCORES, TITLE_TEXTS
from aisle.serving.client.errors import BadAnswer
from aisle.serving.client.filters import FACET_NAMES, Facets, read_facets
from aisle.serving.client.inputs import Tensors


class Outputs(dict[str, np.ndarray]):
    """The tensors of an answer by name.

    Attributes:
        version: the number of the model's version that answered; None where the server doesn't tell, or where two
            answered parts of a batch.
    """

    def __init__(self, tensors: Tensors, version: int | None = None) -> None:
        super().__init__(tensors)
        self.version = version


@dataclasses.dataclass(frozen=True)
class ScoredItem:
    """An item and the model's score for it; higher is better."""

    item_id: str
    score: float


class ScoredItems(list[ScoredItem]):
    """A list of items with their scores.

    Attributes:
        fallback: whether the question itself was not answered in time, and this stands in for its answer
            (see `Fallback`).
        version: the number of the model's version that answered; None where it is not known, see `Outputs`.
    """

    def __init__(
        self, items: Iterable[ScoredItem] = (), *, fallback: bool = False, version: int | None = None
    ) -> None:
        super().__init__(items)
        self.fallback = fallback
        self.version = version


@dataclasses.dataclass(frozen=True)
class FilteredItems:
    """A search's best items, best first, and the facets of all that it found.

    Attributes:
        items: best first.
        facets: of all that was found.
        version: as `ScoredItems` has it.
    """

    items: tuple[ScoredItem, ...]
    facets: Facets
    version: int | None = dataclasses.field(default=None, compare=False)


def read_lists(outputs: Tensors, rows: int, k: int, fallback: bool = False) -> list[ScoredItems]:
    """The answered items of each row, without the empty places; raises BadAnswer."""
    ids, scores = read_output(outputs, ITEM_IDS, (rows, k)), read_output(outputs, SCORES, (rows, k))
    return [
        ScoredItems(
            (
                ScoredItem(item.decode(errors="replace"), float(score))
                for item, score in zip(*row, strict=True)
                if item
            ),
            fallback=fallback,
            version=version_of(outputs),
        )
        for row in zip(ids, scores, strict=True)
    ]


def version_of(outputs: Tensors) -> int | None:
    """The version that answered, where it is known."""
    return outputs.version if isinstance(outputs, Outputs) else None


def read_titles(item_ids: Sequence[str], outputs: Tensors) -> dict[str, str]:
    """The titles of those of the items that have one, by their ids; raises BadAnswer."""
    (titles,) = read_output(outputs, TITLE_TEXTS, (1, len(item_ids)))
    return {
        item: title.decode(errors="replace") for item, title in zip(item_ids, titles, strict=True) if title
    }


def read_all_facets(outputs: Tensors) -> Facets:
    """The facets of the one request; raises BadAnswer."""
    read = []
    for name, counts in FACET_NAMES:
        found = outputs.get(name)
        shape = (1, found.shape[-1] if found is not None and found.ndim else 0)
        read.append(read_facets(read_output(outputs, name, shape)[0], read_output(outputs, counts, shape)[0]))
    return Facets(*read)


def read_output(outputs: Tensors, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """An output of that shape; raises BadAnswer."""
    found = outputs.get(name)
    if found is None or found.shape != shape:
        came = "is missing" if found is None else f"has shape {list(found.shape)}"
        raise BadAnswer(f"the model's answer is not of the contract: {name!r} {came}; expected {list(shape)}")
    return found
