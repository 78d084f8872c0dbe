"""The served model of a benchmark: candidates, ranking head and bundle by the pipeline's own code."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from aisle.components.evaluator.measures.metrics import Ints
from aisle.components.evaluator.measures.protocol import Protocol, positions
from aisle.components.labeler.labelled import Labelled
from aisle.model.options import BundleOptions, CandidateOptions, RankingOptions
from aisle.schema import contract

if TYPE_CHECKING:
    import polars as pl
    import tensorflow as tf

    from aisle.model.ranking.ranker import Ranker
    from aisle.model.retrieval.item_table import ItemTable
    from aisle.model.retrieval.retriever import Retriever
    from aisle.model.retrieval.state import State
    from aisle.model.retrieval.tower import Tower
    from aisle.model.transfer.lent import Lent

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
        return Trained.begun(
            labelled, tower, folder, CandidateOptions(seed=seed, test_users=0, **given), taught=""
        )

    @staticmethod
    def begun(
        labelled: Labelled, tower: str, folder: pathlib.Path, options: CandidateOptions, taught: str
    ) -> Trained:
        """Draws candidates; `taught` is the file of what another shop teaches, "" for none."""
        from aisle.model.ranking.candidates import make_candidates

        splits = dataclasses.asdict(labelled.splits)
        examples = make_candidates(tower, "", frames_of(labelled), splits, options, taught)
        return Trained(labelled, tower, examples, folder, options.seed)

    def bundle(
        self,
        hidden: Iterable[str] = (),
        members: int = MEMBERS,
        moves: bool = False,
        unseen: pa.Table | None = None,
    ) -> Answering:
        """The served model as of the start of the test, its head trained without the numbers `hidden`.

        Args:
            hidden: names of numbers.
            members: of the head.
            moves: whether it will go to other moments.
            unseen: ranking examples that neither the head nor the two-tower has learnt from, to weigh both by; None are those
                of the validation.
        """
        from aisle.model.ranking.export import Labels, RankingModule
        from aisle.model.ranking.features_trainer import train_features

        train, valid = (tensors(self.examples[split], hidden) for split in ("train", "eval"))
        options = RankingOptions(seed=self.seed, text="never", members=members)
        head = train_features(train, valid, options, str(self.folder / "ranking"))
        ranker = RankingModule(head, None, options, Labels(False, True), False)
        ranker.weigh(valid if unseen is None else tensors(unseen))
        return Answering.of(self.labelled, self.tower, ranker, moves)


class Answering:
    """The served model's functions as of the start of the test, in this process."""

    def __init__(self, bundle: Any) -> None:
        self.retriever = bundle.retriever
        self.bundle = bundle
        self._asked: dict[str, Any] = {}

    @staticmethod
    def of(
        labelled: Labelled, two_tower: str, ranker: Ranker, moves: bool = False, taught: str = ""
    ) -> Answering:
        """Makes the bundle of a trained two-tower (a folder) and a ranking module.

        `moves`: it can go to other moments; `taught`: the file of what another shop teaches, "" for none.
        """
        from aisle.model.served.bundle import Bundle

        retriever, table = make_retriever(labelled, two_tower, moves=moves, taught=taught)
        return Answering(Bundle(retriever, ranker, table, BundleOptions()))

    def answers(self, protocol: Protocol, name: str, k: int) -> Callable[[bool], Ints]:
        """The `k` items of the signature `name` as a function of `exclude_seen`, for every user of the protocol."""
        import tensorflow as tf

        signature = self._ask(name)

        def call(new: bool) -> Ints:
            def ask(user: tf.Tensor) -> tf.Tensor:
                none = tf.zeros([len(user), 0], tf.string)
                return signature(user, none, tf.constant(new), tf.constant(k))["item_ids"]

            return ask_users(protocol, ask, k)

        return call

    def recommend(
        self, users: list[str], histories: list[list[str]], exclude_seen: bool, k: int
    ) -> list[list[str]]:
        """The item ids for each user with the history that the request brings, oldest first."""
        import tensorflow as tf

        given = tf.ragged.constant(histories, dtype=tf.string).to_tensor("")
        found = self._ask("recommend")(tf.constant(users), given, tf.constant(exclude_seen), tf.constant(k))
        return _named(found)

    def recommend_after(
        self, users: list[str], recents: list[list[tuple[str, int]]], now: list[int], k: int
    ) -> list[list[str]]:
        """The item ids for each user who has just bought something.

        Args:
            users: their ids.
            recents: of each, items and when they were bought, microseconds UTC.
            now: when each asks, the same.
            k: items for each.
        """
        import tensorflow as tf

        from aisle.schema.events import PURCHASE

        if "recommend_after" not in self._asked:
            self._asked["recommend_after"] = self.bundle.graph(contract.RECOMMEND)
        items = tf.ragged.constant([[item for item, _ in some] for some in recents], tf.string, 1).to_tensor(
            ""
        )
        ages = [[(asked - at) / 1e6 for _, at in some] for some, asked in zip(recents, now, strict=True)]
        kinds = tf.fill(tf.shape(items), PURCHASE.name)
        told = tf.ragged.constant(ages, tf.float32, 1).to_tensor(0.0)
        asked = (tf.constant(users), tf.zeros([len(users), 0], tf.string), tf.constant(False), tf.constant(k))
        moments = tf.constant([moment / 1e6 for moment in now], tf.float64)
        return _named(self._asked["recommend_after"](*asked, items, kinds, told, moments))

    def search(self, queries: list[str], k: int) -> list[list[str]]:
        """The item ids for each query, asked by nobody known."""
        import tensorflow as tf

        return _named(self._ask("search")(tf.constant(queries), tf.fill([len(queries)], ""), tf.constant(k)))

    def rank(self, queries: list[str], items: list[list[str]]) -> list[npt.NDArray[np.float64]]:
        """The scores of each query's items."""
        import tensorflow as tf

        padded = tf.ragged.constant(items, dtype=tf.string).to_tensor("")
        found = self._ask("rank")(tf.constant(queries), tf.fill([len(queries)], ""), padded)["scores"]
        return [row[: len(some)] for row, some in zip(found.numpy().astype(float), items, strict=True)]

    def _ask(self, name: str) -> Any:
        """A signature of the bundle as a graph."""
        import tensorflow as tf

        if name not in self._asked:
            self._asked[name] = tf.function(getattr(self.bundle, name), reduce_retracing=True)
        return self._asked[name]


