"""Heads of numbers with and without those of labels, measured on the same candidates."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from aisle.components.evaluator.measures.metrics import (
    Floats,
    gain,
    graded_ndcg,
    hits,
    ndcg,
    paired_interval,
    relevant_items,
)
from aisle.components.evaluator.measures.protocol import Protocol, make_protocol
from aisle.components.labeler.labelled import Labelled
from aisle.datasets.simulator import SimulatorOptions
from aisle.model.options import RankingOptions
from aisle.model.ranking.features_trainer import train_features
from aisle.model.ranking.numbers import probabilities
from aisle.model.ranking.rows import read_by_heads
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from benchmarks.labels.lists import Asking, Lists, Scorer
from benchmarks.labels.searched import Graded, Shown
from benchmarks.labels.tried import NUMBERS
from benchmarks.shared.measured import K
from benchmarks.shared.served import Trained, make_retriever, tensors

USERS, WINDOWS, QUERIES, PAGES, DEPTH = 1_200, 4, 500, 1_500, 10
"""A reduced run: users a window, and windows, that heads learn from; queries and pages they are measured on; nDCG@DEPTH."""
_CLICK, _BOTH = 0, 1
"""What a search is ordered by, and a recommendation."""


@dataclasses.dataclass(frozen=True)
class Part:
    """Questions of one kind: their candidates, and what an order of these is worth.

    Attributes:
        lists: the candidates.
        outcome: of `probabilities`, by which they are ordered.
        worth: of rows, best first, int32 [q, m], by question [q].
    """

    lists: Lists
    outcome: int
    worth: Callable[[npt.NDArray[np.int32]], Floats]


@dataclasses.dataclass(frozen=True)
class Trial:
    """What heads learn from, and what they are measured on."""

    trained: Trained
    parts: dict[str, Part]

    @staticmethod
    def make(
        labelled: Labelled, tower: str, simulated: SimulatorOptions | None, folder: pathlib.Path, seed: int
    ) -> Trial:
        """Draws candidates, and asks for those of the labelled shop's test."""
        trained = Trained.make(labelled, tower, folder, seed, users=USERS, windows=WINDOWS)
        retriever, _ = make_retriever(labelled, tower)
        asking, ids = Asking(retriever), [item.decode() for item in retriever.item_ids.numpy()]
        splits = dataclasses.asdict(labelled.splits)
        protocol = make_protocol(labelled.tables["items"], labelled.tables["interactions"], splits)
        parts = _recommendations(asking, protocol, ids)
        if simulated is not None:
            window = (labelled.splits.test_start, labelled.splits.end)
            parts |= _searches(asking, Graded.of(simulated, ids, window, QUERIES))
            parts |= _pages(asking, Shown.of(simulated, window, PAGES), ids)
        return Trial(trained, parts)

    def gains(self, names: list[str], seeds: list[int]) -> dict[str, Any]:
        """What the shipped source's numbers add to a head without them, and what each other's add to the shipped head.

        Args:
            names: in NUMBERS, what is shipped first.
            seeds: of the heads.

        Returns:
            `shipped`: the mean by part; `gains`: by source and part the `gain` and its paired 95 % interval, `ci`.
        """
        first, *others = names
        left_out = [number for name in others for number in NUMBERS[name]]
        shipped = self.measured(left_out, seeds)
        compared = {first: (shipped, self.measured([*left_out, *NUMBERS[first]], seeds))}
        for name in others:
            hidden = [number for number in left_out if number not in NUMBERS[name]]
            compared[name] = (self.measured(hidden, seeds), shipped)
        return {
            "shipped": {part: float(np.nanmean(values)) for part, values in shipped.items()},
            "questions": {part: int(np.isfinite(values).sum()) for part, values in shipped.items()},
            "gains": {name: gains_of(*pair) for name, pair in compared.items()},
        }

    def measured(self, hidden: list[str], seeds: list[int]) -> dict[str, Floats]:
        """The worth of each question by part, the mean over heads, which don't know the numbers `hidden`."""
        heads = [self._head(hidden, seed) for seed in seeds]
        return {
            name: np.mean([part.worth(part.lists.ordered(head(part.outcome))) for head in heads], 0)
            for name, part in self.parts.items()
        }

    def _head(self, hidden: list[str], seed: int) -> Callable[[int], Scorer]:
        """Trains a head; returns its scorer of an outcome."""
        train, valid = (tensors(self.trained.examples[split], hidden) for split in ("train", "eval"))
        options = RankingOptions(seed=seed, text="never", members=1)
        tf.keras.utils.set_random_seed(seed)
        head = train_features(train, valid, options, str(self.trained.folder / "ranking"))
        unknown = tf.constant([feature.name in hidden for feature in CANDIDATE_FEATURES])

        @tf.function(reduce_retracing=True)
        def predict(numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return probabilities(head(read_by_heads(tf.where(unknown, np.float32(np.nan), numbers))))

        return lambda outcome: lambda numbers: predict(numbers)[outcome]


def gains_of(one: dict[str, Floats], other: dict[str, Floats]) -> dict[str, Any]:
    """By part: the gain of one over the other, and its interval."""
    return {
        part: {
            "gain": float(np.nanmean(one[part] - other[part])),
            "ci": paired_interval(one[part], other[part]),
        }
        for part in one
    }


def _recommendations(asking: Asking, protocol: Protocol, ids: list[str]) -> dict[str, Part]:
    """What known users went on to take, all of it and what was new to them: nDCG@20."""
    place = {item: at for at, item in enumerate(protocol.item_ids.to_pylist())}
    index = np.array([*(place[item] for item in ids), -1])
    users = protocol.user_ids.to_pylist()

    def part(new: bool, truth: Any) -> Part:
        def worth(rows: npt.NDArray[np.int32]) -> Floats:
            return ndcg(hits(index[rows[:, :K]], truth), relevant_items(truth))

        return Part(asking.recommend(users, new), _BOTH, worth)

    return {"recommended": part(False, protocol.truth), "recommended, new": part(True, protocol.new)}


def _searches(asking: Asking, graded: Graded) -> dict[str, Part]:
    """What answers a query in truth: nDCG@10 of the whole catalogue; and of queries never asked before."""
    lists, possible = asking.search(graded.queries), gain(graded.grades)

    def worth(rows: npt.NDArray[np.int32]) -> Floats:
        best = rows[:, :DEPTH]
        found = np.where(best >= 0, np.take_along_axis(possible, np.maximum(best, 0), 1), 0.0)
        return np.asarray(graded_ndcg(found, possible, DEPTH), np.float64)

    return {
        "searched": Part(lists, _CLICK, worth),
        "searched, unseen": Part(lists, _CLICK, lambda rows: np.where(graded.unseen, worth(rows), np.nan)),
    }


def _pages(asking: Asking, shown: Shown, ids: list[str]) -> dict[str, Part]:
    """Pages that were shown, by the true probability of a click on what is looked at: nDCG."""
    row = {item: at for at, item in enumerate(ids)}
    truth = np.zeros([len(shown.items), len(ids)])
    for page, (items, attraction) in enumerate(zip(shown.items, shown.attraction, strict=True)):
        truth[page, [row[item] for item in items]] = attraction

    def worth(rows: npt.NDArray[np.int32]) -> Floats:
        found = np.where(rows >= 0, np.take_along_axis(truth, np.maximum(rows, 0), 1), 0.0)
        return np.asarray(graded_ndcg(found, found, rows.shape[1]), np.float64)

    return {"pages": Part(asking.shown(shown.queries, shown.users, shown.items), _CLICK, worth)}
