"""A served model of titles alone, for timing: BERT's own weights, towers that say nothing."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from aisle.model.options import READER_LAYERS
from aisle.serving.server.loaded.tensorflow_settings import set_tensorflow

set_tensorflow()
WIDTH = 64
_FEATURES_BINS = 16


@dataclasses.dataclass(frozen=True)
class Served:
    """A served model in this process.

    Attributes:
        model: a LoadedModel.
        item_ids: [n].
        embeddings: of the titles, float32 [n, d].
    """

    model: Any
    item_ids: list[str]
    embeddings: npt.NDArray[np.floating[Any]]

    def search(self, query: str, k: int) -> Any:
        """The signature `search` for one query."""
        asked = {"query": _strings([query]), "user_id": _strings([""]), "k": np.array(k, np.int32)}
        return self.model.run("search", asked)["item_ids"]

    def rank(self, query: str, rows: npt.NDArray[np.int64]) -> Any:
        """The signature `rank` for one query."""
        items = _strings([self.item_ids[row] for row in rows])[None]
        asked = {"query": _strings([query]), "user_id": _strings([""]), "item_ids": items}
        return self.model.run("rank", asked)["scores"]


def _strings(values: list[str]) -> npt.NDArray[np.object_]:
    return np.array([value.encode() for value in values], object)


def serve_titles(titles: list[str], scratch: str, sizes: Iterable[str]) -> dict[str, Served]:
    """Makes, saves and loads a bundle for each `ranker.size`.

    Their heads are as they are before any training, and with fewer layers they say nothing of use: what it costs is
    the same.
    """
    ids = [f"i{n}" for n in range(len(titles))]
    tower = title_tower(ids, titles)
    return {size: _serve(ids, titles, tower, READER_LAYERS.get(size), f"{scratch}/{size}") for size in sizes}


def make_retriever(ids: list[str], titles: list[str], tower: Any) -> tuple[Any, Any]:
    """What finds items of a catalogue of titles in which nothing was taken yet, and its ItemTable."""
    import polars as pl

    from aisle.model.retrieval.item_table import item_table
    from aisle.model.retrieval.retriever import Retriever
    from aisle.model.retrieval.state import make_state
    from aisle.model.text.bert import Tokenizer
    from aisle.model.text.lexical.index import TextSearch
    from aisle.schema.bert.weights import bert_folder

    table = item_table(tower, pl.DataFrame({"item_id": ids, "title": titles}))
    nothing = pl.DataFrame(
        schema={"user_id": pl.String, "item_id": pl.String, "timestamp": pl.Int64, "session_id": pl.String}
        | {"weight": pl.Float64}
    )
    users = pl.DataFrame(schema={"user_id": pl.String, "country": pl.String})
    text = TextSearch(Tokenizer(bert_folder()), table.titles, table.descriptions, ids)
    return Retriever(tower, text, table.prices, make_state(nothing, users, ids, 0)), table


def _serve(ids: list[str], titles: list[str], tower: Any, layers: int | None, folder: str) -> Served:
    import tensorflow as tf

    from aisle.model.options import BundleOptions, RankingOptions
    from aisle.model.ranking.export import Labels, RankingModule
    from aisle.model.ranking.numbers import Ensemble, FeatureHead
    from aisle.model.ranking.reading.late_interaction import LateInteraction
    from aisle.model.ranking.reading.text_head import RankingHead
    from aisle.model.retrieval.features import CANDIDATE_FEATURES
    from aisle.model.served.bundle import Bundle
    from aisle.model.served.saving.lean_graph import make_lean
    from aisle.model.text.bert import Tokenizer, load_bert
    from aisle.schema.bert.weights import bert_folder
    from aisle.serving.server.loaded.loaded_model import load

    retriever, table = make_retriever(ids, titles, tower)
    tokenizer = Tokenizer(bert_folder())
    options = RankingOptions()
    edges = np.tile(np.linspace(0.0, 1.0, _FEATURES_BINS + 1), (len(CANDIDATE_FEATURES), 1))
    numbers = Ensemble([FeatureHead(edges, options.width) for _ in range(options.members)])
    numbers(tf.zeros([1, len(CANDIDATE_FEATURES)]))
    reader = LateInteraction(load_bert(bert_folder(), layers), tokenizer, options.word_width)
    reader.fit_projection(tf.constant(titles[:2000]))
    head = RankingHead(reader, numbers, clicked=False)
    ranker = RankingModule(numbers, head, options, Labels(search=True, conversion=False), False)
    bundle = Bundle(retriever, ranker, table, BundleOptions())
    bundle.save(folder)
    make_lean(folder)
    return Served(load(1, pathlib.Path(folder)), ids, tower.text_embeddings.numpy())


def title_tower(ids: list[str], titles: list[str]) -> Any:
    """What a two-tower exports, its vectors zeros but for the titles'."""
    import tensorflow as tf

    from aisle.model.text.bert import SentenceEncoder
    from aisle.model.two_tower.export import nearest_texts
    from aisle.schema.bert.weights import bert_folder

    encoder = SentenceEncoder(bert_folder())
    distinct, place = np.unique(np.array(titles, object), return_inverse=True)
    found = encoder.encode_items(tf.constant(distinct.tolist()), tf.fill([len(distinct)], ""))
    embeddings = found.numpy()[place]

    class Tower(tf.Module):
        """As TwoTowerModule."""

        def __init__(self) -> None:
            super().__init__()
            self.weights = list(encoder.bert.variables)
            self.item_ids = tf.Variable(ids, trainable=False)
            self.item_embeddings = tf.Variable(tf.zeros([len(ids), WIDTH]), trainable=False)
            self.text_embeddings = tf.Variable(embeddings, trainable=False)
            self.text_neighbours = tf.Variable(nearest_texts(tf.constant(embeddings)), trainable=False)
            one = tf.TensorSpec([None], tf.string)
            self.embed_text = tf.function(lambda text: encoder(text), input_signature=[one])

        def embed_query(self, user: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
            """Zeros [b, WIDTH]."""
            return tf.zeros([tf.shape(user)[0], WIDTH])

    return Tower()
