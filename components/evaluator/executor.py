"""Runs the RecommendationEvaluator: the model's signatures and the artifacts to tables, report, blessing."""

from __future__ import annotations

import datetime
import os
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_text  # noqa: F401  Its ops must be registered before a model with BERT is loaded.
from tfx import types
from tfx.components.evaluator import constants
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from aisle.components.evaluator.blessing import bless
from aisle.components.evaluator.lexical import BM25
from aisle.components.evaluator.metrics import Floats
from aisle.components.evaluator.options import EvaluatorOptions, options_from_json
from aisle.components.evaluator.protocol import Protocol, make_protocol
from aisle.components.evaluator.ranking import ranking_metrics
from aisle.components.evaluator.search import Catalogue, clicked_queries, compare_searches, judged_queries
from aisle.components.evaluator.systems import Recommend, compare
from aisle.components.reports import write_evaluation
from aisle.components.storage import exists
from aisle.components.tables import read_json, read_parquet
from aisle.schema.contract import ITEM_IDS, RANK, RECOMMEND, RETRIEVE, SCORES, SEARCH

InputDict = dict[str, list[types.Artifact]]

HISTORY_FILE = "history.json"
_CANDIDATES = 64  # Items to a row that a batch is sized for; longer rows go in smaller batches.


class Executor(base_executor.BaseExecutor):
    """Reads an evaluation bundle and interactions; writes the evaluation and the blessing."""

    def Do(
        self,
        input_dict: InputDict,
        output_dict: InputDict,
        exec_properties: dict[str, Any],
    ) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        options = options_from_json(exec_properties["options"])
        model = artifact_utils.get_single_instance(input_dict["model"])
        folder = artifact_utils.get_single_uri(input_dict["interactions"])
        splits = read_json(os.path.join(folder, "splits.json"))
        served = ServedModel(path_utils.serving_model_path(model.uri), options.batch)
        report = _measure(folder, splits, served, options)
        report["ranking"] = _ranking(input_dict, splits["goal"])
        report["blessing"] = bless(
            report["systems"],
            report["search"],
            options.min_gain_over_popularity,
            report["ranking"],
            ranking_given=bool(input_dict.get("ranking_evaluation")),
            ranking_blessed=_ranking_blessed(input_dict),
        )
        report["training"] = _training(input_dict)
        write_evaluation(report, artifact_utils.get_single_uri(output_dict["evaluation"]))
        write_evaluation(report, exec_properties["reports_dir"])
        _write_blessing(
            artifact_utils.get_single_instance(output_dict["blessing"]), model, report["blessing"]
        )


