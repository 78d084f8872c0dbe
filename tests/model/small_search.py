"""A served model over a small BERT and eight items, saved and loaded as a run does it."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
import tensorflow as tf

from aisle.model.options import BundleOptions, RankingOptions
from aisle.model.ranking.export import Labels, RankingModule
from aisle.model.retrieval.item_table import ItemTable
from aisle.model.retrieval.retriever import Retriever
from aisle.model.retrieval.state import make_state
from aisle.model.reviews.sentiment import Sentiment, learn
from aisle.model.served.bundle import Bundle
from aisle.model.served.saving.lean_graph import make_lean
from aisle.model.text.lexical.index import TextSearch
from aisle.schema.tables import MICROSECONDS_PER_DAY
from tests.model.small_bert import make_small_bert
from tests.model.test_text_head import make_head

TITLES = ("red mug", "blue mugs", "mini fridge", "", "red lamp", "fridges", "blue lamp", "mini red mug")
ITEMS = tuple(f"i{number}" for number in range(len(TITLES)))


class Tower(tf.Module):
    """Two-tower of two dimensions, in which every query points at the first item."""

    def __init__(self) -> None:
        super().__init__()
        angle = np.linspace(0.0, 1.0, len(ITEMS))
        self.item_ids = tf.constant(ITEMS)
        vectors = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
        self.item_embeddings = tf.Variable(vectors, trainable=False)
        self.text_embeddings = self.item_embeddings
        self.text_neighbours = tf.constant([[row, (row + 1) % len(ITEMS)] for row in range(len(ITEMS))])

    def embed_text(self, text: tf.Tensor) -> tf.Tensor:
        return tf.tile([[1.0, 0.0]], [tf.shape(text)[0], 1])

    def embed_query(self, user: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
        return tf.tile([[1.0, 0.0]], [tf.shape(user)[0], 1])


def make_small_search(
    folder: pathlib.Path,
    clicked: bool,
    searched: bool = True,
    make: Callable[[pathlib.Path, int], str] = make_small_bert,
    titles: Sequence[str] = TITLES,
    of_reviews: Sentiment | None = None,
) -> Bundle:
    """Makes the model.

    Args:
        folder: for what is saved on the way.
        clicked: whether its numbers learnt from clicked searches.
        searched: whether its head learnt from searches at all.
        make: writes the BERT that it reads with.
        titles: of ITEMS.
        of_reviews: what it learnt of reviews.
    """
    head = make_head(folder / "bert", clicked, layers=1, make=make)
    head.numbers(tf.zeros([1, head.numbers.heads[0]._start.shape[0]]))
    rng = np.random.default_rng(5)
    if clicked:
        for weight in [head.weight, head.bias, head.feedback, *head.numbers.variables]:
            weight.assign(rng.normal(size=weight.shape).astype(np.float32))
    options = RankingOptions(word_width=8)
    ranking = RankingModule(
        head.numbers, head if searched else None, options, Labels(searched, False), reads_history=False
    )
    ranking.calibration.assign([[1.0, 0.0], [0.5, -0.25]])
    path = str(folder / "ranking")
    tf.saved_model.save(ranking, path, signatures={"serving_default": ranking.serve})
    rows = [(f"u{user}", item, 90 + user, f"s{user}") for user in range(4) for item in ITEMS[user : user + 3]]
    frame = pl.DataFrame(
        dict(zip(("user_id", "item_id", "day", "session_id"), zip(*rows, strict=True), strict=True))
    )
    frame = frame.with_columns(
        pl.col("day").cast(pl.Int64).mul(MICROSECONDS_PER_DAY).alias("timestamp"), weight=pl.lit(1.0)
    )
    users = pl.DataFrame({"user_id": ["u0"], "country": ["Norway"]})
    state = make_state(frame, users, list(ITEMS), 100 * MICROSECONDS_PER_DAY)
    nothing, prices = [""] * len(ITEMS), np.full(len(ITEMS), 3.0)
    table = ItemTable(list(titles), nothing, nothing, nothing, prices, prices)
    text = TextSearch(head.reader.tokenizer, table.titles, table.descriptions, ITEMS)
    retriever = Retriever(Tower(), text, prices, state)
    return Bundle(retriever, tf.saved_model.load(path), table, BundleOptions(), of_reviews)


@dataclasses.dataclass(frozen=True)
class SavedSearch:
    """The model as it was exported and as it is served.

    Attributes:
        bundle: what was saved.
        exported: the folder of the SavedModel as TensorFlow wrote it.
        base: of the versions that are served; the only one, 1, is the same made lean.
        nodes: of the graph, before that and after it.
        loaded: the version.
    """

    bundle: Bundle
    exported: pathlib.Path
    base: pathlib.Path
    nodes: tuple[int, int]
    loaded: Any


def save_small_search(folder: pathlib.Path) -> SavedSearch:
    """Makes the model whose numbers learnt from clicked searches, and saves it as a run does."""
    texts = ["very good", "good mug", "so bad", "bad mug"] * 3
    of_reviews = learn(texts, np.array([1, 1, 0, 0] * 3)).alone
    bundle = make_small_search(folder, clicked=True, of_reviews=of_reviews)
    exported, version = folder / "exported", folder / "aisle" / "1"
    bundle.save(str(exported))
    shutil.copytree(exported, version)
    nodes = make_lean(str(version))
    return SavedSearch(bundle, exported, version.parent, nodes, tf.saved_model.load(str(version)))
