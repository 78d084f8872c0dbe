"""Candidates and their features, from every source, in one graph used offline and served."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from aisle.model.retrieval import sources
from aisle.model.retrieval.context import Context
from aisle.model.retrieval.features import candidate_numbers
from aisle.model.retrieval.index import Asked, ExactIndex, Index, cosines, nearest_by_sum
from aisle.model.retrieval.recent.events import Recent, RecentEvents
from aisle.model.retrieval.sources import table_sources, vector_sources
from aisle.model.retrieval.sources.neighbours import may_grow
from aisle.model.retrieval.sources.source import Inputs, Offer, Tensors, Vectors
from aisle.model.retrieval.state import ITEM_NUMBERS, State
from aisle.model.retrieval.taken import Taken
from aisle.model.retrieval.tower import Tower
from aisle.model.stored import put, stored, taken_out
from aisle.model.text.lexical.index import TextSearch
from aisle.model.text.lexical.scripts import CHARACTER

_RRF = 60.0
"""Reciprocal rank fusion's constant (Cormack et al., SIGIR 2009); the ranks are counted from 0, not 1."""
_RECENT = sources.offers("recent")
_SHORTEST = 1e-6
"""An item's vector of less length is near to nothing."""
_AT_ONCE = 65_536
"""Vectors that are measured at once."""
_FOUND = 1e-3
"""The least that what a source found counts beside its best item."""


