"""The executor on a real SavedModel: what it measures, reports and blesses."""

from __future__ import annotations

import math
import os
import pathlib
import runpy
import types
from typing import Any

import pandas as pd
import pytest
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tfx.components.util import model_utils
from tfx.types import artifact_utils, channel_utils, standard_artifacts
from tfx.utils import path_utils

from aisle.components.artifacts import Interactions, Report
from aisle.components.evaluator.component import RecommendationEvaluator
from aisle.components.evaluator.measures.systems import (
    ITEM_KNN,
    OWN_HISTORY,
    POPULARITY,
    TWO_TOWER,
    WHOLE_PIPELINE,
)
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.components.evaluator.served_model import ServedModel
from aisle.components.reports.evaluation import write_evaluation
from aisle.components.tables import write_json

SHOP = types.SimpleNamespace(**runpy.run_path(str(pathlib.Path(__file__).with_name("evaluated_shop.py"))))
artifact, evaluate, interactions, model = SHOP.artifact, SHOP.evaluate, SHOP.interactions, SHOP.model


@pytest.fixture(scope="module")
def good_model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return model(tmp_path_factory.mktemp("good"))


def test_the_systems_are_measured_on_the_same_users(tmp_path: pathlib.Path, good_model: Any) -> None:
    report, blessing = evaluate(
        tmp_path, {"model": good_model, "interactions": interactions(tmp_path / "in")}
    )
    # i5 was never bought before: it is nobody's truth. New: u0 took i1, u1 took i4; u2 only i4 again.
    assert report["users"] == {"all": 3, "new": 2}
    systems = {one["name"]: one for one in report["systems"]}
    assert list(systems) == [WHOLE_PIPELINE, TWO_TOWER, POPULARITY, OWN_HISTORY, ITEM_KNN]
    whole = systems[WHOLE_PIPELINE]
    # All: u0 is given i0, i1 (both right), u1 i2, i3 (wrong), u2 i4, i5 (its one item first).
    assert whole["all"]["recall"] == pytest.approx(2 / 3)
    assert whole["all"]["ndcg"] == pytest.approx(2 / 3)
    assert whole["all"]["coverage"] == 1.0
    # New: u0 is given i1, u1 i4, both first.
    assert (whole["new"]["recall"], whole["new"]["ndcg"]) == (1.0, 1.0)
    # The two-tower alone gives everyone i0, i1.
    assert systems[TWO_TOWER]["all"]["recall"] == pytest.approx(1 / 3)
    assert systems[OWN_HISTORY]["new"] is None
    assert systems[POPULARITY]["all"]["pipeline_gain"]["ndcg"] == pytest.approx(
        whole["all"]["ndcg"] - systems[POPULARITY]["all"]["ndcg"]
    )
    assert report["window"] == {
        "test_start": "1970-02-20T00:00:00+00:00",
        "end": "1970-03-02T00:00:00+00:00",
    }
    assert report["search"]["systems"][0]["ndcg"] == pytest.approx(1.0)
    assert report["search"]["queries"] == 2
    assert report["blessing"]["blessed"]
    assert model_utils.is_model_blessed(blessing)
    assert os.listdir(blessing.uri) == ["BLESSED"]
    assert (tmp_path / "reports" / "evaluation.html").is_file()


def test_a_worse_model_is_not_blessed(tmp_path: pathlib.Path) -> None:
    inputs = {"model": model(tmp_path / "bad", skill=-1.0), "interactions": interactions(tmp_path / "in")}
    report, blessing = evaluate(tmp_path, inputs)
    assert not report["blessing"]["blessed"]
    assert not model_utils.is_model_blessed(blessing)
    assert os.listdir(blessing.uri) == ["NOT_BLESSED"]
    assert "is below" in blessing.get_string_custom_property("blessing_message")


