"""What a model is tested on, drawn from an Interactions artifact."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import pyarrow as pa

from aisle.components.evaluator.baselines.lexical import BM25
from aisle.components.evaluator.measures.protocol import Protocol, make_protocol
from aisle.components.evaluator.measures.search import Catalogue, Searches, clicked_queries, judged_queries
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.components.storage import exists
from aisle.components.tables import read_json, read_parquet


@dataclasses.dataclass(frozen=True)
class Holdout:
    """What every model is asked, and the tables it is drawn from.

    Attributes:
        splits: `test_start`, `end` (microseconds) and `goal`.
        items, interactions: of the Labeler.
        users: the same; None in artifacts without them.
        protocol: the users and what they took.
        searches: what is searched, and for what.
        options: depths and draws.
    """

    splits: dict[str, Any]
    items: pa.Table
    interactions: pa.Table
    users: pa.Table | None
    protocol: Protocol
    searches: Searches
    options: EvaluatorOptions

    @property
    def test_start(self) -> int:
        """When the test begins, microseconds UTC."""
        return int(self.splits["test_start"])

    @staticmethod
    def read(folder: str, options: EvaluatorOptions) -> Holdout:
        """Draws the test up from an Interactions artifact."""
        splits = read_json(os.path.join(folder, "splits.json"))
        items = read_parquet(os.path.join(folder, "items.parquet"))
        interactions = read_parquet(os.path.join(folder, "interactions.parquet"))
        protocol = make_protocol(items, interactions, splits, options.max_users, options.seed)
        return Holdout(
            splits,
            items,
            interactions,
            _optional(folder, "users"),
            protocol,
            Searches(
                _catalogue(items, protocol),
                judged_queries(_optional(folder, "judgements"), protocol.item_ids),
                clicked_queries(interactions, protocol.item_ids),
            ),
            options,
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
