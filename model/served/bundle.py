"""The served model: retrieval, ranking, catalogue and histories behind the contract's signatures."""

from __future__ import annotations

import dataclasses
import functools
import os
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import tensorflow as tf

from aisle.model.options import BundleOptions
from aisle.model.ranking.ranker import Ranker
from aisle.model.retrieval.context import Context
from aisle.model.retrieval.filters import Filter, Filters
from aisle.model.retrieval.item_table import ItemTable
from aisle.model.retrieval.recent.events import Recent, RecentEvents
from aisle.model.retrieval.retriever import Retriever
from aisle.model.retrieval.sources import offers
from aisle.model.retrieval.sources.domains import WITHIN
from aisle.model.retrieval.sources.source import Offer
from aisle.model.retrieval.sources.two_tower import BESIDE
from aisle.model.reviews.sentiment import Sentiment
from aisle.model.served import explained_search
from aisle.model.served.item_facts import ItemFacts
from aisle.model.served.looks import Looks
from aisle.model.served.ranked import Ranked
from aisle.model.served.saving.optional_inputs import write_defaults
from aisle.model.served.search_order import SearchOrder
from aisle.model.served.slates import Slates
from aisle.schema import contract

TWO_TOWER_ONLY = (Offer("two_tower", 1_000_000, 1.0, signed=True),)


