"""The whole pipeline and the best baseline on parts of the test: who, where, and of which items."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import sparse

from aisle.components.evaluator.baselines import recommenders as baselines
from aisle.components.evaluator.measures.metrics import (
    Bools,
    Ints,
    mean,
    paired_interval,
    recall_and_ndcg,
    relevant_items,
)
from aisle.components.evaluator.measures.protocol import Protocol, positions
from aisle.components.evaluator.measures.systems import BASELINES, POPULARITY, WHOLE_PIPELINE, Recommend, ask
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.schema.tables import MICROSECONDS_PER_DAY

NEW_ITEM_DAYS = 28
_COUNTRIES = 8


@dataclasses.dataclass(frozen=True)
class Slice:
    """A part of the test.

    Attributes:
        kind: `activity`, `newcomers`, `items` or `country`.
        name: what it holds.
        rule: how that was told.
        truth: what each user took, [m, items]; rows may be empty, and then don't count.
        answers: item indices by system, [m, k].
    """

    kind: str
    name: str
    rule: str
    truth: sparse.csr_matrix
    answers: Mapping[str, Ints]


def measure_slices(
    protocol: Protocol,
    answers: Mapping[str, Ints],
    recommend: Recommend,
    users: pa.Table | None,
    options: EvaluatorOptions,
) -> list[dict[str, Any]]:
    """Measures every slice there is.

    Args:
        protocol: the test.
        answers: of all systems to the tested users, [n, k].
        recommend: the whole pipeline, asked once more, for the newcomers.
        users: `user_id` and `country`; None without such a table.
        options: k, how few users are too few, and the bootstrap's.

    Returns:
        A record a slice: `kind`, `name`, `rule`, `users`, and, all None where there are too few users,
        `recall` and `ndcg` of the whole pipeline, `baseline` (`name`, `recall`, `ndcg` of the one with the
        best nDCG on this very slice), `gain` (`ndcg` over that baseline, and its paired 95 % interval `ci`).
    """
    parts = [_newcomers(protocol, recommend, options.k)]
    if len(protocol.users):
        parts = [
            *_by_activity(protocol, answers),
            *parts,
            *_by_item(protocol, answers),
            *(_by_country(protocol, answers, users) if users is not None else ()),
        ]
    return [_measure(part, options) for part in parts]


def _by_activity(protocol: Protocol, answers: Mapping[str, Ints]) -> Iterator[Slice]:
    """The tested users, parted at the median of their events before the test."""
    train = protocol.train
    events = np.bincount(train.users[train.users >= 0], minlength=train.n_users)[protocol.users]
    median = float(np.median(events))
    rules = {
        "heavy users": (events > median, f"events before the test: more than {median:g}, the users' median"),
        "light users": (events <= median, f"events before the test: {median:g} or fewer"),
    }
    for name, (chosen, rule) in rules.items():
        yield _rows("activity", name, rule, protocol, answers, chosen)


def _newcomers(protocol: Protocol, recommend: Recommend, k: int) -> Slice:
    """Users whose first event is in the test: the model knows nothing of them, nor does popularity."""
    best = baselines.popularity(protocol.train, np.zeros(1, np.int64), k)
    count = len(protocol.newcomer_ids)
    found = {
        WHOLE_PIPELINE: ask(recommend, protocol.newcomer_ids, protocol.item_ids, k),
        POPULARITY: np.repeat(best, count, axis=0),
    }
    rule = "no event before the test"
    return Slice("newcomers", "new users", rule, protocol.newcomer_truth, found)


def _by_item(protocol: Protocol, answers: Mapping[str, Ints]) -> Iterator[Slice]:
    """The same users and answers, but only items that were new to the shop count as right."""
    train = protocol.train
    first = np.full(train.n_items, np.iinfo(np.int64).max)
    np.minimum.at(first, train.items, train.timestamps)
    recent = first >= train.cut - NEW_ITEM_DAYS * MICROSECONDS_PER_DAY
    truth = (protocol.truth @ sparse.diags(recent.astype(np.float64))).tocsr()
    truth.eliminate_zeros()
    rule = f"first taken in the {NEW_ITEM_DAYS} days before the test; only those count as right"
    yield Slice("items", "new items", rule, truth, answers)
    rule = "nobody took them before the test; only those count as right, and in no other figure"
    yield Slice("items", "items never taken before", rule, protocol.unheard, answers)


def _by_country(protocol: Protocol, answers: Mapping[str, Ints], users: pa.Table) -> Iterator[Slice]:
    """The countries of most tested users, and the others together."""
    row = positions(protocol.user_ids, users.column("user_id").cast(pa.string()).combine_chunks())
    stated = [str(value or "") for value in users.column("country").to_pylist()]
    country = np.array([stated[place] if place >= 0 else "" for place in row], object)
    names, counts = np.unique(country[country != ""].astype(str), return_counts=True)
    shown = names[np.argsort(-counts, kind="stable")][:_COUNTRIES]
    for name in shown:
        yield _rows("country", str(name), "of that country", protocol, answers, country == name)
    others = (country != "") & ~np.isin(country.astype(str), shown)
    if others.any():
        yield _rows("country", "other countries", "of a country not shown", protocol, answers, others)


def _rows(
    kind: str, name: str, rule: str, protocol: Protocol, answers: Mapping[str, Ints], chosen: Bools
) -> Slice:
    """The chosen users, with all that they took."""
    rows = np.flatnonzero(chosen)
    found = {system: given[rows] for system, given in answers.items()}
    return Slice(kind, name, rule, protocol.truth[rows], found)


def _measure(part: Slice, options: EvaluatorOptions) -> dict[str, Any]:
    rows = np.flatnonzero(relevant_items(part.truth))
    record: dict[str, Any] = {"kind": part.kind, "name": part.name, "rule": part.rule, "users": len(rows)}
    if len(rows) < options.slice_users:
        return record | {"recall": None, "ndcg": None, "baseline": None, "gain": None}
    truth = part.truth[rows]
    figures = {
        name: recall_and_ndcg(part.answers[name][rows], truth)
        for name in (WHOLE_PIPELINE, *BASELINES)
        if name in part.answers
    }
    recalls, ours = figures.pop(WHOLE_PIPELINE)
    best = max(figures, key=lambda name: mean(figures[name][1]) or 0.0)
    their_recalls, theirs = figures[best]
    return record | {
        "recall": mean(recalls),
        "ndcg": mean(ours),
        "baseline": {"name": best, "recall": mean(their_recalls), "ndcg": mean(theirs)},
        "gain": {
            "ndcg": mean(ours - theirs),
            "ci": paired_interval(ours, theirs, options.resamples, options.seed),
        },
    }
