"""The domains of a shop, and what is learnt of each from what its users took."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import polars as pl

from aisle.model.retrieval.domains.learning import Learnt, learn
from aisle.model.retrieval.domains.takings import Ints, Takings

MOST = 8
"""So many domains are told apart at most, those with most items; all others are one."""


@dataclasses.dataclass(frozen=True)
class Domains:
    """Which domain each item is of.

    Example:
        >>> domains = Domains.of_items(["food", None, "kitchen", "food"])
        >>> domains.names, domains.of.tolist(), domains.several
        (['', 'food', 'kitchen'], [1, 0, 2, 1], True)

    Attributes:
        names: of the domains; "" is that of the items that name none.
        of: the number of each item's domain [n].
        learnt: of each domain, once it is.
    """

    names: list[str]
    of: Ints
    learnt: list[Learnt] = dataclasses.field(default_factory=list)

    @staticmethod
    def of_items(values: list[str | None]) -> Domains:
        """The domains that a column names; spellings that differ in case and in blanks around them are one."""
        keys = [(value or "").strip().casefold() for value in values]
        names, numbers, counts = np.unique(np.array(keys, str), return_inverse=True, return_counts=True)
        if len(names) > MOST:
            kept = set(np.argsort(-counts, kind="stable")[: MOST - 1].tolist())
            return Domains.of_items([key if n in kept else "" for key, n in zip(keys, numbers, strict=True)])
        return Domains([str(name) for name in names], numbers.astype(np.int64))

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self.names) > 1

    def learn(self, known: pl.DataFrame) -> Domains:
        """Learns how much each domain says of each other one.

        Args:
            known: interactions of known users by time: `user_id`, `row`, `age` in days, and `since`, how many orders the
                user made after it.
        """
        if not self.several:
            return self
        takings = self.takings(known.unique(["user_id", "row"], keep="first", maintain_order=True))
        return dataclasses.replace(self, learnt=[learn(takings, number) for number in range(len(self.names))])

    def takings(self, known: pl.DataFrame) -> Takings:
        """What known users took, by user and time; see `learn`."""
        rows = known.with_columns(pl.col("user_id").rank("dense").alias("user")).sort(
            "user", pl.col("age").neg(), maintain_order=True
        )
        return Takings(
            users=rows["user"].to_numpy().astype(np.int64),
            items=rows["row"].to_numpy().astype(np.int64),
            orders=-rows["since"].to_numpy().astype(np.int64),
            days=-rows["age"].to_numpy().astype(np.float64),
            domains=self.of,
        )

    def figures(self) -> list[dict[str, Any]]:
        """What each direction was found to be worth, by the domains' names: what the evaluation report shows."""
        return [
            {
                "source": self.names[one.source],
                "target": self.names[one.target],
                "weight": one.weight,
                "gain": one.gain,
                "low": one.low,
                "questions": one.questions,
            }
            for learnt in self.learnt
            for one in learnt.directions
        ]