def _named(found: dict[str, Any]) -> list[list[str]]:
    return [[item.decode() for item in row if item] for row in found["item_ids"].numpy()]


def frames_of(labelled: Labelled) -> dict[str, pl.DataFrame]:
    """The Labeler's tables, as what is drawn from them reads them."""
    import polars as pl

    return {name: pl.DataFrame(pl.from_arrow(table)) for name, table in labelled.tables.items()}


def make_retriever(
    labelled: Labelled, tower: str, now: int | None = None, moves: bool = False, taught: str = ""
) -> tuple[Retriever, ItemTable]:
    """What finds candidates as of `now` (None: the start of the test), by the two-tower in a folder; and the items."""
    import polars as pl
    import tensorflow as tf

    from aisle.model.retrieval.domains.lent import lent_by, shelf_of
    from aisle.model.retrieval.item_table import item_table
    from aisle.model.retrieval.retriever import Retriever
    from aisle.model.retrieval.tower import served
    from aisle.model.text.bert import Tokenizer
    from aisle.model.text.lexical.index import TextSearch
    from aisle.schema.bert.weights import bert_folder

    loaded = served(tf.saved_model.load(tower))
    table = item_table(loaded, pl.DataFrame(pl.from_arrow(labelled.tables["items"])))
    ids = [item.decode() for item in loaded.item_ids.numpy()]
    text = TextSearch(Tokenizer(bert_folder()), table.titles, table.descriptions, ids)
    now = labelled.splits.test_start if now is None else now
    interactions = pl.DataFrame(pl.from_arrow(labelled.tables["interactions"]))
    shelf = shelf_of(loaded.text_embeddings.numpy(), table, bert_folder())
    lent, _ = lent_by(taught, shelf, interactions, ids)
    return Retriever(loaded, text, table.prices, state_at(labelled, loaded, now, moves, lent), moves), table


def state_at(
    labelled: Labelled,
    tower: Tower,
    now: int,
    moves: bool,
    lent: Lent | None = None,
) -> State:
    """What the shop knows at a moment, and what its items are `lent`; where it `moves`, with a row for all users ever."""
    import polars as pl

    from aisle.model.retrieval.state import make_state

    frames = {
        name: pl.DataFrame(pl.from_arrow(labelled.tables[name])) for name in ("interactions", "users", "tags")
    }
    everyone = sorted(set(frames["interactions"]["user_id"]) - {""}) if moves else None
    return make_state(
        *(frames["interactions"], frames["users"], [item.decode() for item in tower.item_ids.numpy()], now),
        everyone,
        frames["tags"],
        lent=lent,
        texts=tower.text_embeddings,
    )


def ask_users(protocol: Protocol, ask: Callable[[tf.Tensor], tf.Tensor], k: int) -> Ints:
    """Asks for every user of the protocol, a batch at a time: string [b] to item ids [b, k]; indices [n, k]."""
    import tensorflow as tf

    users = protocol.user_ids.to_pylist()
    found = [
        ask(tf.constant(users[start : start + BATCH])).numpy().ravel()
        for start in range(0, len(users), BATCH)
    ]
    ids = pa.array(np.concatenate(found), pa.binary()).cast(pa.string())
    return positions(ids, protocol.item_ids).reshape(-1, k)


def tensors(table: pa.Table, hidden: Iterable[str] = ()) -> dict[str, Any]:
    """Ranking examples as tensors, as the Trainer reads them; what is hidden is unknown (NaN)."""
    import tensorflow as tf

    columns = {name: table[name].combine_chunks().flatten() for name in table.column_names}
    rows = {
        name: tf.constant(values.to_pylist() if pa.types.is_binary(values.type) else values.to_numpy(False))
        for name, values in columns.items()
    }
    return rows | {name: tf.fill(tf.shape(rows[name]), np.float32(np.nan)) for name in hidden}
