"""The questions a served model answers: what is sent for each, and how its answer is read.

Nothing here calls anything. The clients and the model in this process ask what is made here, so that a question
has one form whichever way it goes.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from aisle.schema.contract import (
    CUT_OFF,
    EXPLAIN,
    FACTS,
    FILTERED_SEARCH,
    ITEM_IDS,
    RANK,
    RECOMMEND,
    RECOMMEND_WITHIN,
    RETRIEVE,
    SCORES,
    SEARCH,
    SENTIMENT,
    SIMILAR,
    SIMILAR_BY_IMAGE,
    TITLES,
    Signature,
)
from aisle.serving.client.answers import (
    FilteredItems,
    ScoredItem,
    ScoredItems,
    read_all_facets,
    read_lists,
    read_output,
    read_titles,
    version_of,
)
from aisle.serving.client.explanation import Explanation, output_shapes, read_explanations
from aisle.serving.client.facts import Facts, read_facts
from aisle.serving.client.filters import Filters
from aisle.serving.client.inputs import Tensors, as_many, count, padded, pictures, strings
from aisle.serving.client.recents import Events, liked, recent_tensors

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Question(Generic[T]):
    """One call of the model, and the reading of what it answers.

    Attributes:
        signature: what is called.
        inputs: of the signature's names, dtypes and shapes.
        read: makes the answer of the outputs; raises BadAnswer.
        sent: False where the answer is known without the model; `read({})` is it then.
        fallback: what may be asked instead where this is not answered in time, if anything may.
        version: the number of the version that must answer; None is the client's own choice.
        older: what a model is asked instead that an older `aisle` made, which takes no recent events.
    """

    signature: Signature
    inputs: Tensors
    read: Callable[[Tensors], T]
    sent: bool = True
    fallback: Question[T] | None = None
    version: int | None = None
    older: Question[T] | None = None


def only(batch: Question[list[T]]) -> Question[T]:
    """The question of a batch of one."""
    return Question(
        batch.signature,
        batch.inputs,
        lambda outputs: batch.read(outputs)[0],
        batch.sent,
        only(batch.fallback) if batch.fallback else None,
        batch.version,
        only(batch.older) if batch.older else None,
    )


def search(
    queries: Sequence[str],
    user_ids: Sequence[str] | None,
    k: int,
    recents: Sequence[Events] | None = None,
) -> Question[list[ScoredItems]]:
    """See `Recommender.search_batch`."""
    inputs = {
        "query": strings("queries", queries),
        "user_id": strings("user_ids", as_many(user_ids, queries, "user_ids", "queries")),
        "k": count(k),
    }
    recent = recent_tensors(recents, queries, "queries")
    return _with_recents(_lists(SEARCH, inputs, len(queries)), recent)


def filtered_search(
    query: str, user_id: str, k: int, filters: Filters, recents: Events = ()
) -> Question[FilteredItems]:
    """See `Recommender.search`."""
    inputs = {
        "query": strings("queries", [query]),
        "user_id": strings("user_ids", [user_id]),
        **filters.tensors(),
        "k": count(k),
    }
    question = Question(
        FILTERED_SEARCH,
        inputs,
        lambda outputs: FilteredItems(
            tuple(read_lists(outputs, 1, k)[0]), read_all_facets(outputs), version_of(outputs)
        ),
    )
    return _with_recents(question, recent_tensors([recents], [query], "queries"))


def recommend(
    user_ids: Sequence[str],
    histories: Sequence[Sequence[str]] | None,
    exclude_seen: bool,
    k: int,
    recents: Sequence[Events] | None = None,
    domain: str = "",
) -> Question[list[ScoredItems]]:
    """See `Recommender.recommend_batch`; the fallback is what the two-tower retrieves, not ranked: of no domain.

    A model that takes no recent events knows nobody without an id: it is given these visitors' as their history.
    """
    recent = recent_tensors(recents, user_ids, "user_ids")
    if recent:
        given = as_many(histories, user_ids, "histories", "user_ids", ())
        asked = zip(user_ids, given, recents or (), strict=True)
        known = [history or (() if user else liked(events)) for user, history, events in asked]
        older = recommend(user_ids, known, exclude_seen, k, domain=domain)
        question = _with_recents(recommend(user_ids, histories, exclude_seen, k, domain=domain), recent)
        return dataclasses.replace(question, older=older)
    inputs = {
        "user_id": strings("user_ids", user_ids),
        "history": padded("histories", as_many(histories, user_ids, "histories", "user_ids", ())),
        "exclude_seen": np.array(bool(exclude_seen)),
        "k": count(k),
    }
    rows = len(user_ids)
    if domain:
        inputs["domain"] = strings("domain", [domain] * rows)
        return _lists(RECOMMEND_WITHIN, inputs, rows)
    retrieved = Question(RETRIEVE, inputs, lambda outputs: read_lists(outputs, rows, k, fallback=True))
    return dataclasses.replace(_lists(RECOMMEND, inputs, rows), fallback=retrieved)


def similar(
    item_ids: Sequence[str], k: int, recents: Sequence[Events] | None = None
) -> Question[list[ScoredItems]]:
    """See `Recommender.similar_batch`."""
    inputs = {"item_id": strings("item_ids", item_ids), "k": count(k)}
    recent = recent_tensors(recents, item_ids, "item_ids")
    return _with_recents(_lists(SIMILAR, inputs, len(item_ids)), recent)


def similar_by_image(images: Sequence[bytes], k: int) -> Question[list[ScoredItems]]:
    """See `Recommender.similar_by_image`."""
    return _lists(SIMILAR_BY_IMAGE, {"image": pictures("images", images), "k": count(k)}, len(images))


def rank(
    queries: Sequence[str],
    user_ids: Sequence[str],
    item_ids: Sequence[Sequence[str]],
    recents: Sequence[Events] | None = None,
) -> Question[list[ScoredItems]]:
    """See `Recommender.rank_batch`; the fallback is the items as they came, which needs no server."""
    candidates = as_many(item_ids, queries, "item_ids", "queries")
    inputs = {
        "query": strings("queries", queries),
        "user_id": strings("user_ids", as_many(user_ids, queries, "user_ids", "queries")),
        "item_ids": padded("item_ids", candidates),
    }
    shape = inputs["item_ids"].shape

    def read(outputs: Tensors) -> list[ScoredItems]:
        # Not strict: behind a shorter row's scores are those of its padding.
        return [
            ScoredItems(
                (ScoredItem(item, float(score)) for item, score in zip(row, row_scores, strict=False)),
                version=version_of(outputs),
            )
            for row, row_scores in zip(candidates, read_output(outputs, SCORES, shape), strict=True)
        ]

    def as_they_came(_: Tensors) -> list[ScoredItems]:
        return [ScoredItems((ScoredItem(item, 0.0) for item in row), fallback=True) for row in candidates]

    if not inputs["item_ids"].size:
        return Question(RANK, inputs, lambda _: [ScoredItems() for _ in queries], sent=False)
    question = Question(RANK, inputs, read, fallback=Question(RANK, {}, as_they_came, sent=False))
    return _with_recents(question, recent_tensors(recents, queries, "queries"))


def explain(
    query: str, item_ids: Sequence[str], user_id: str, recents: Events = ()
) -> Question[list[Explanation]]:
    """See `Recommender.explain`."""
    inputs = {
        "query": strings("query", [query]),
        "user_id": strings("user_id", [user_id]),
        "item_ids": padded("item_ids", [item_ids]),
    }

    def read(outputs: Tensors) -> list[Explanation]:
        shapes = output_shapes(outputs, len(item_ids))
        return read_explanations(
            item_ids, {name: read_output(outputs, name, shape) for name, shape in shapes.items()}
        )

    if not item_ids:
        return Question(EXPLAIN, inputs, lambda _: [], sent=False)
    return _with_recents(Question(EXPLAIN, inputs, read), recent_tensors([recents], [query], "queries"))


def titles(item_ids: Sequence[str], version: int | None) -> Question[dict[str, str]]:
    """See `Recommender.titles`."""
    inputs = {ITEM_IDS: padded(ITEM_IDS, [item_ids])}
    if not len(item_ids):
        return Question(TITLES, inputs, lambda _: {}, sent=False)
    return Question(TITLES, inputs, lambda outputs: read_titles(item_ids, outputs), version=version)


def cut_off(version: int | None) -> Question[datetime.datetime | None]:
    """See `Recommender.cut_off`."""

    def read(outputs: Tensors) -> datetime.datetime | None:
        if CUT_OFF not in outputs:
            return None
        (microseconds,) = read_output(outputs, CUT_OFF, (1,)).tolist()
        return datetime.datetime.fromtimestamp(0, datetime.timezone.utc) + datetime.timedelta(
            microseconds=microseconds
        )

    return Question(TITLES, {ITEM_IDS: padded(ITEM_IDS, [[""]])}, read, version=version)


def _with_recents(question: Question[T], recent: Tensors) -> Question[T]:
    """The question, and what stands in for it, with recent events, where there are any."""
    if not recent or not question.sent:
        return question
    fallback = _with_recents(question.fallback, recent) if question.fallback else None
    return dataclasses.replace(
        question, inputs={**question.inputs, **recent}, fallback=fallback, older=question
    )


def facts(item_ids: Sequence[str], version: int | None) -> Question[Facts]:
    """See `Recommender.facts`."""
    # Asked of no item, too: the moment that the version is as of is an answer.
    inputs = {ITEM_IDS: padded(ITEM_IDS, [item_ids])}
    return Question(FACTS, inputs, lambda outputs: read_facts(item_ids, outputs), version=version)


def sentiment(texts: Sequence[str]) -> Question[list[float]]:
    """See `Recommender.sentiment`."""
    inputs = {"text": strings("texts", texts)}
    if not len(texts):
        return Question(SENTIMENT, inputs, lambda _: [], sent=False)
    return Question(
        SENTIMENT, inputs, lambda outputs: [float(one) for one in read_output(outputs, SCORES, (len(texts),))]
    )


def _lists(signature: Signature, inputs: Tensors, rows: int) -> Question[list[ScoredItems]]:
    """A question that each row of a batch has a list of at most k items for."""
    if not rows:
        return Question(signature, inputs, lambda _: [], sent=False)
    k = int(inputs["k"])
    return Question(signature, inputs, lambda outputs: read_lists(outputs, rows, k))
