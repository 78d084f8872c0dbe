"""Who is shown how much: exposure by popularity, category and brand, against what was taken."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from aisle.components.evaluator.measures.metrics import Floats, Ints, without_repeats
from aisle.components.evaluator.measures.popularity_bias import GROUPS, popularity_groups
from aisle.components.evaluator.measures.protocol import Protocol, positions

OTHERS = "all others"
NOT_STATED = "(none)"
_SHOWN = 10
_LEVEL = "/"


@dataclasses.dataclass(frozen=True)
class Grouping:
    """A way to part the catalogue: `names` of the groups, and each item's place in them, [items]."""

    by: str
    names: list[str]
    groups: Ints


def exposure(answers: Ints, items: int) -> Floats:
    """Sums the attention each item gets, 1 / log2(rank + 1) a place (Singh and Joachims 2018).

    Args:
        answers: item indices, best first, [n, k]; -1 is an empty place, a repeated item counts once.
        items: how many there are.

    Returns:
        [items].
    """
    answers = without_repeats(answers)
    weight = 1.0 / np.log2(np.arange(2, answers.shape[1] + 2, dtype=np.float64))
    weights = np.broadcast_to(weight, answers.shape)
    given = answers >= 0
    return np.bincount(answers[given], weights[given], items).astype(np.float64)


def group_shares(values: Floats, groups: Ints, count: int) -> Floats | None:
    """Returns each group's share of the items' values, [count]; None where there is nothing to share."""
    sums = np.bincount(groups, values, count)
    total = sums.sum()
    return np.asarray(sums / total, np.float64) if total > 0 else None


def total_variation(one: Floats, other: Floats) -> float:
    """Half the sum of the absolute differences of two distributions over the same groups, 0 to 1.

    The share of exposure that would have to move to another group for the two to be the same. Unlike a
    divergence it is defined where a group gets nothing, and unlike Gini it says who deserved how much.
    """
    return float(0.5 * np.abs(one - other).sum())


def groupings(protocol: Protocol, items: pa.Table) -> list[Grouping]:
    """Parts the catalogue by popularity, and by top category and brand where the shop states them."""
    train = protocol.train
    counts = np.bincount(train.items, minlength=train.n_items).astype(np.int64)
    found = [Grouping("popularity", list(GROUPS), popularity_groups(counts))]
    row = positions(protocol.item_ids, items.column("item_id").cast(pa.string()).combine_chunks())
    for by in ("category", "brand"):
        values = items.column(by).to_pylist() if by in items.column_names else []
        texts = [_top(value) if by == "category" else str(value or "").strip() for value in values]
        if any(texts):
            names, groups = np.unique([texts[r] or NOT_STATED for r in row], return_inverse=True)
            found.append(Grouping(by, names.tolist(), groups.astype(np.int64)))
    return found


def exposure_tables(protocol: Protocol, answers: Mapping[str, Ints], items: pa.Table) -> list[dict[str, Any]]:
    """Holds each system's exposure against what the tested users took.

    Args:
        protocol: the test.
        answers: item indices by system, [n, k].
        items: the catalogue, with `item_id` and perhaps `category` and `brand`.

    Returns:
        A record a grouping: `by`; `groups`, the ones most taken first and the rest as one, each with
        `name`, its share of the `catalogue`, its share of what was `taken`, its share of the
        `exposure` by system; and `distance`, the total variation of exposure and taken, by system.
    """
    taken = np.asarray(protocol.truth.sum(axis=0), np.float64).ravel()
    seen = {name: exposure(found, len(protocol.item_ids)) for name, found in answers.items()}
    return [_table(grouping, taken, seen) for grouping in groupings(protocol, items)]


def _table(grouping: Grouping, taken: Floats, seen: Mapping[str, Floats]) -> dict[str, Any]:
    count = len(grouping.names)
    wanted = group_shares(taken, grouping.groups, count)
    shares = {name: group_shares(values, grouping.groups, count) for name, values in seen.items()}
    catalogue = group_shares(np.ones(len(taken)), grouping.groups, count)
    order = np.arange(count)
    if grouping.by != "popularity" and wanted is not None:
        order = np.argsort(-wanted, kind="stable")
    parts = [(grouping.names[place], [place]) for place in order[:_SHOWN]]
    if count > _SHOWN:
        parts.append((OTHERS, order[_SHOWN:].tolist()))

    def share(values: Floats | None, places: list[int]) -> float | None:
        return None if values is None else float(values[places].sum())

    return {
        "by": grouping.by,
        "groups": [
            {
                "name": name,
                "catalogue": share(catalogue, places),
                "taken": share(wanted, places),
                "exposure": {system: share(values, places) for system, values in shares.items()},
            }
            for name, places in parts
        ],
        "distance": {
            system: None if wanted is None or values is None else total_variation(values, wanted)
            for system, values in shares.items()
        },
    }


def _top(category: Any) -> str:
    """The first level of a category's path."""
    levels = (level.strip() for level in str(category or "").split(_LEVEL))
    return next((level for level in levels if level), "")