def test_an_index_that_finds_too_little_is_not_blessed(tmp_path: pathlib.Path) -> None:
    shop = model(tmp_path / "shop")
    extra = pathlib.Path(path_utils.serving_model_path(shop.uri)) / "assets.extra"
    extra.mkdir()
    index = {"kind": "approximate", "items": 200_000, "recall_at": 100, "recall": 0.9421, "indexes": {}}
    write_json(str(extra / "index.json"), index)
    told = {"source": "food", "target": "kitchen", "weight": 0.03, "gain": 0.1, "low": 0.05, "questions": 90}
    write_json(str(extra / "domains.json"), [told])
    weighed = {"weight": 0.5, "gain": 0.02, "low": 0.01, "visitors": 90, "recalls": []}
    write_json(str(extra / "pictures.json"), weighed)
    part = {"part": "head", "on": True, "gain": 0.1, "low": 0.05, "questions": 90, "why": ""}
    write_json(str(extra / "transfer.json"), [part])
    report, blessing = evaluate(tmp_path, {"model": shop, "interactions": interactions(tmp_path / "in")})
    assert (report["index"], report["domains"]) == (index, [told])
    assert (report["pictures"], report["transfer"]) == (weighed, [part])
    assert not model_utils.is_model_blessed(blessing)
    message = blessing.get_string_custom_property("blessing_message")
    assert "0.9421 is below bless.index_recall=0.95" in message


def test_with_judgements_only_the_search_decides(tmp_path: pathlib.Path, good_model: Any) -> None:
    inputs = {"model": good_model, "interactions": interactions(tmp_path / "in", events=False)}
    report, _ = evaluate(tmp_path, inputs)
    assert report["systems"] == []
    assert report["blessing"]["blessed"]
    assert report["search"]["clicked"] == 0
    # Of such a shop the Labeler says that all its times are 0.
    never = {"test_start": "1970-01-01T00:00:00+00:00", "end": "1970-01-01T00:00:00+00:00"}
    page = pathlib.Path(write_evaluation({**report, "window": never}, str(tmp_path))).read_text(
        encoding="utf-8"
    )
    assert "1970" not in page and "Slices" not in page
    assert "Full nDCG@10" in page


def test_an_empty_test_is_never_blessed(tmp_path: pathlib.Path, good_model: Any) -> None:
    folder = tmp_path / "in"
    inputs = {"model": good_model, "interactions": interactions(folder, events=False, judgements=False)}
    report, blessing = evaluate(tmp_path, inputs)
    assert report["search"] is None
    assert report["blessing"]["reasons"][0].startswith("no data")
    assert not model_utils.is_model_blessed(blessing)


def test_the_ranking_head_s_blessing_and_curves_are_taken_in(tmp_path: pathlib.Path, good_model: Any) -> None:
    refused = artifact(standard_artifacts.ModelBlessing, tmp_path / "refused")
    refused.set_int_custom_property("blessed", 0)
    run = artifact(standard_artifacts.ModelRun, tmp_path / "run")
    write_json(str(tmp_path / "run" / "history.json"), {"loss": [2.0, 1.0], "val_loss": [2.0, 1.5]})
    report, blessing = evaluate(
        tmp_path,
        {
            "model": good_model,
            "interactions": interactions(tmp_path / "in"),
            "ranking_blessing": refused,
            "two_tower_run": run,
            "ranking_run": artifact(standard_artifacts.ModelRun, tmp_path / "bare"),
        },
    )
    assert report["training"] == {"two_tower": {"loss": [2.0, 1.0], "val_loss": [2.0, 1.5]}}
    assert report["blessing"]["reasons"] == ["the ranking head failed its own thresholds"]
    assert not model_utils.is_model_blessed(blessing)


