"""The served model: retrieval, ranking, catalogue and histories behind the contract's signatures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import polars as pl
import pyarrow as pa
import tensorflow as tf

from aisle.model.options import BundleOptions
from aisle.model.retrieval.filters import Filter, Filters
from aisle.model.retrieval.index_choice import choose_indexes
from aisle.model.retrieval.item_table import ItemTable, item_table
from aisle.model.retrieval.retriever import COLD_SOURCES, RECOMMEND_SOURCES, Context, Retriever, Source
from aisle.model.retrieval.state import make_state
from aisle.model.served import explained_search
from aisle.model.served.lean_graph import make_lean
from aisle.model.served.search_order import SearchOrder
from aisle.model.served.warmup import write_warmup
from aisle.model.text.bert import Tokenizer
from aisle.model.text.lexical import TextSearch
from aisle.schema import contract
from aisle.schema.weights import bert_folder

TWO_TOWER_ONLY = (Source("two_tower", 1_000_000, 1.0, signed=True),)


class Bundle(tf.Module):
    """Answers search, filtered_search, recommend, similar, rank, explain, retrieve, titles and serving_default.

    Unknown users are answered by what is popular, unknown items and queries that match nothing
    by empty places ("" and -inf).
    """

    def __init__(
        self, retriever: Retriever, ranker: object, table: ItemTable, options: BundleOptions
    ) -> None:
        super().__init__()
        self.retriever = retriever
        self.ranker = ranker
        self._filters = Filters(table)
        self._depth = options.depth
        self._order = SearchOrder(retriever, ranker, table.titles, options.depth)
        self._score_numbers = ranker.score_numbers  # type: ignore[attr-defined]

    def signatures(self) -> dict[str, object]:
        """The concrete functions of every signature, by name."""
        functions = {
            contract.SEARCH: self.search,
            contract.FILTERED_SEARCH: self.filtered_search,
            contract.RECOMMEND: self.recommend,
            contract.SIMILAR: self.similar,
            contract.RANK: self.rank,
            contract.EXPLAIN: self.explain,
            contract.RETRIEVE: self.retrieve,
            contract.TITLES: self.titles,
        }
        signatures: dict[str, object] = {
            signature.name: tf.function(function, input_signature=_specs(signature)).get_concrete_function()
            for signature, function in functions.items()
        }
        serve = self.ranker.serve  # type: ignore[attr-defined]
        spec = tf.TensorSpec([None], tf.string, name="examples")
        default = tf.function(lambda examples: serve(examples), input_signature=[spec])
        return {contract.SERVING_DEFAULT.name: default.get_concrete_function(), **signatures}

    def search(self, query: tf.Tensor, user_id: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        """Items for a query, best first; an empty query has no answer."""
        context = self.retriever.context(query, user_id, _no_history(query))
        return self._answer(self._ranked(context, self._order.found(context, _nothing(context))), k)

    def filtered_search(
        self,
        query: tf.Tensor,
        user_id: tf.Tensor,
        category: tf.Tensor,
        brand: tf.Tensor,
        price_min: tf.Tensor,
        price_max: tf.Tensor,
        in_stock: tf.Tensor,
        k: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Items for a query among those that pass, and the facets of all that were found; see Filter.

        Each source searches among the items that pass. An empty query with a filter lists them by popularity.
        """
        asked = Filter(category, brand, price_min, price_max, in_stock)
        context = self.retriever.context(query, user_id, _no_history(query))
        exclude = ~self._filters.matching(asked)
        found = self._order.found(context, exclude)
        # A query comes in the same batch as none: the head's order is only for those that ask.
        searched = (context.query != "")[:, None]
        listed = ~exclude & asked.narrows()[:, None] & ~searched
        scores = tf.where(searched, self._ranked(context, found), 0.0)
        scores = tf.where(listed, 1.0 + context.scores["popularity"], scores)
        return {**self._answer(scores, k), **self._filters.facets(listed | (found > 0))}

    def _ranked(self, context: Context, found: tf.Tensor) -> tf.Tensor:
        """The best of what was found in the head's order: float32 [b, n] to [b, n]."""
        if not self._order.searches:
            # A head that never read a query would only add noise.
            return found

        def score(context: Context, rows: tf.Tensor) -> tf.Tensor:
            return self._order.relevance(context, rows, tf.gather(found, rows, batch_dims=1) > 0)

        return self._rerank(context, found, score)

    def recommend(
        self, user_id: tf.Tensor, history: tf.Tensor, exclude_seen: tf.Tensor, k: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Items for a user, best first."""
        context = self.retriever.context(tf.zeros_like(user_id), user_id, history)
        exclude = self._excluded(context, exclude_seen)
        fused = self.retriever.candidates(context, RECOMMEND_SOURCES, exclude)
        # Popularity, scaled below every source's share, fills the places that no source reached.
        fused += tf.where(exclude, 0.0, 1e-6 * (1.0 + context.scores["popularity"]))
        ranked = self._rerank(context, fused, self._numbers)
        if self._order.reads_history:
            ranked = self._rerank(context, ranked, self._order.head)
        cold = self._cold(context, exclude)
        return self._answer(tf.where(self._has_history(context), ranked, cold), k)

    def retrieve(
        self, user_id: tf.Tensor, history: tf.Tensor, exclude_seen: tf.Tensor, k: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Items for a user by the two-tower alone."""
        context = self.retriever.context(tf.zeros_like(user_id), user_id, history)
        fused = self.retriever.fuse(context, TWO_TOWER_ONLY, self._excluded(context, exclude_seen))
        return self._answer(fused, k)

    def similar(self, item_id: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        """Items like one item, by the towers' and the titles' cosine, best first."""
        row = self.retriever.items.lookup(item_id)
        rows, near = self.retriever.similar(tf.maximum(row, 0))
        itself, unknown = rows == row[:, None], (row < 0)[:, None]
        return self._answer(tf.where(itself | unknown, 0.0, 3.0 + near), k, rows)

    def rank(self, query: tf.Tensor, user_id: tf.Tensor, item_ids: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores given items for a query, or for a user where the query is empty; unknown items -inf."""
        context = self.retriever.context(query, user_id, _no_history(query))
        rows = self.retriever.items.lookup(item_ids)
        known = tf.maximum(rows, 0)
        recommended = (
            self._order.head(context, known) if self._order.reads_history else self._numbers(context, known)
        )
        cold = tf.gather(self._cold(context, _nothing(context)), known, batch_dims=1)
        recommended = tf.where(self._has_history(context), recommended, cold)
        if self._order.searches:
            searched = self._order.relevance_of(context, known)
        else:
            lexical = tf.gather(context.scores["lexical"], known, batch_dims=1)
            searched = context.dense["dense"].of(known) + lexical / 50.0
        learnt = tf.where((context.query != "")[:, None], searched, recommended)
        return {contract.SCORES: tf.where(rows >= 0, learnt, -np.inf)}

    def explain(self, query: tf.Tensor, user_id: tf.Tensor, item_ids: tf.Tensor) -> dict[str, tf.Tensor]:
        """What adds up to the score of given items in a search; unknown items -inf, and all without a query."""
        context = self.retriever.context(query, user_id, _no_history(query))
        rows = self.retriever.items.lookup(item_ids)
        known = tf.maximum(rows, 0)
        if self._order.searches:
            found = self._order.explain(context, known)
        else:
            found = explained_search.by_sources(self.retriever, context, known)
        return explained_search.complete(self.retriever, context, rows, found)

    def titles(self, item_ids: tf.Tensor) -> dict[str, tf.Tensor]:
        """The titles of items, "" of unknown ones."""
        rows = self.retriever.items.lookup(item_ids)
        titles = self._order.titles_of(tf.maximum(rows, 0))
        return {contract.TITLE_TEXTS: tf.where(rows >= 0, titles, "")}

    def _cold(self, context: Context, exclude: tf.Tensor) -> tf.Tensor:
        """The scores of whoever has no history, of whom the head has learnt nothing: float32 [b, n]."""
        fused = self.retriever.fuse(context, COLD_SOURCES, exclude)
        return fused + tf.where(exclude, 0.0, 1e-6 * (1.0 + context.scores["popularity"]))

    def _has_history(self, context: Context) -> tf.Tensor:
        return tf.reduce_any(self.retriever.seen(context), 1)[:, None]

    def _excluded(self, context: Context, exclude_seen: tf.Tensor) -> tf.Tensor:
        return self.retriever.seen(context) & exclude_seen

    def _numbers(self, context: Context, rows: tf.Tensor) -> tf.Tensor:
        """The score of each candidate by its numbers alone: int32 [b, m] to float32 [b, m]."""
        features = self.retriever.features(context, rows)
        flat = tf.reshape(features, [-1, features.shape[-1]])
        query = tf.repeat(context.query, tf.shape(rows)[1])
        return tf.reshape(self._score_numbers(query, flat), tf.shape(rows))

    def _rerank(
        self,
        context: Context,
        scores: tf.Tensor,
        score: Callable[[Context, tf.Tensor], tf.Tensor],
    ) -> tf.Tensor:
        """Puts the best `depth` in the order of `score`, before all others: [b, n] to [b, n]."""
        top = tf.math.top_k(scores, min(self._depth, self.retriever.count))
        above = tf.reduce_max(scores, 1)[:, None]
        lifted = tf.where(top.values > 0, above + score(context, top.indices) - top.values, 0.0)
        owner = tf.broadcast_to(tf.range(tf.shape(scores)[0])[:, None], tf.shape(top.indices))
        places = tf.stack([owner, top.indices], -1)
        return tf.tensor_scatter_nd_add(scores, tf.reshape(places, [-1, 2]), tf.reshape(lifted, [-1]))

    def _answer(self, scores: tf.Tensor, k: tf.Tensor, rows: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """The best k items, "" and -inf where the score is not above 0: float32 [b, m] to [b, k].

        The scores are of `rows`, int32 [b, m]; without them of the whole catalogue.
        """
        most = tf.clip_by_value(k, 0, tf.shape(scores)[1])
        top = tf.math.top_k(scores, most)
        there = top.values > 0
        best = top.indices if rows is None else tf.gather(rows, top.indices, batch_dims=1)
        ids = tf.where(there, tf.gather(self.retriever.item_ids, best), "")
        values = tf.where(there, top.values, -np.inf)
        pad = [[0, 0], [0, tf.maximum(k, 0) - most]]
        return {
            contract.ITEM_IDS: tf.pad(ids, pad, constant_values=""),
            contract.SCORES: tf.pad(values, pad, constant_values=-np.inf),
        }


def make_bundle(
    two_tower: str,
    ranking: str,
    bert: str,
    tables: dict[str, pa.Table],
    now: int,
    options: BundleOptions,
    folder: str,
) -> None:
    """Writes the served model, with the shop's state as of `now`.

    Args:
        two_tower: folder of the exported two-tower.
        ranking: folder of the exported ranking head.
        bert: a BERT folder, "" for the installed one.
        tables: the Labeler's tables by name.
        now: microseconds UTC.
        options: of the served model.
        folder: where the SavedModel goes; `TITLES_FILE` in its `assets.extra` maps ids to titles,
            `assets.extra/index.json` tells what the indexes find, and there are warm-up requests (see `warmup`).
    """
    tower, ranker = tf.saved_model.load(two_tower), tf.saved_model.load(ranking)
    frames = {name: pl.DataFrame(pl.from_arrow(table)) for name, table in tables.items()}
    table = item_table(tower, frames["items"])
    ids = [item.decode() for item in tower.item_ids.numpy()]
    state = make_state(frames["interactions"], frames["users"], ids, now)
    text = TextSearch(Tokenizer(bert or bert_folder()), table.titles, table.descriptions)
    retriever = Retriever(tower, text, table.prices, state)
    index = choose_indexes(retriever, state.users, frames, options.exact_items)
    bundle = Bundle(retriever, ranker, table, options)
    tf.saved_model.save(bundle, folder, signatures=bundle.signatures())
    make_lean(folder)
    extra = os.path.join(folder, contract.EXTRA_FOLDER)
    tf.io.gfile.makedirs(extra)
    with tf.io.gfile.GFile(os.path.join(extra, contract.TITLES_FILE), "w") as file:
        file.write(json.dumps(dict(zip(ids, table.titles, strict=False)), ensure_ascii=False))
    with tf.io.gfile.GFile(os.path.join(extra, contract.INDEX_FILE), "w") as file:
        file.write(json.dumps(index, indent=2))
    write_warmup(folder, frames, ids, table.titles)


def _specs(signature: contract.Signature) -> list[tf.TensorSpec]:
    """The contract's inputs as TensorFlow's specs."""
    return [
        tf.TensorSpec(
            [None] * len(tensor.shape.split(",")) if tensor.shape else [],
            tf.string if tensor.dtype == "bytes" else tf.as_dtype(tensor.dtype),
            name=tensor.name,
        )
        for tensor in signature.inputs
    ]


def _no_history(query: tf.Tensor) -> tf.Tensor:
    return tf.zeros([tf.shape(query)[0], 0], tf.string)


def _nothing(context: Context) -> tf.Tensor:
    return tf.zeros_like(context.scores["count"], tf.bool)
