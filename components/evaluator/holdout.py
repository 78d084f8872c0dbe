"""What a model is tested on, drawn from an Interactions artifact."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aisle.components.evaluator.baselines.lexical import BM25
from aisle.components.evaluator.measures.protocol import (
    JUDGEMENT,
    Protocol,
    goal_events,
    make_protocol,
    positions,
)
from aisle.components.evaluator.measures.search import Catalogue, Searches, clicked_queries, judged_queries
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.components.storage import exists
from aisle.components.tables import read_json, read_parquet, read_pieces
from aisle.schema.splits import TEST

_COLUMNS = ("user_id", "item_id", "timestamp", "event", "query", "sponsored", "split")
"""What is read of the interactions."""
_INTERACTIONS = "interactions.parquet"


@dataclasses.dataclass(frozen=True)
class Holdout:
    """What every model is asked, and the tables it is drawn from.

    Attributes:
        splits: `test_start`, `end` (microseconds) and `goal`.
        items: of the Labeler.
        interactions: the same, of the users who are tested: their histories.
        users: the same; None in artifacts without them.
        protocol: the users and what they took.
        searches: what is searched, and for what.
        options: depths and draws.
        judged: how many judgements there are, of all splits.
    """

    splits: dict[str, Any]
    items: pa.Table
    interactions: pa.Table
    users: pa.Table | None
    protocol: Protocol
    searches: Searches
    options: EvaluatorOptions
    judged: int

    @property
    def untold(self) -> bool:
        """Whether nothing is told of the shop but what it has: nobody took, and nobody judged anything."""
        return self.splits["goal"] == JUDGEMENT and not self.judged

    @property
    def test_start(self) -> int:
        """When the test begins, microseconds UTC."""
        return int(self.splits["test_start"])

    @staticmethod
    def read(folder: str, options: EvaluatorOptions) -> Holdout:
        """Draws the test up from an Interactions artifact."""
        splits = read_json(os.path.join(folder, "splits.json"))
        items = read_parquet(os.path.join(folder, "items.parquet"))
        asked = _asked(folder, splits["goal"])
        protocol = make_protocol(items, asked, splits, options.max_users, options.seed)
        judgements = _optional(folder, "judgements")
        return Holdout(
            splits,
            items,
            _of_users(folder, protocol.user_ids),
            _optional(folder, "users"),
            protocol,
            Searches(
                _catalogue(items, protocol),
                judged_queries(judgements, protocol.item_ids),
                clicked_queries(asked, protocol.item_ids),
            ),
            options,
            judgements.num_rows if judgements is not None else 0,
        )


def _asked(folder: str, goal: str) -> pa.Table:
    """The interactions that say who is tested on what: those that reach the goal, and those of the test."""
    pieces = read_pieces(os.path.join(folder, _INTERACTIONS), _COLUMNS)
    return pa.concat_tables(
        piece.filter(pc.or_(goal_events(piece, goal), pc.equal(piece.column("split"), TEST)))
        for piece in pieces
    )


def _of_users(folder: str, users: pa.Array) -> pa.Table:
    """The interactions of some users."""
    pieces = read_pieces(os.path.join(folder, _INTERACTIONS), ("user_id", "item_id", "timestamp"))
    return pa.concat_tables(
        piece.filter(pa.array(positions(piece.column("user_id"), users) >= 0)) for piece in pieces
    )


def _optional(folder: str, name: str) -> pa.Table | None:
    path = os.path.join(folder, f"{name}.parquet")
    return read_parquet(path) if exists(path) else None


def _catalogue(items: pa.Table, protocol: Protocol) -> Catalogue:
    """The items as the lexical baseline sees them, in the order of the protocol's indices."""
    pairs = zip(items.column("item_id").to_pylist(), items.column("title").to_pylist(), strict=True)
    titles = {str(item): title or "" for item, title in pairs}
    ordered = [titles[item] for item in protocol.item_ids.to_pylist()]
    return Catalogue(protocol.item_ids, BM25(ordered), protocol.train)
