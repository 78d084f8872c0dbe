"""The table of the recommenders: the model beside what it must beat, on the same users."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from aisle.components.evaluator.baselines import recommenders as baselines
from aisle.components.evaluator.measures.diversity import (
    Contents,
    gini,
    intra_list_diversity,
    miscalibration,
    taken_before,
)
from aisle.components.evaluator.measures.exposure import exposure
from aisle.components.evaluator.measures.metrics import (
    Floats,
    Ints,
    bootstrap_interval,
    coverage,
    hit_rate,
    hits,
    mean,
    ndcg,
    paired_interval,
    recall,
    reciprocal_rank,
    relevant_items,
)
from aisle.components.evaluator.measures.popularity_bias import novelty, recommended_popularity
from aisle.components.evaluator.measures.protocol import Protocol, positions
from aisle.components.evaluator.options import EvaluatorOptions

WHOLE_PIPELINE = "whole pipeline"
TWO_TOWER = "two-tower alone"
"""One of the sources that the whole pipeline's candidates come from; of what it retrieves nothing is ranked."""
POPULARITY = "popularity, last 28 days"
OWN_HISTORY = "own history, recency-weighted"
ITEM_KNN = "item-kNN (cosine)"
BASELINES = (POPULARITY, OWN_HISTORY, ITEM_KNN)

Recommend = Callable[[list[str], bool, int], pa.Array]
"""(users, exclude_seen, k) to item ids as strings, flat, row after row: [users * k]; "" is empty."""


@dataclasses.dataclass(frozen=True)
class Answers:
    """What a recommender answers every test user.

    Attributes:
        name: of the system.
        all: item indices, best first, -1 for an empty place, [n, k].
        new: the same with what the user took before left out; None where that leaves nothing of the method.
    """

    name: str
    all: Ints
    new: Ints | None


def ask_systems(
    protocol: Protocol, recommend: Recommend, two_tower: Recommend, options: EvaluatorOptions
) -> list[Answers]:
    """Asks the whole pipeline, the two-tower alone and the baselines, in this order.

    Args:
        protocol: the test.
        recommend: the whole pipeline.
        two_tower: its own nearest items, without the other sources and the ranking head.
        options: k.

    Returns:
        Nothing without a test user.
    """
    if not len(protocol.users):
        return []
    train, users, k = protocol.train, protocol.users, options.k
    new = bool(protocol.has_new.any())

    def answers(name: str, answer: Callable[[bool], Ints], answers_new: bool = True) -> Answers:
        return Answers(name, answer(False), answer(True) if answers_new and new else None)

    def model(call: Recommend) -> Callable[[bool], Ints]:
        return lambda exclude: ask(call, protocol.user_ids, protocol.item_ids, k, exclude_seen=exclude)

    return [
        answers(WHOLE_PIPELINE, model(recommend)),
        answers(TWO_TOWER, model(two_tower)),
        answers(POPULARITY, lambda new: baselines.popularity(train, users, k, exclude_seen=new)),
        answers(OWN_HISTORY, lambda _: baselines.own_history(train, users, k), answers_new=False),
        answers(ITEM_KNN, lambda new: baselines.item_knn(train, users, k, exclude_seen=new)),
    ]


def ask(
    call: Recommend, user_ids: pa.Array, item_ids: pa.Array, k: int, *, exclude_seen: bool = False
) -> Ints:
    """Asks a model for the users' items, as indices into the catalogue; -1 is empty or unknown. [n, k]."""
    names = user_ids.to_pylist()
    return positions(call(names, exclude_seen, k), item_ids).reshape(len(names), k)


def compare(
    protocol: Protocol, answers: list[Answers], options: EvaluatorOptions, items: pa.Table
) -> list[dict[str, Any]]:
    """Measures every system on the same users.

    Args:
        protocol: the test.
        answers: of `ask_systems`, the whole pipeline first.
        options: the bootstrap's resamples and seed.
        items: the catalogue, with `item_id` and perhaps `title`, `category` and `brand`.

    Returns:
        A record a system, in order: `name`, `all` and `new`, each None where it has no answer, else with
        `recall`, `ndcg`, `mrr`, `hit_rate`, `coverage`, `novelty`, `popularity` (of what is recommended),
        what `spread` says, `ci`, and for the others `pipeline_gain`: nDCG of the whole pipeline less the system's, with its
        paired interval.
    """
    records: list[dict[str, Any]] = [{"name": one.name, "all": None, "new": None} for one in answers]
    contents = Contents.of(protocol, items)
    for part in ("all", "new"):
        reference: Floats | None = None
        rows = np.flatnonzero(protocol.has_new) if part == "new" else np.arange(len(protocol.users))
        for one, record in zip(answers, records, strict=True):
            found = getattr(one, part)
            if found is not None:
                record[part], reference = _measure(protocol, found, part == "new", reference, options)
                record[part] |= spread(protocol, found, rows, contents)
    return records


def spread(protocol: Protocol, answers: Ints, rows: Ints, contents: Contents) -> dict[str, float | None]:
    """How a system's answers, [n, k], spread over the catalogue and over what their users care for; of the users `rows`."""
    interests = contents.interests
    return {
        "diversity": mean(intra_list_diversity(answers[rows], contents.words)),
        "gini": gini(exposure(answers[rows], len(protocol.item_ids))),
        "miscalibration": None
        if interests is None
        else mean(miscalibration(answers[rows], taken_before(protocol)[rows], interests)),
    }


def _measure(
    protocol: Protocol, answers: Ints, new: bool, reference: Floats | None, options: EvaluatorOptions
) -> tuple[dict[str, Any], Floats]:
    """One system's figures, and the nDCG by user that the following systems are paired with."""
    train = protocol.train
    rows = np.flatnonzero(protocol.has_new) if new else np.arange(len(protocol.users))
    truth = (protocol.new if new else protocol.truth)[rows]
    hit, relevant = hits(answers[rows], truth), relevant_items(truth)
    by_user = ndcg(hit, relevant)
    counts = np.bincount(train.items, minlength=train.n_items).astype(np.int64)
    takers = np.asarray(baselines.seen(train).sum(axis=0), np.int64).ravel()
    record: dict[str, Any] = {
        "recall": mean(recall(hit, relevant)),
        "ndcg": mean(by_user),
        "mrr": mean(reciprocal_rank(hit, relevant)),
        "hit_rate": mean(hit_rate(hit, relevant)),
        "coverage": coverage(answers[rows], len(protocol.item_ids)),
        "novelty": mean(novelty(answers[rows], takers, train.n_users)),
        "popularity": mean(recommended_popularity(answers[rows], counts)),
        "ci": {"ndcg": bootstrap_interval(by_user, options.resamples, options.seed)},
    }
    if reference is None:
        return record, by_user
    record["pipeline_gain"] = {
        "ndcg": mean(reference - by_user),
        "ci": paired_interval(reference, by_user, options.resamples, options.seed),
    }
    return record, reference
