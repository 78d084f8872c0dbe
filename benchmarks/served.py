"""The served model of a benchmark: candidates, ranking head and bundle by the pipeline's own code."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from aisle.components.evaluator.metrics import Ints
from aisle.components.evaluator.protocol import Protocol, positions
from aisle.components.labeler.label import Labelled
from aisle.model.options import BundleOptions, CandidateOptions, RankingOptions

BATCH = 64
MEMBERS = RankingOptions().members


@dataclasses.dataclass(frozen=True)
class Trained:
    """A trained two-tower with the candidates that the ranking head learns from."""

    labelled: Labelled
    tower: str
    examples: dict[str, pa.Table]
    folder: pathlib.Path
    seed: int

    @staticmethod
    def make(labelled: Labelled, tower: str, folder: pathlib.Path, seed: int, **given: int) -> Trained:
        """Draws candidates."""
        from aisle.model.candidates import make_candidates

        splits = dataclasses.asdict(labelled.splits)
        options = CandidateOptions(seed=seed, test_users=0, **given)
        return Trained(
            labelled, tower, make_candidates(tower, "", labelled.tables, splits, options), folder, seed
        )

    def bundle(self, hidden: Iterable[str] = (), members: int = MEMBERS) -> Answering:
        """The served model as of the start of the test, its head trained without the numbers `hidden`."""
        from aisle.model.ranking_trainer import Labels, RankingModule, train_features

        train, valid = (tensors(self.examples[split], hidden) for split in ("train", "eval"))
        options = RankingOptions(seed=self.seed, text="never", members=members)
        head = train_features(train, valid, options, str(self.folder / "ranking"))
        ranker = RankingModule(head, None, None, options, Labels(False, True), False)  # type: ignore[arg-type]
        return Answering(self, ranker)


class Answering:
    """The served model's functions as of the start of the test, in this process."""

    def __init__(self, trained: Trained, ranker: object) -> None:
        import polars as pl
        import tensorflow as tf

        from aisle.model.bundle import Bundle
        from aisle.model.item_table import item_table
        from aisle.model.lexical import TextSearch
        from aisle.model.retriever import Retriever
        from aisle.model.state import make_state
        from aisle.model.text import Tokenizer
        from aisle.schema.weights import bert_folder

        tower = tf.saved_model.load(trained.tower)
        frames = {name: pl.DataFrame(pl.from_arrow(table)) for name, table in trained.labelled.tables.items()}
        table = item_table(tower, frames["items"])
        text = TextSearch(Tokenizer(bert_folder()), table.titles, table.descriptions)
        ids = [item.decode() for item in tower.item_ids.numpy()]
        state = make_state(frames["interactions"], frames["users"], ids, trained.labelled.splits.test_start)
        self.retriever = Retriever(tower, text, table.prices, state)
        self._bundle = Bundle(self.retriever, ranker, table, BundleOptions())
        self._asked: Any = None

    def answers(self, protocol: Protocol, name: str, k: int) -> Callable[[bool], Ints]:
        """The `k` items of the signature `name` as a function of `exclude_seen`, for every user of the protocol."""
        import tensorflow as tf

        signature = tf.function(getattr(self._bundle, name), reduce_retracing=True)

        def call(new: bool) -> Ints:
            users = protocol.user_ids.to_pylist()
            found = []
            for start in range(0, len(users), BATCH):
                user = tf.constant(users[start : start + BATCH])
                none = tf.zeros([len(user), 0], tf.string)
                found.append(
                    signature(user, none, tf.constant(new), tf.constant(k))["item_ids"].numpy().ravel()
                )
            ids = pa.array(np.concatenate(found), pa.binary()).cast(pa.string())
            return positions(ids, protocol.item_ids).reshape(-1, k)

        return call

    def recommend(
        self, users: list[str], histories: list[list[str]], exclude_seen: bool, k: int
    ) -> list[list[str]]:
        """The item ids for each user with the history that the request brings, oldest first."""
        import tensorflow as tf

        if self._asked is None:
            self._asked = tf.function(self._bundle.recommend, reduce_retracing=True)
        given = tf.ragged.constant(histories, dtype=tf.string).to_tensor("")
        found = self._asked(tf.constant(users), given, tf.constant(exclude_seen), tf.constant(k))
        return [[item.decode() for item in row if item] for row in found["item_ids"].numpy()]


def tensors(table: pa.Table, hidden: Iterable[str] = ()) -> dict[str, Any]:
    """Ranking examples as tensors, as the Trainer reads them; what is hidden is unknown (NaN)."""
    import tensorflow as tf

    columns = {name: table[name].combine_chunks().flatten() for name in table.column_names}
    rows = {
        name: tf.constant(values.to_pylist() if pa.types.is_binary(values.type) else values.to_numpy(False))
        for name, values in columns.items()
    }
    return rows | {name: tf.fill(tf.shape(rows[name]), np.float32(np.nan)) for name in hidden}
