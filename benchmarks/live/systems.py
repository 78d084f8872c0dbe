"""What the replay asks: the version of last night, the same told of today, and a simple reader of the same events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import polars as pl

from aisle.components.evaluator.baselines.recommenders import (
    HALF_LIFE_DAYS,
    POPULARITY_DAYS,
    TIE_BREAK,
    Train,
    item_cosines,
)
from aisle.components.evaluator.measures.metrics import Floats
from aisle.components.labeler.labelled import Labelled
from aisle.schema.tables import MICROSECONDS_PER_DAY
from benchmarks.live.replayed import Moment
from benchmarks.shared.served import BATCH, Answering, state_at

K = 20
NIGHTLY, FRESH = "aisle, nightly", "aisle, fresh"
SIMPLE = "own history and item-kNN, fresh"

Asked = TypeVar("Asked")


class Nights:
    """Goes from night to night, and asks all systems of the day after."""

    def __init__(self, labelled: Labelled, answering: Answering, lines: int) -> None:
        """Nothing is asked yet.

        Args:
            labelled: the shop.
            answering: its served model, which can go to other moments.
            lines: that may lie in a basket.
        """
        self._labelled, self._answering, self._most = labelled, answering, K + lines
        self._items = [item.decode() for item in answering.retriever.item_ids.numpy()]
        self._simple = SimpleReader(labelled, self._items)

    def ask(self, night: int, moments: Sequence[Moment]) -> dict[str, list[list[str]]]:
        """Each system's items for each moment of the day, at most K, without those in the basket."""
        tower = self._answering.retriever.tower
        self._answering.retriever.move_to(state_at(self._labelled, tower, night, moves=True))
        customers = sorted({moment.customer for moment in moments})
        known = dict(zip(customers, _in_batches(customers, self._nightly), strict=True))
        lists = {
            NIGHTLY: [known[moment.customer] for moment in moments],
            FRESH: _in_batches(moments, self._fresh),
            SIMPLE: self._simple.answers(night, moments, self._most),
        }
        return {
            name: [
                [item for item in items if item not in moment.basket][:K]
                for moment, items in zip(moments, some, strict=True)
            ]
            for name, some in lists.items()
        }

    def _nightly(self, customers: Sequence[str]) -> list[list[str]]:
        return self._answering.recommend(list(customers), [[] for _ in customers], False, self._most)

    def _fresh(self, moments: Sequence[Moment]) -> list[list[str]]:
        return self._answering.recommend_after(
            [moment.customer for moment in moments],
            [list(moment.recents) for moment in moments],
            [moment.at for moment in moments],
            self._most,
        )


class SimpleReader:
    """A customer's own items, each time worth half as much after 60 days, and what is bought by those who bought the recents."""

    def __init__(self, labelled: Labelled, items: list[str]) -> None:
        """Of a shop, with its items in the order of the catalogue."""
        frame = pl.DataFrame(pl.from_arrow(labelled.tables["interactions"])).filter(pl.col("user_id") != "")
        self._users = {user: row for row, user in enumerate(sorted(set(frame["user_id"])))}
        self._rows, self._items = {item: row for row, item in enumerate(items)}, items
        bought = frame.filter(pl.col("event") == "purchase", pl.col("item_id").is_in(items))
        self._user = np.array([self._users[user] for user in bought["user_id"]], np.int64)
        self._item = np.array([self._rows[item] for item in bought["item_id"]], np.int64)
        self._time = bought["timestamp"].to_numpy().astype(np.int64)

    def answers(self, night: int, moments: Sequence[Moment], k: int) -> list[list[str]]:
        """The k best items for each moment of the day after a night."""
        before = self._time < night
        user, item, time = (values[before] for values in (self._user, self._item, self._time))
        train = Train(user, item, time, len(self._users), len(self._items), night)
        near = item_cosines(train)
        weight = np.exp2(-(night - time) / (HALF_LIFE_DAYS * MICROSECONDS_PER_DAY))
        late = item[time >= night - POPULARITY_DAYS * MICROSECONDS_PER_DAY]
        popular = np.bincount(late, minlength=len(self._items)) * TIE_BREAK / max(1, len(late))
        own: dict[str, Floats] = {}
        found = []
        for moment in moments:
            if moment.customer not in own:
                mine = user == self._users[moment.customer]
                own[moment.customer] = popular + np.bincount(item[mine], weight[mine], len(self._items))
            recents = [self._rows[one] for one, _ in moment.recents if one in self._rows]
            scores = own[moment.customer] + np.asarray(near[recents].sum(axis=0)).ravel()
            scores[recents] += 1.0
            found.append([self._items[row] for row in np.argsort(-scores, kind="stable")[:k]])
        return found


def _in_batches(asked: Sequence[Asked], ask: Callable[[Sequence[Asked]], list[list[str]]]) -> list[list[str]]:
    return [items for start in range(0, len(asked), BATCH) for items in ask(asked[start : start + BATCH])]
