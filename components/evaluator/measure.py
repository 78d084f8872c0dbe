"""A model's answers to the test as the report's figures, and beside those of the last blessed model."""

from __future__ import annotations

import datetime
from typing import Any

import tensorflow as tf
from tfx.utils import path_utils

from aisle.components.evaluator.exposure import exposure_tables
from aisle.components.evaluator.holdout import Holdout
from aisle.components.evaluator.last_blessed import Figures, Record, compare_with_last
from aisle.components.evaluator.metrics import Floats, Ints
from aisle.components.evaluator.protocol import recent_histories
from aisle.components.evaluator.search import compare_searches, figure_by_query
from aisle.components.evaluator.served_model import ServedModel
from aisle.components.evaluator.slices import measure_slices
from aisle.components.evaluator.systems import Answers, ask, ask_systems, compare, ndcg_by_user
from aisle.schema.contract import RECOMMEND, RETRIEVE
from aisle.schema.features import HISTORY_LENGTH


def ask_all(test: Holdout, served: ServedModel) -> list[Answers]:
    """Asks the model and its baselines for every test user's items; nothing without a user."""
    recommend, retrieve = served.recommend(RECOMMEND.name), served.recommend(RETRIEVE.name)
    return ask_systems(test.protocol, recommend, retrieve, test.options)


def measure(test: Holdout, served: ServedModel, asked: list[Answers]) -> dict[str, Any]:
    """Returns the report (docs/reports.md) as far as the model's answers go.

    Args:
        test: what is asked.
        served: the model.
        asked: of `ask_all`.
    """
    protocol, splits, options = test.protocol, test.splits, test.options
    answers = {one.name: one.all for one in asked}
    return {
        "version": 1,
        "goal": splits["goal"],
        "window": {"test_start": _iso(splits["test_start"]), "end": _iso(splits["end"])},
        "k": options.k,
        "users": {"all": len(protocol.users), "new": int(protocol.has_new.sum())},
        "catalogue": len(protocol.item_ids),
        "systems": compare(protocol, asked, options),
        "slices": measure_slices(protocol, answers, served.recommend(RECOMMEND.name), test.users, options),
        "slice_users": options.slice_users,
        "exposure": exposure_tables(protocol, answers, test.items) if asked else [],
        "search": compare_searches(
            test.catalogue, test.judged, test.clicked, served.search, served.rank, options
        ),
    }


def compare_models(
    record: Record | None, test: Holdout, served: ServedModel, asked: list[Answers]
) -> dict[str, Any]:
    """Asks the last blessed model the same as the new one; see `last_blessed`.

    Args:
        record: of the last blessed model, None where there is none.
        test: what is asked.
        served: the new model.
        asked: of `ask_all`, the new model first.
    """

    def ask_both(record: Record) -> Figures:
        try:
            last = ServedModel(path_utils.serving_model_path(record.model), test.options.batch)
            return _figures(test, served, last, asked, given=record.test_start != test.test_start)
        except tf.errors.OpError as error:
            raise ValueError(error.message) from error

    return compare_with_last(record, test.test_start, ask_both, test.options)


def _figures(
    test: Holdout, served: ServedModel, last: ServedModel, asked: list[Answers], *, given: bool
) -> Figures:
    """Both models' figure; `given`: both are told the users' histories, for the last knows older ones."""
    if not asked:
        name, ours = _search_figure(test, served)
        return Figures(name, ours, _search_figure(test, last)[1])
    histories = recent_histories(test.interactions, test.protocol, HISTORY_LENGTH) if given else None
    found = _answers(test, served, histories) if given else asked[0].all
    return Figures(
        "nDCG of all test items",
        ndcg_by_user(test.protocol, found),
        ndcg_by_user(test.protocol, _answers(test, last, histories)),
        given,
    )


def _answers(test: Holdout, model: ServedModel, histories: list[list[str]] | None) -> Ints:
    call = model.recommend(RECOMMEND.name, histories)
    return ask(call, test.protocol.user_ids, test.protocol.item_ids, test.options.k)


def _search_figure(test: Holdout, model: ServedModel) -> tuple[str, Floats]:
    return figure_by_query(test.catalogue, test.judged, test.clicked, model.search, model.rank, test.options)


def _iso(microseconds: int) -> str:
    seconds, rest = divmod(int(microseconds), 1_000_000)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).replace(microsecond=rest)
    return moment.isoformat()