class Bundle(tf.Module):
    """Answers search, filtered_search, recommend, similar, rank, explain, retrieve, titles, facts and serving_default;
    recommend_within where items name domains, similar_by_image where the shop has pictures, and sentiment where that was learnt.

    Unknown users are answered as those without a history, unknown items and empty queries by empty
    places ("" and -inf).

    Example:
        >>> answer = bundle.search(tf.constant(["coffee mug"]), user_id=tf.constant([""]), k=tf.constant(2))
        >>> answer["item_ids"].numpy().tolist()
        [[b'mug', b'mugs']]
    """

    def __init__(
        self,
        retriever: Retriever,
        ranker: Ranker,
        table: ItemTable,
        options: BundleOptions,
        of_reviews: Sentiment | None = None,
        looks: Looks | None = None,
    ) -> None:
        super().__init__()
        self._of_reviews = of_reviews
        self.retriever = retriever
        self.ranker = ranker
        self._looks = looks
        self._filters = Filters(table)
        self.item_facts = ItemFacts(table)
        self._most = min(options.depth, retriever.count)
        self._order = SearchOrder(retriever, ranker, table.titles, options.depth)
        self._score_numbers = ranker.score_numbers
        self._beside = (BESIDE,) if float(ranker.beside.numpy()) > 0 else ()
        self._slates = Slates(retriever.tower, options.diversity) if options.diversity else None

    def signatures(self) -> dict[str, object]:
        """The concrete functions of every signature, by name."""
        signatures: dict[str, object] = {
            signature.name: self.graph(signature).get_concrete_function()
            for signature in self.answered()
            if signature != contract.SERVING_DEFAULT
        }
        serve = self.ranker.serve
        spec = tf.TensorSpec([None], tf.string, name="examples")
        default = tf.function(lambda examples: serve(examples), input_signature=[spec])
        return {contract.SERVING_DEFAULT.name: default.get_concrete_function(), **signatures}

    def answered(self) -> list[contract.Signature]:
        """The contract's signatures that this model has."""
        there = {
            contract.RECOMMEND_WITHIN: self._filters.has_domains,
            contract.SIMILAR_BY_IMAGE: self._looks is not None,
            contract.SENTIMENT: self._of_reviews is not None,
        }
        return [signature for signature in contract.SIGNATURES if there.get(signature, True)]

    def save(self, folder: str) -> None:
        """Writes the SavedModel, whose optional inputs may be left out of a request."""
        tf.saved_model.save(self, folder, signatures=self.signatures())
        write_defaults(folder)

    def graph(self, signature: contract.Signature) -> tf.types.experimental.PolymorphicFunction:
        """What answers a signature, not traced yet: a function of its inputs, by their names."""
        function = getattr(self, signature.name)
        required = len(signature.required)

        def call(*inputs: tf.Tensor) -> Any:
            recent = inputs[required:]
            return function(*inputs[:required], *([RecentEvents(*recent)] if recent else []))

        return tf.function(call, input_signature=_specs(signature.inputs))

    def search(
        self, query: tf.Tensor, user_id: tf.Tensor, k: tf.Tensor, recent: RecentEvents | None = None
    ) -> dict[str, tf.Tensor]:
        """Items for a query, best first: the one that it names, if any; last what isn't due; an empty query has no answer."""
        context = self.retriever.context(query, user_id, _no_history(query), recent)
        ranked = self._in_order(context, self._order.found(context, _nothing(context)))
        ranked = self._due_first(context.recent, ranked, context)
        return self._answer(ranked.led_by(self.retriever.named(context)), k)

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
        recent: RecentEvents | None = None,
    ) -> dict[str, tf.Tensor]:
        """Items for a query among those that pass, and the facets of all that were found; see Filter.

        Each source searches among the items that pass. An empty query with a filter lists them by popularity.
        """
        asked = Filter(category, brand, price_min, price_max, in_stock)
        context = self.retriever.context(query, user_id, _no_history(query), recent)
        exclude = ~self._filters.matching(asked)
        found = self._order.found(context, exclude)
        searched = (context.query != "")[:, None]
        listed = Ranked(context.scores["popularity"], ~exclude & asked.narrows()[:, None])
        # A query comes in the same batch as none: the head's order is only for those that ask.
        ranked = self._in_order(context, found).otherwise(searched, listed)
        ranked = self._due_first(context.recent, ranked, context)
        ranked = ranked.led_by(self.retriever.named(context) & ~exclude)
        return {**self._answer(ranked, k), **self._filters.facets(ranked.there)}

    def _in_order(self, context: Context, found: Ranked) -> Ranked:
        """What was found for searches, the best of it in the head's order."""
        if not self._order.searches:
            # A head that never read a query would only add noise.
            return found

        def score(rows: tf.Tensor) -> tf.Tensor:
            return self._order.relevance(context, rows, tf.gather(found.there, rows, batch_dims=1))

        return found.with_first(self._most, score)

    def recommend(
        self,
        user_id: tf.Tensor,
        history: tf.Tensor,
        exclude_seen: tf.Tensor,
        k: tf.Tensor,
        recent: RecentEvents | None = None,
    ) -> dict[str, tf.Tensor]:
        """Items for a user, best first; last comes what was bought a moment ago and isn't due yet."""
        context = self.retriever.context(tf.zeros_like(user_id), user_id, history, recent)
        exclude = self._excluded(context, exclude_seen)
        ranked = self._recommended(context, exclude, offers("recommend"))
        ranked = ranked.otherwise(self._has_history(context), self._cold(context, exclude))
        return self._answer(self._slate(self._due_first(context.recent, ranked), k), k)

    def recommend_within(
        self,
        user_id: tf.Tensor,
        history: tf.Tensor,
        exclude_seen: tf.Tensor,
        domain: tf.Tensor,
        k: tf.Tensor,
        recent: RecentEvents | None = None,
    ) -> dict[str, tf.Tensor]:
        """Items of a domain for a user, best first; see `recommend`.

        Of who took nothing in the domain the head has learnt nothing there: what sells in it and goes with what they took in
        the others is the order (see `sources.domains`).
        """
        context = self.retriever.context(tf.zeros_like(user_id), user_id, history, recent)
        inside = self._filters.within(domain)
        exclude = self._excluded(context, exclude_seen) | ~inside
        ranked = self._recommended(context, exclude, (*offers("recommend"), WITHIN))
        known = tf.reduce_any(self.retriever.seen(context) & inside, 1)[:, None]
        score = context.scores[WITHIN.score]
        there = ~exclude & (score > 0)
        new = Ranked(score, there).followed_by(context.scores["popularity"], ~exclude)
        ranked = self._due_first(context.recent, ranked.otherwise(known, new))
        return self._answer(self._slate(ranked, k), k)

    def _recommended(self, context: Context, exclude: tf.Tensor, among: tuple[Offer, ...]) -> Ranked:
        """What the sources give, in the head's order; what sells fills the places that none reached."""
        fused = self.retriever.candidates(context, (*among, *self._beside), exclude)
        ranked = Ranked(fused, fused > 0).followed_by(context.scores["popularity"], ~exclude)
        ranked = ranked.with_first(self._most, functools.partial(self._numbers, context))
        if self._order.reads_history:
            ranked = ranked.with_first(self._most, functools.partial(self._order.head, context))
        return ranked

    def retrieve(
        self,
        user_id: tf.Tensor,
        history: tf.Tensor,
        exclude_seen: tf.Tensor,
        k: tf.Tensor,
        recent: RecentEvents | None = None,
    ) -> dict[str, tf.Tensor]:
        """Items for a user by the two-tower alone."""
        context = self.retriever.context(tf.zeros_like(user_id), user_id, history, recent)
        fused = self.retriever.fuse(context, TWO_TOWER_ONLY, self._excluded(context, exclude_seen))
        return self._answer(Ranked(fused, fused > 0), k)

    def similar(
        self, item_id: tf.Tensor, k: tf.Tensor, recent: RecentEvents | None = None
    ) -> dict[str, tf.Tensor]:
        """Items like one item, by the cosines of towers and texts, and of pictures by their weight, best first; last comes what isn't due yet."""
        row = self.retriever.items.lookup(item_id)
        known = tf.maximum(row, 0)
        rows, near = self.retriever.similar(known, self._looks.near(known) if self._looks else [])
        others = (rows != row[:, None]) & (row >= 0)[:, None]
        ranked = Ranked(near, others & tf.math.is_finite(near), rows)
        asking = self.retriever.recent(recent, tf.size(item_id))
        return self._answer(self._due_first(asking, ranked), k)

    def similar_by_image(self, image: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        """Items that look like a picture, best first; those without a picture never."""
        assert self._looks is not None
        return self._answer(self._looks.like(image), k)

    def rank(
        self, query: tf.Tensor, user_id: tf.Tensor, item_ids: tf.Tensor, recent: RecentEvents | None = None
    ) -> dict[str, tf.Tensor]:
        """Scores given items for a query, or for a user where the query is empty; what isn't due below all, unknown ones -inf."""
        context = self.retriever.context(query, user_id, _no_history(query), recent)
        rows = self.retriever.items.lookup(item_ids)
        known = tf.maximum(rows, 0)
        recommended = (
            self._order.head(context, known) if self._order.reads_history else self._numbers(context, known)
        )
        cold = tf.gather(self._cold(context, _nothing(context)).scores, known, batch_dims=1)
        recommended = tf.where(self._has_history(context), recommended, cold)
        if self._order.searches:
            searched = self._order.relevance_of(context, known)
        else:
            searched = explained_search.by_sources(self.retriever, context, known)[contract.SCORES]
        learnt = tf.where((context.query != "")[:, None], searched, recommended)
        ranked = self._due_first(context.recent, Ranked(learnt, rows >= 0, known), context)
        return {contract.SCORES: tf.where(rows >= 0, ranked.scores, -np.inf)}

    def explain(
        self, query: tf.Tensor, user_id: tf.Tensor, item_ids: tf.Tensor, recent: RecentEvents | None = None
    ) -> dict[str, tf.Tensor]:
        """What adds up to the score of given items in a search; unknown items -inf, and all without a query."""
        context = self.retriever.context(query, user_id, _no_history(query), recent)
        rows = self.retriever.items.lookup(item_ids)
        known = tf.maximum(rows, 0)
        if self._order.searches:
            found = self._order.explain(context, known)
        else:
            found = explained_search.by_sources(self.retriever, context, known)
        return explained_search.complete(self.retriever, context, rows, found)

    def titles(self, item_ids: tf.Tensor) -> dict[str, tf.Tensor]:
        """The titles of items, "" of unknown ones, and up to when the version has learnt all events."""
        rows = self.retriever.items.lookup(item_ids)
        titles = self._order.titles_of(tf.maximum(rows, 0))
        newest = tf.fill([tf.shape(rows)[0]], self.retriever.cut_off - 1)
        return {contract.TITLE_TEXTS: tf.where(rows >= 0, titles, ""), contract.CUT_OFF: newest}

    def facts(self, item_ids: tf.Tensor) -> dict[str, tf.Tensor]:
        """What filters go by of items, and as of when; see `ItemFacts`."""
        return self.item_facts.of(self.retriever.items.lookup(item_ids))

    def sentiment(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """How likely each of some reviews is a good one by its words: string [b] to float32 [b]."""
        assert self._of_reviews is not None
        return {contract.SCORES: self._of_reviews(text)}

    def _due_first(self, recent: Recent, ranked: Ranked, searched: Context | None = None) -> Ranked:
        """Last comes what was bought a moment ago and isn't due yet, unless it is what those who search call by its name."""

        def with_last() -> tf.Tensor:
            last = self.retriever.not_due(recent)
            if searched is not None:
                last &= ~self.retriever.called(searched)
            rows = ranked.rows
            return ranked.with_last(last if rows is None else tf.gather(last, rows, batch_dims=1)).scores

        return dataclasses.replace(ranked, scores=recent.joined(with_last, ranked.scores))

    def _slate(self, ranked: Ranked, k: tf.Tensor) -> Ranked:
        """What is recommended, its first k not all alike, where `bundle.diversity` asks for that."""
        return ranked if self._slates is None else self._slates.of(ranked, k)

    def _cold(self, context: Context, exclude: tf.Tensor) -> Ranked:
        """The order for whoever has no history, of whom the head has learnt nothing."""
        fused = self.retriever.fuse(context, offers("cold"), exclude)
        return Ranked(fused, fused > 0).followed_by(context.scores["popularity"], ~exclude)

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

    def _answer(self, ranked: Ranked, k: tf.Tensor) -> dict[str, tf.Tensor]:
        """The best k items, "" and -inf in the places that none is left for: strings and float32 [b, k]."""
        most = tf.clip_by_value(k, 0, tf.shape(ranked.scores)[1])
        rows, values = ranked.best(most)
        ids = tf.where(rows >= 0, tf.gather(self.retriever.item_ids, tf.maximum(rows, 0)), "")
        pad = [[0, 0], [0, tf.maximum(k, 0) - most]]
        return {
            contract.ITEM_IDS: tf.pad(ids, pad, constant_values=""),
            contract.SCORES: tf.pad(values, pad, constant_values=-np.inf),
        }


def _specs(inputs: tuple[contract.Tensor, ...]) -> list[tf.TensorSpec]:
    """The contract's inputs as TensorFlow's specs."""
    return [
        tf.TensorSpec(
            [None] * len(tensor.shape.split(",")) if tensor.shape else [],
            tf.string if tensor.dtype == "bytes" else tf.as_dtype(tensor.dtype),
            name=tensor.name,
        )
        for tensor in inputs
    ]


def _no_history(query: tf.Tensor) -> tf.Tensor:
    return tf.zeros([tf.shape(query)[0], 0], tf.string)


def _nothing(context: Context) -> tf.Tensor:
    return tf.zeros_like(context.scores["count"], tf.bool)