class ServedModel:
    """The signatures of a SavedModel, called in batches with Python values."""

    def __init__(self, path: str, batch: int) -> None:
        """Loads the model at `path`; `batch` users or queries go to a call."""
        self._model = tf.saved_model.load(path)
        self._batch = batch

    def recommend(self, name: str) -> Recommend:
        """Returns the signature `name` (`recommend` or `retrieve`) as a function of users."""
        signature = self._model.signatures[name]

        def call(users: list[str], exclude_seen: bool, k: int) -> pa.Array:
            answers = [
                signature(
                    user_id=_strings(users[start : start + self._batch]),
                    # A row of pads only: the history the model knows.
                    history=_strings([[""]] * len(users[start : start + self._batch])),
                    exclude_seen=tf.constant(exclude_seen),
                    k=tf.constant(k, tf.int32),
                )
                for start in range(0, len(users), self._batch)
            ]
            return _item_ids(answers)

        return call

    def search(self, queries: list[str], users: list[str], k: int) -> pa.Array:
        """Returns `k` item ids for each (query, user), flat, row after row; "" is an empty place."""
        signature = self._model.signatures[SEARCH.name]
        answers = [
            signature(
                query=_strings(queries[start : start + self._batch]),
                user_id=_strings(users[start : start + self._batch]),
                k=tf.constant(k, tf.int32),
            )
            for start in range(0, len(queries), self._batch)
        ]
        return _item_ids(answers)

    def rank(self, queries: list[str], item_ids: list[list[str]]) -> list[Floats]:
        """Returns the scores of each query's items, for nobody in particular."""
        signature = self._model.signatures[RANK.name]
        longest = max((len(ids) for ids in item_ids), default=0)
        batch = max(1, self._batch * _CANDIDATES // max(longest, _CANDIDATES))
        scores: list[Floats] = []
        for start in range(0, len(queries), batch):
            rows = item_ids[start : start + batch]
            padded = [ids + [""] * (longest - len(ids)) for ids in rows]
            asked = queries[start : start + batch]
            answer = signature(
                query=_strings(asked), user_id=_strings([""] * len(asked)), item_ids=_strings(padded)
            )[SCORES].numpy()
            scores += [np.asarray(row[: len(ids)], np.float64) for row, ids in zip(answer, rows, strict=True)]
        return scores


def _strings(values: list[Any]) -> tf.Tensor:
    return tf.constant(values, tf.string)


def _item_ids(answers: list[dict[str, tf.Tensor]]) -> pa.Array:
    """The answers' item ids, flat, as strings."""
    flat = [answer[ITEM_IDS].numpy().ravel() for answer in answers]
    return pa.array(np.concatenate([np.empty(0, object), *flat]), pa.binary()).cast(pa.string())


def _measure(
    folder: str, splits: dict[str, Any], served: ServedModel, options: EvaluatorOptions
) -> dict[str, Any]:
    """The report as far as the model's answers go."""
    items = read_parquet(os.path.join(folder, "items.parquet"))
    interactions = read_parquet(os.path.join(folder, "interactions.parquet"))
    judgements = os.path.join(folder, "judgements.parquet")
    protocol = make_protocol(items, interactions, splits, options.max_users, options.seed)
    systems = compare(protocol, served.recommend(RECOMMEND.name), served.recommend(RETRIEVE.name), options)
    search = compare_searches(
        _catalogue(items, protocol),
        judged_queries(read_parquet(judgements) if exists(judgements) else None, protocol.item_ids),
        clicked_queries(interactions, protocol.item_ids),
        served.search,
        served.rank,
        options,
    )
    return {
        "version": 1,
        "goal": splits["goal"],
        "window": {"test_start": _iso(splits["test_start"]), "end": _iso(splits["end"])},
        "k": options.k,
        "users": {"all": len(protocol.users), "new": int(protocol.has_new.sum())},
        "catalogue": len(protocol.item_ids),
        "systems": systems,
        "search": search,
    }


def _catalogue(items: pa.Table, protocol: Protocol) -> Catalogue:
    """The items as the lexical baseline sees them, in the order of the protocol's indices."""
    pairs = zip(items.column("item_id").to_pylist(), items.column("title").to_pylist(), strict=True)
    titles = {str(item): title or "" for item, title in pairs}
    ordered = [titles[item] for item in protocol.item_ids.to_pylist()]
    return Catalogue(protocol.item_ids, BM25(ordered), protocol.train)


def _ranking(input_dict: InputDict, goal: str) -> dict[str, Any] | None:
    evaluations = input_dict.get("ranking_evaluation")
    return ranking_metrics(artifact_utils.get_single_uri(evaluations), goal) if evaluations else None


def _ranking_blessed(input_dict: InputDict) -> bool | None:
    blessings = input_dict.get("ranking_blessing")
    if not blessings:
        return None
    return bool(model_utils.is_model_blessed(artifact_utils.get_single_instance(blessings)))


def _training(input_dict: InputDict) -> dict[str, Any]:
    """The loss curves that the trainers left in their runs."""
    curves = {}
    for name in ("two_tower", "ranking"):
        for artifact in input_dict.get(f"{name}_run") or []:
            path = os.path.join(artifact.uri, HISTORY_FILE)
            if exists(path):
                curves[name] = read_json(path)
    return curves


def _write_blessing(blessing: types.Artifact, model: types.Artifact, verdict: dict[str, Any]) -> None:
    """Writes the blessing as the stock Evaluator does, which is how Pusher reads it."""
    blessed = verdict["blessed"]
    name = constants.BLESSED_FILE_NAME if blessed else constants.NOT_BLESSED_FILE_NAME
    io_utils.write_string_file(os.path.join(blessing.uri, name), "")
    value = constants.BLESSED_VALUE if blessed else constants.NOT_BLESSED_VALUE
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    blessing.set_string_custom_property(
        constants.ARTIFACT_PROPERTY_BLESSING_MESSAGE_KEY, "; ".join(verdict["reasons"])
    )


def _iso(microseconds: int) -> str:
    seconds, rest = divmod(int(microseconds), 1_000_000)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).replace(microsecond=rest)
    return moment.isoformat()