def test_the_stock_evaluator_s_metrics_are_reported(tmp_path: pathlib.Path, good_model: Any) -> None:
    evaluation = artifact(standard_artifacts.ModelEvaluation, tmp_path / "tfma")
    metrics = [{"class_name": name} for name in ("AUC", "BinaryCrossEntropy", "ExampleCount")]
    config = {"model_specs": [{"label_key": "click", "prediction_key": "score"}], "slicing_specs": [{}]}
    tfma.analyze_raw_data(
        pd.DataFrame({"click": [0.0, 1.0, 0.0, 1.0], "score": [0.1, 0.9, 0.8, 0.7]}),
        json_format.ParseDict({**config, "metrics_specs": [{"metrics": metrics}]}, tfma.EvalConfig()),
        output_path=evaluation.uri,
    )
    inputs = {"model": good_model, "interactions": interactions(tmp_path / "in")}
    report, _ = evaluate(tmp_path, {**inputs, "ranking_evaluation": evaluation})
    # Of the four pairs of a click and none, only (0.7, 0.8) is the wrong way round.
    assert report["ranking"]["auc"] == pytest.approx(0.75, abs=1e-3)
    expected = -sum(math.log(right) for right in (0.9, 0.9, 0.2, 0.7)) / 4
    assert report["ranking"]["log_loss"] == pytest.approx(expected, abs=1e-4)
    assert report["ranking"]["rows"] == 4
    assert report["blessing"]["blessed"]


def test_an_empty_evaluation_of_the_ranking_head_is_not_blessed(
    tmp_path: pathlib.Path, good_model: Any
) -> None:
    empty = artifact(standard_artifacts.ModelEvaluation, tmp_path / "tfma")
    inputs = {"model": good_model, "interactions": interactions(tmp_path / "in")}
    report, _ = evaluate(tmp_path, {**inputs, "ranking_evaluation": empty})
    assert report["ranking"] is None
    assert report["blessing"]["reasons"] == ["the ranking head's evaluation lacks auc and log_loss"]


def test_the_batch_does_not_change_the_answers(good_model: Any) -> None:
    path = path_utils.serving_model_path(good_model.uri)
    one, many = ServedModel(path, 1), ServedModel(path, 64)
    users, queries = [*SHOP.USERS, "", "nobody"], ["red mug", "owl", ""]
    for name in ("recommend", "retrieve"):
        assert one.recommend(name)(users, True, 3).equals(many.recommend(name)(users, True, 3))
    assert one.search(queries, users[:3], 9).equals(many.search(queries, users[:3], 9))
    asked = [["i0", "i5"], ["i3"], []]
    ranked = [scores.tolist() for scores in one.rank(queries, asked)]
    assert ranked == [scores.tolist() for scores in many.rank(queries, asked)] == [[2.0, 0.0], [1.0], []]


def test_the_component_declares_what_pusher_needs() -> None:
    component = RecommendationEvaluator(
        model=channel_utils.as_channel([standard_artifacts.Model()]),
        interactions=channel_utils.as_channel([Interactions()]),
        reports_dir="reports",
        blessed_dir="blessed",
    )
    assert set(component.inputs) == {"model", "interactions"}
    assert component.outputs["blessing"].type is standard_artifacts.ModelBlessing
    assert artifact_utils.get_artifact_type_class(Report()._artifact_type) is Report


def test_slices_exposure_and_calibration_are_reported(tmp_path: pathlib.Path, good_model: Any) -> None:
    inputs = {"model": good_model, "interactions": interactions(tmp_path / "in", users=True)}
    options = EvaluatorOptions(k=2, resamples=20, slice_users=2)
    report, _ = evaluate(tmp_path, inputs, options)
    slices = {(one["kind"], one["name"]): one for one in report["slices"]}
    assert {kind for kind, _ in slices} == {"activity", "newcomers", "items", "country"}
    # Of de: u0 with both right, u2 with its one item first; of fr u1 alone, too few of two.
    assert slices["country", "de"]["ndcg"] == pytest.approx(1.0)
    assert slices["country", "de"]["users"] == 2
    assert slices["country", "fr"] | {"rule": ""} == {
        "kind": "country", "name": "fr", "rule": "", "users": 1,
        "recall": None, "ndcg": None, "baseline": None, "gain": None,
    }  # fmt: skip
    assert [table["by"] for table in report["exposure"]] == ["popularity"]
    assert set(report["exposure"][0]["distance"]) == {one["name"] for one in report["systems"]}
    page = (tmp_path / "reports" / "evaluation.html").read_text(encoding="utf-8")
    for said in ("Slices", "too few", "Exposure by popularity", "Hit rate@2", "MRR@2"):
        assert said in page