class Retriever(tf.Module):
    """Scores the whole catalogue from every source, and picks candidates.

    Example:
        >>> from aisle.model.retrieval.sources import offers
        >>> retriever, nobody = bundle.retriever, tf.constant([""])
        >>> context = retriever.context(tf.constant(["refridgerator"]), nobody, tf.zeros([1, 0], tf.string))
        >>> fused = retriever.fuse(context, offers("search"), exclude=tf.zeros([1, retriever.count], tf.bool))
        >>> retriever.item_ids[tf.argmax(fused[0])].numpy().decode()
        'fridge'

    Attributes:
        indexes: what finds the items near a vector, by the name of the score; exact ones unless others
            are put there before the graph is traced.
    """

    def __init__(
        self, tower: Tower, text: TextSearch, prices: np.ndarray, state: State, moves: bool = False
    ) -> None:
        """Makes the graph's tensors.

        Args:
            tower: a loaded TwoTowerModule.
            text: of the catalogue in the tower's order, which reads the query and is the lexical source.
            prices: [n], NaN where unknown.
            state: as of the moment the queries are asked.
            moves: whether `move_to` will be called.
        """
        super().__init__()
        self.tower = tower
        self.count = len(prices)
        self.indexes: dict[str, Index] = {
            source.name: ExactIndex(getattr(tower, source.items)) for source in vector_sources()
        }
        self._lengths = {
            source.name: stored(tf.maximum(_lengths(getattr(tower, source.items)), _SHORTEST))
            for source in vector_sources()
        }
        self._text = text
        order: tf.Variable | None = getattr(tower, "reads_order", None)
        self._reads_order = order is not None and bool(order.numpy())
        self.item_ids = stored(tower.item_ids.numpy(), tf.string)
        keys = tf.lookup.KeyValueTensorInitializer(
            tower.item_ids.numpy(), tf.range(self.count, dtype=tf.int32)
        )
        self.items = tf.lookup.StaticHashTable(keys, -1)
        self._taken = Taken(state, self.items, moves)
        price = np.log1p(np.nan_to_num(prices)).astype(np.float32)
        self._item_numbers = {
            **{name: stored(state.item_numbers[:, n]) for n, name in enumerate(ITEM_NUMBERS)},
            "price_level": stored(price),
        }
        self._tables = {
            source: {
                name: stored(values, values.dtype, any_length=moves and may_grow(name))
                for name, values in kept.items()
            }
            for source, kept in state.tables.items()
        }

    def moving(self) -> list[tf.Variable]:
        """What `move_to` fills."""
        tables = [variable for kept in self._tables.values() for variable in kept.values()]
        return [*tables, *(self._item_numbers[name] for name in ITEM_NUMBERS), *self._taken.moving()]

    def move_to(self, state: State) -> None:
        """Goes to another moment, whose state has a row for the same users: a traced graph then answers as of it.

        The state's tables are taken out: of a large catalogue as much as its vectors.
        """
        self._taken.move_to(state)
        for place, name in enumerate(ITEM_NUMBERS):
            put(self._item_numbers[name], state.item_numbers[:, place])
        while state.tables:
            source, kept = state.tables.popitem()
            for name, values in kept.items():
                put(self._tables[source][name], values)

    @property
    def cut_off(self) -> tf.Tensor:
        """Before which all that happened is known: microseconds UTC, int64 []."""
        return self._taken.cut_off

    def context(
        self, query: tf.Tensor, user_id: tf.Tensor, history: tf.Tensor, events: RecentEvents | None = None
    ) -> Context:
        """Looks histories up and scores every item.

        Args:
            query: as typed, string [b]; "" is none.
            user_id: string [b].
            history: string [b, h]; a row without an item takes the known history.
            events: what each did of late, beside either history; None is nothing.
        """
        asking = self._taken.asking(user_id, history, events)
        rows, age, weight = self._taken.histories(asking)
        query = self._text.read(query)
        text = self.tower.embed_text(query)
        names = tf.where(rows >= 0, tf.gather(self.item_ids, tf.maximum(rows, 0)), "")
        country = self._taken.countries(asking)
        user = self.tower.embed_query(user_id, country, text, names, age, weight)
        embedded = Vectors(user, text)
        vectors = {source.name: source.vector(embedded) for source in vector_sources()}
        taken, sums = self._taken.sums(asking)
        inputs = Inputs(tf.shape(query)[0], self.count, query, self._text, taken, sums, self._item_numbers)
        scores: Tensors = {}
        for source in table_sources():
            scores |= source.score(inputs, self._tables[source.name])
        dense = {name: index.ask(vectors[name]) for name, index in self.indexes.items()}
        numbers = self._taken.numbers(asking, sums)
        return Context(query, rows, scores, dense, vectors, numbers, asking.recent)

    def recent(self, events: RecentEvents | None, batch: tf.Tensor) -> Recent:
        """What so many visitors, of whom nothing is known, did of late."""
        return self._taken.asking(tf.fill([batch], ""), tf.zeros([batch, 0], tf.string), events).recent

    def not_due(self, recent: Recent) -> tf.Tensor:
        """What was bought a moment ago, by how long the shop's users wait until they buy it again: bool [b, n]."""
        return self._taken.not_due(recent)

    def named(self, context: Context) -> tf.Tensor:
        """The item that a whole query is the id or a code of: bool [b, n]."""
        return tf.one_hot(self._text.named(context.query), self.count, True, False, dtype=tf.bool)

    def called(self, context: Context) -> tf.Tensor:
        """The items that a whole query is the id, a code or the title of: bool [b, n]."""
        return self.named(context) | self._text.named.titled(context.query)

    def fuse(self, context: Context, offers: tuple[Offer, ...], exclude: tf.Tensor) -> tf.Tensor:
        """Merges the sources by weighted reciprocal rank: float32 [b, n], 0 where no source has the item.

        Args:
            context: of `context`.
            offers: what to merge.
            exclude: bool [b, n], items no source may give.
        """
        total = tf.zeros_like(context.scores["count"])
        for offer in offers:
            rows, given = self._given(context, offer, exclude)
            share = offer.weight / (_RRF + tf.range(rows.shape[1], dtype=tf.float32))
            total += self._scatter(rows, tf.where(given, share[None], 0.0))
        return total

    def ranks(self, context: Context, offers: tuple[Offer, ...], rows: tf.Tensor) -> tf.Tensor:
        """The place, from 1, at which each source gives each item: int32 [b, m] to int32 [b, m, s], 0 where none."""
        nothing = tf.zeros_like(context.scores["count"], tf.bool)
        found = []
        for offer in offers:
            top, given = self._given(context, offer, nothing)
            found.append(_of(rows, top, tf.where(given, tf.range(1, top.shape[1] + 1)[None], 0)))
        return tf.stack(found, -1)

    def blend(self, context: Context, offers: tuple[Offer, ...], exclude: tf.Tensor) -> tf.Tensor:
        """Merges the sources of a search by their scores: float32 [b, n], 0 where no source has the item.

        Each source counts from 0, or from its last candidate where its scores have a sign, to 1, its best item: a convex
        combination (Bruch et al., TOIS 2023), which tells near from far, as ranks don't.

        Args:
            context: of `context`.
            offers: what to merge.
            exclude: bool [b, n], items no source may give.
        """
        total = tf.zeros_like(context.scores["count"])
        for offer in offers:
            total += self._scatter(*self._counted(context, offer, exclude))
        return total

    def shares(self, context: Context, offers: tuple[Offer, ...], rows: tf.Tensor) -> tf.Tensor:
        """What each source adds in `blend` to each item: int32 [b, m] to float32 [b, m, s], 0 where nothing."""
        nothing = tf.zeros_like(context.scores["count"], tf.bool)
        return tf.stack([_of(rows, *self._counted(context, offer, nothing)) for offer in offers], -1)

    def _counted(self, context: Context, offer: Offer, exclude: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """A source's best items, and what they count in `blend`: int32 and float32 [b, bound]."""
        rows, scores = self._top(context, offer, exclude)
        given = scores > _least(offer)
        last = tf.reduce_min(tf.where(given, scores, np.inf), 1)[:, None] if offer.signed else 0.0
        best = tf.reduce_max(scores, 1)[:, None]
        share = tf.where(scores == best, 1.0, tf.math.divide_no_nan(scores - last, best - last))
        weight = tf.where(_unspaced(context.query), offer.unspaced or offer.weight, offer.weight)[:, None]
        return rows, tf.where(given, weight * tf.maximum(share, _FOUND), 0.0)

    def _given(self, context: Context, offer: Offer, exclude: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """A source's best items, int32 [b, bound], and which of them are candidates, bool [b, bound]."""
        rows, scores = self._top(context, offer, exclude)
        return rows, scores > _least(offer)

    def _top(self, context: Context, offer: Offer, exclude: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """A source's best items and their scores: int32 and float32 [b, bound]."""
        if offer.score in self.indexes:
            bound = min(offer.bound, self.indexes[offer.score].limit)
            return context.dense[offer.score].top(bound, exclude)
        scores = tf.where(exclude, -np.inf, context.scores[offer.score])
        top = tf.math.top_k(scores, min(offer.bound, self.count))
        return top.indices, top.values

    def candidates(self, context: Context, offers: tuple[Offer, ...], exclude: tf.Tensor) -> tf.Tensor:
        """What `offers` give, and what they would give of unseen items alone: float32 [b, n].

        A user's own items would else leave few places to new ones; the head decides between the two. Who did something of
        late has what goes with that, too, of which a long past would leave nothing.
        """
        unseen = exclude | self.seen(context)

        def both(offers: tuple[Offer, ...]) -> tf.Tensor:
            return self.fuse(context, offers, exclude) + self.fuse(context, offers, unseen)

        found, recent = both(offers), context.recent
        return recent.joined(lambda: found + tf.where(recent.any[:, None], both(_RECENT), 0.0), found)

    def similar(self, rows: tf.Tensor, others: Sequence[Asked] = ()) -> tuple[tf.Tensor, tf.Tensor]:
        """Items near given ones, themselves too, in the vectors of all sources that have them.

        Args:
            rows: of the given items, int32 [b].
            others: indexes beside those of the sources, asked for what is near the same items.

        Returns:
            Item rows int32 [b, m] and the sum of the cosines, float32 [b, m], -inf where there is none.
        """
        asked = [
            cosines(
                self.indexes[source.name],
                tf.gather(getattr(self.tower, source.items), rows),
                self._lengths[source.name],
            )
            for source in vector_sources()
        ]
        return nearest_by_sum([*asked, *others], tf.zeros([tf.shape(rows)[0], self.count], tf.bool))

    def _near(self, context: Context, rows: tf.Tensor, name: str, neighbours: str) -> tf.Tensor:
        """What the items most alike to each score by a vector source, on average: int32 [b, m] to float32 [b, m]."""
        near = tf.gather(getattr(self.tower, neighbours), rows)
        shape = tf.shape(near)
        found = context.dense[name].of(tf.reshape(near, [shape[0], -1]))
        return tf.reduce_mean(tf.reshape(found, shape), -1)

    def seen(self, context: Context) -> tf.Tensor:
        """Which items were taken before: bool [b, n]."""
        return context.scores["count"] > 0

    def features(self, context: Context, rows: tf.Tensor) -> tf.Tensor:
        """The candidates' numbers, in the order of CANDIDATE_FEATURES: int32 [b, m] to [b, m, F]."""
        near = {
            f"{source.name}_near": self._near(context, rows, source.name, source.neighbours)
            for source in vector_sources()
            if source.neighbours
        }
        return candidate_numbers(context, rows, self._item_numbers, near, self._reads_order)

    def _scatter(self, rows: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        """Adds values up over the catalogue: [b, m] at item rows to [b, n]."""
        batch = tf.shape(rows)[0]
        segment = rows + tf.range(batch)[:, None] * self.count
        flat = tf.math.unsorted_segment_sum(
            tf.reshape(values, [-1]), tf.reshape(segment, [-1]), batch * self.count
        )
        return tf.reshape(flat, [batch, self.count])


def _lengths(vectors: tf.Variable | tf.Tensor) -> tf.Tensor:
    """The length of each vector, with no more than a block of squares held: float32 [n, d] to [n]."""
    # Nor copied, now or by a question: rows that were gathered of a variable would have each read copy all of it.
    values = taken_out(vectors) if isinstance(vectors, tf.Variable) else vectors
    starts = range(0, max(int(values.shape[0]), 1), _AT_ONCE)
    return tf.concat([tf.norm(values[start : start + _AT_ONCE], axis=1) for start in starts], 0)


def _of(rows: tf.Tensor, top: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """The value of each item among a source's best: int32 [b, m], int32 [b, n] and [b, n] to [b, m], 0 where it isn't."""
    same = rows[:, :, None] == top[:, None]
    return tf.reduce_sum(tf.where(same, values[:, None], 0), -1)


def _least(offer: Offer) -> float:
    """What a candidate's score lies above."""
    return -1e30 if offer.signed else 1e-6


def _unspaced(query: tf.Tensor) -> tf.Tensor:
    """Whether queries hold letters of a script without spaces: string [b] to bool [b]."""
    return tf.strings.regex_replace(query, CHARACTER, "") != query
