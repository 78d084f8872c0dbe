"""The table of the recommenders: the model beside what it must beat, on the same users."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from aisle.components.evaluator import baselines
from aisle.components.evaluator.metrics import (
    Floats,
    Ints,
    bootstrap_interval,
    coverage,
    hits,
    mean,
    ndcg,
    paired_interval,
    recall,
    relevant_items,
)
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.components.evaluator.protocol import Protocol, positions

WHOLE_PIPELINE = "whole pipeline"
RETRIEVAL = "retrieval alone"
POPULARITY = "popularity, last 28 days"
OWN_HISTORY = "own history, recency-weighted"
ITEM_KNN = "item-kNN (cosine)"

Recommend = Callable[[list[str], bool, int], pa.Array]
"""(users, exclude_seen, k) to item ids as strings, flat, row after row: [users * k]; "" is empty."""


@dataclasses.dataclass(frozen=True)
class _System:
    """A recommender: `answer(exclude_seen)` gives item indices of every test user, [n, k].

    `answers_new` is False where leaving out what was seen leaves nothing of the method.
    """

    name: str
    answer: Callable[[bool], Ints]
    answers_new: bool = True


def compare(
    protocol: Protocol, recommend: Recommend, retrieve: Recommend, options: EvaluatorOptions
) -> list[dict[str, Any]]:
    """Measures the whole pipeline, the retrieval alone and the baselines.

    Args:
        protocol: the test.
        recommend: the whole pipeline.
        retrieve: the two-tower alone.
        options: k, the bootstrap's resamples and seed.

    Returns:
        A record a system, the whole pipeline first: `name`, `all` and `new`, each with `recall`, `ndcg`,
        `coverage`, `ci`, and for the others `pipeline_gain`: nDCG of the whole pipeline less the system's,
        with its paired interval. Empty without a test user.
    """
    if not len(protocol.users):
        return []
    train, users, k = protocol.train, protocol.users, options.k

    def model(call: Recommend) -> Callable[[bool], Ints]:
        names = protocol.user_ids.to_pylist()
        return lambda exclude: positions(call(names, exclude, k), protocol.item_ids).reshape(len(names), k)

    systems = (
        _System(WHOLE_PIPELINE, model(recommend)),
        _System(RETRIEVAL, model(retrieve)),
        _System(POPULARITY, lambda exclude: baselines.popularity(train, users, k, exclude_seen=exclude)),
        _System(OWN_HISTORY, lambda _: baselines.own_history(train, users, k), answers_new=False),
        _System(ITEM_KNN, lambda exclude: baselines.item_knn(train, users, k, exclude_seen=exclude)),
    )
    records: list[dict[str, Any]] = [{"name": system.name, "all": None, "new": None} for system in systems]
    for part, exclude in (("all", False), ("new", True)):
        reference: Floats | None = None
        for system, record in zip(systems, records, strict=True):
            if exclude and not (system.answers_new and protocol.has_new.any()):
                continue
            record[part], reference = _measure(protocol, system.answer(exclude), exclude, reference, options)
    return records


def _measure(
    protocol: Protocol, answers: Ints, new: bool, reference: Floats | None, options: EvaluatorOptions
) -> tuple[dict[str, Any], Floats]:
    """One system's figures, and the nDCG by user that the following systems are paired with."""
    rows = np.flatnonzero(protocol.has_new) if new else np.arange(len(protocol.users))
    truth = (protocol.new if new else protocol.truth)[rows]
    hit, relevant = hits(answers[rows], truth), relevant_items(truth)
    by_user = ndcg(hit, relevant)
    record: dict[str, Any] = {
        "recall": mean(recall(hit, relevant)),
        "ndcg": mean(by_user),
        "coverage": coverage(answers[rows], len(protocol.item_ids)),
        "ci": {"ndcg": bootstrap_interval(by_user, options.resamples, options.seed)},
    }
    if reference is None:
        return record, by_user
    record["pipeline_gain"] = {
        "ndcg": mean(reference - by_user),
        "ci": paired_interval(reference, by_user, options.resamples, options.seed),
    }
    return record, reference
