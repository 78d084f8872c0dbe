"""A model's answers to the test as the report's figures, and beside those of the last blessed model."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import tensorflow as tf
from tfx.utils import path_utils

from aisle.components.evaluator.blessing.last_blessed import Figures, Record, compare_with_last
from aisle.components.evaluator.holdout import Holdout
from aisle.components.evaluator.measures.exposure import exposure_tables
from aisle.components.evaluator.measures.metrics import Ints, recall_and_ndcg
from aisle.components.evaluator.measures.protocol import recent_histories
from aisle.components.evaluator.measures.search import (
    SearchFigures,
    ask_searches,
    compare_searches,
    judged_ndcg,
    taken_recall,
)
from aisle.components.evaluator.measures.slices import measure_slices
from aisle.components.evaluator.measures.systems import Answers, ask, ask_systems, compare
from aisle.components.evaluator.served_model import ServedModel
from aisle.components.mounts import on_disk
from aisle.schema.contract import RECOMMEND, RETRIEVE
from aisle.schema.errors import InputError
from aisle.schema.features import HISTORY_LENGTH


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a model was asked once, for all that is measured of it.

    Attributes:
        users: its answers and its baselines' to every test user, its own first; empty without a user.
        searches: its figures by query.
    """

    users: list[Answers]
    searches: SearchFigures


def ask_all(test: Holdout, served: ServedModel) -> Asked:
    """Asks the model and its baselines for every test user's items, and the model for every query's."""
    recommend, two_tower = served.recommend(RECOMMEND.name), served.recommend(RETRIEVE.name)
    return Asked(
        ask_systems(test.protocol, recommend, two_tower, test.options),
        ask_searches(test.searches, served.search, served.rank, test.options),
    )


def measure(test: Holdout, served: ServedModel, asked: Asked) -> dict[str, Any]:
    """Returns the report (docs/reports.md) as far as the model's answers go.

    Args:
        test: what is asked.
        served: the model.
        asked: of `ask_all`.
    """
    protocol, splits, options = test.protocol, test.splits, test.options
    answers = {one.name: one.all for one in asked.users}
    return {
        "version": 1,
        "goal": splits["goal"],
        "window": {"test_start": _iso(splits["test_start"]), "end": _iso(splits["end"])},
        "k": options.k,
        "users": {"all": len(protocol.users), "new": int(protocol.has_new.sum())},
        "catalogue": len(protocol.item_ids),
        "systems": compare(protocol, asked.users, options, test.items),
        "slices": measure_slices(protocol, answers, served.recommend(RECOMMEND.name), test.users, options),
        "slice_users": options.slice_users,
        "exposure": exposure_tables(protocol, answers, test.items) if asked.users else [],
        "search": compare_searches(test.searches, asked.searches, options),
    }


def compare_models(record: Record | None, test: Holdout, served: ServedModel, asked: Asked) -> dict[str, Any]:
    """Asks the last blessed model the same as the new one; see `last_blessed`.

    Args:
        record: of the last blessed model, None where there is none.
        test: what is asked.
        served: the new model.
        asked: of `ask_all`, by the new model.
    """

    def ask_both(record: Record) -> Figures:
        try:
            with on_disk(record.model) as folder:
                last = ServedModel(path_utils.serving_model_path(folder), test.options.batch)
                return _figures(test, served, last, asked, given=record.test_start != test.test_start)
        except tf.errors.OpError as error:
            raise ValueError(error.message) from error
        except InputError as error:
            raise ValueError(str(error)) from error

    return compare_with_last(record, test.test_start, ask_both, test.options)


def _figures(test: Holdout, served: ServedModel, last: ServedModel, asked: Asked, *, given: bool) -> Figures:
    """Both models' figure; `given`: both are told the users' histories, for the last knows older ones."""
    if not asked.users:
        return _search_figures(test, last, asked.searches)
    histories = recent_histories(test.interactions, test.protocol, HISTORY_LENGTH) if given else None
    found = _answers(test, served, histories) if given else asked.users[0].all
    _, ours = recall_and_ndcg(found, test.protocol.truth)
    _, theirs = recall_and_ndcg(_answers(test, last, histories), test.protocol.truth)
    return Figures("nDCG of all test items", ours, theirs, given)


def _search_figures(test: Holdout, last: ServedModel, ours: SearchFigures) -> Figures:
    """What decides where nobody is tested: nDCG of the judged queries or, without any, recall of the others."""
    if test.searches.judged:
        theirs = judged_ndcg(test.searches, last.rank, test.options)
        return Figures("nDCG of judged searches", ours.ndcg, theirs)
    return Figures("recall of searches", ours.recall, taken_recall(test.searches, last.search, test.options))


def _answers(test: Holdout, model: ServedModel, histories: list[list[str]] | None) -> Ints:
    call = model.recommend(RECOMMEND.name, histories)
    return ask(call, test.protocol.user_ids, test.protocol.item_ids, test.options.k)


def _iso(microseconds: int) -> str:
    seconds, rest = divmod(int(microseconds), 1_000_000)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).replace(microsecond=rest)
    return moment.isoformat()
