"""How much what items look like says of what is taken together: what a shop's validation window says."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aisle.schema.splits import EVAL

WEIGHTS = (0.125, 0.25, 0.5, 1.0, 2.0)
"""Of the pictures' cosine, beside cosines that count once each; 0 is tried, too."""
DEPTH = 10
"""Of a list of similar items, what is looked at."""
MOST_VISITORS, MOST_ITEMS = 1_000, 3
"""That are asked about: visitors, and items of each."""
_QUESTIONS = 64
"""Whose scores of the whole catalogue are held at a time."""
_LOWER = 1.645
"""Standard errors below a gain where its 90 % interval begins."""


@dataclasses.dataclass(frozen=True)
class Weighed:
    """The weight that was found, and by what.

    Example:
        >>> draw = np.random.default_rng(1)
        >>> towers, looks = draw.normal(size=(60, 9)), np.repeat(np.eye(30), 2, axis=0)
        >>> together = [np.array([2 * pair, 2 * pair + 1]) for pair in range(30)]  # Each two that look the same.
        >>> found = weigh(together, [towers], looks)
        >>> found.weight > 0, found.recalls[2.0], found.recalls[0.0] < 0.5
        (True, 1.0, True)

    Attributes:
        weight: 0 where pictures don't surely win.
        gain: in recall by the best of WEIGHTS over none, the mean of visitors.
        low: the lower end of the gain's 90 % interval; above 0, or the weight is 0.
        visitors: who took two items or more.
        recalls: by weight, 0 first.
    """

    weight: float = 0.0
    gain: float = 0.0
    low: float = 0.0
    visitors: int = 0
    recalls: dict[float, float] = dataclasses.field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """As JSON has them."""
        told = dataclasses.asdict(self)
        told["recalls"] = [{"weight": weight, "recall": recall} for weight, recall in self.recalls.items()]
        return told


def taken_together(interactions: pl.DataFrame, ids: Sequence[str], seed: int = 1) -> list[NDArray[np.int64]]:
    """What visitors took in the validation window: rows of items, two or more of each of some visitors.

    Args:
        interactions: the Labeler's: `user_id`, `session_id`, `item_id`, `timestamp`, `split`.
        ids: of the items, in the order of their rows.
        seed: of which visitors are drawn.
    """
    rows = pl.DataFrame({"item_id": list(ids), "row": np.arange(len(ids), dtype=np.int64)})
    user = pl.col("user_id").fill_null("")
    session = pl.concat_str(pl.lit("\0"), pl.col("session_id").fill_null(""))
    seen = (
        interactions.filter(pl.col("split") == EVAL)
        .with_columns(pl.when(user != "").then(user).otherwise(session).alias("visitor"))
        .filter(pl.col("visitor") != "\0")
        .join(rows, on="item_id")
        .sort("timestamp", "row")
        .unique(["visitor", "row"], keep="first", maintain_order=True)
        .group_by("visitor", maintain_order=True)
        .agg("row")
    )
    found = [np.array(one[:MOST_ITEMS], np.int64) for one in seen["row"].to_list() if len(one) > 1]
    drawn = np.random.default_rng(seed).permutation(len(found))[:MOST_VISITORS]
    return [found[place] for place in np.sort(drawn)]


def weigh(
    together: Sequence[NDArray[np.int64]],
    others: Sequence[NDArray[np.float32]],
    pictures: NDArray[np.float32],
) -> Weighed:
    """Asks for what is similar to each item that a visitor took, and counts how much of the rest is found.

    Args:
        together: rows of items, of each visitor.
        others: what else makes items similar, by the cosine: vectors of any length, [n, d] each, which haven't seen what
            visitors took here.
        pictures: vectors of length 1, 0 of an item without a picture, [n, w].
    """
    if not together:
        return Weighed()
    sides = [side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-12) for side in others]
    visitor = np.repeat(np.arange(len(together)), [len(one) for one in together])
    asked = np.concatenate(together)
    found = np.zeros((1 + len(WEIGHTS), len(asked)))
    for start in range(0, len(asked), _QUESTIONS):
        part = slice(start, start + _QUESTIONS)
        of = asked[part]
        base = sum((side[of] @ side.T for side in sides), np.zeros((len(of), len(pictures)), np.float32))
        base[np.arange(len(of)), of] = -np.inf
        seen = pictures[of] @ pictures.T
        rest = [together[who][together[who] != row] for who, row in zip(visitor[part], of, strict=True)]
        for place, weight in enumerate((0.0, *WEIGHTS)):
            found[place, part] = _recalls(base + weight * seen, rest)
    counts = np.bincount(visitor)
    recalls = np.stack([np.bincount(visitor, one) for one in found]) / counts
    gains = recalls[1:] - recalls[0]
    best = int(gains.mean(1).argmax())
    gain = float(gains[best].mean())
    low = gain - _LOWER * float(gains[best].std(ddof=1) / np.sqrt(len(counts))) if len(counts) > 1 else 0.0
    means = dict(zip((0.0, *WEIGHTS), recalls.mean(1).tolist(), strict=True))
    return Weighed(WEIGHTS[best] if low > 0 else 0.0, gain, low, len(counts), means)


def _recalls(scores: NDArray[np.float32], rest: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Of each question, the share of some items that are among the DEPTH best: scores are [q, n]."""
    found = [
        (np.count_nonzero(row[None] > row[wanted][:, None], axis=1) < DEPTH).mean()
        for row, wanted in zip(scores, rest, strict=True)
    ]
    return np.array(found, np.float64)
