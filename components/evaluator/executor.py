"""Runs the RecommendationEvaluator: the model's answers and the artifacts to tables, report, blessing."""

from __future__ import annotations

import os
from typing import Any

from tfx import types
from tfx.components.evaluator import constants
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from aisle.components.evaluator.blessing.last_blessed import keep_blessed, last_blessed, not_compared
from aisle.components.evaluator.blessing.thresholds import BlessOptions
from aisle.components.evaluator.blessing.verdict import bless
from aisle.components.evaluator.holdout import Holdout
from aisle.components.evaluator.measures.measure import ask_all, compare_models, measure
from aisle.components.evaluator.measures.ranking import ranking_metrics
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.components.evaluator.served_model import ServedModel
from aisle.components.mounts import remote_uri
from aisle.components.reports import write_evaluation
from aisle.components.storage import exists
from aisle.components.tables import read_json
from aisle.schema.contract import DOMAINS_FILE, EXTRA_FOLDER, INDEX_FILE, PICTURES_FILE, TRANSFER_FILE
from aisle.schema.training import HISTORY_FILE

InputDict = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Reads an evaluation bundle and interactions; writes the evaluation and the blessing."""

    def Do(
        self,
        input_dict: InputDict,
        output_dict: InputDict,
        exec_properties: dict[str, Any],
    ) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        options = EvaluatorOptions.from_json(exec_properties["options"])
        thresholds = BlessOptions.from_json(exec_properties["thresholds"])
        model = artifact_utils.get_single_instance(input_dict["model"])
        test = Holdout.read(artifact_utils.get_single_uri(input_dict["interactions"]), options)
        served = ServedModel(path_utils.serving_model_path(model.uri), options.batch)
        asked = ask_all(test, served)
        report = measure(test, served, asked)
        report["ranking"] = _ranking(input_dict, test.splits["goal"])
        records = exec_properties["blessed_dir"]
        report["last_blessed"] = (
            compare_models(last_blessed(records, remote_uri(model.uri)), test, served, asked)
            if thresholds.max_drop < 1
            else not_compared("bless.max_drop is 1")
        )
        report["index"] = _beside(model, INDEX_FILE)
        beside = (("domains", DOMAINS_FILE), ("pictures", PICTURES_FILE), ("transfer", TRANSFER_FILE))
        for name, file in beside:
            if told := _beside(model, file):
                report[name] = told
        report["blessing"] = bless(
            report["systems"],
            report["search"],
            thresholds,
            report["ranking"],
            report["last_blessed"],
            ranking_given=bool(input_dict.get("ranking_evaluation")),
            ranking_blessed=_ranking_blessed(input_dict),
            index=report["index"],
            users=report["users"]["all"],
            enough=options.slice_users,
            untold=test.untold and bool(report.get("transfer")),
        )
        report["training"] = _training(input_dict)
        write_evaluation(report, artifact_utils.get_single_uri(output_dict["evaluation"]))
        write_evaluation(report, exec_properties["reports_dir"])
        _write_blessing(
            artifact_utils.get_single_instance(output_dict["blessing"]), model, report["blessing"]
        )
        if report["blessing"]["blessed"]:
            keep_blessed(records, remote_uri(model.uri), test.test_start)


def _ranking(input_dict: InputDict, goal: str) -> dict[str, Any] | None:
    evaluations = input_dict.get("ranking_evaluation")
    return ranking_metrics(artifact_utils.get_single_uri(evaluations), goal) if evaluations else None


def _ranking_blessed(input_dict: InputDict) -> bool | None:
    blessings = input_dict.get("ranking_blessing")
    if not blessings:
        return None
    return bool(model_utils.is_model_blessed(artifact_utils.get_single_instance(blessings)))


def _beside(model: types.Artifact, name: str) -> Any:
    """What the bundle wrote beside the model, such as of its index; None where the model came without."""
    path = os.path.join(path_utils.serving_model_path(model.uri), EXTRA_FOLDER, name)
    return read_json(path) if exists(path) else None


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
