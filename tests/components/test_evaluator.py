"""The executor on a real SavedModel: what it measures, reports and blesses."""

from __future__ import annotations

import json
import math
import os
import pathlib
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tfx.components.util import model_utils
from tfx.types import artifact_utils, channel_utils, standard_artifacts
from tfx.utils import path_utils

from aisle.components.artifacts import Interactions, Report
from aisle.components.evaluator.component import RecommendationEvaluator
from aisle.components.evaluator.executor import Executor, ServedModel
from aisle.components.evaluator.options import EvaluatorOptions, options_to_json
from aisle.components.evaluator.systems import ITEM_KNN, OWN_HISTORY, POPULARITY, RETRIEVAL, WHOLE_PIPELINE
from aisle.components.tables import write_json, write_parquet

DAY = 86_400_000_000
TEST_START = 50 * DAY
ITEMS = ["i0", "i1", "i2", "i3", "i4", "i5"]
TITLES = ["red mug", "blue mug", "red owl", "white owl", "lamp", "old lamp"]
USERS = ["u0", "u1", "u2"]
TASTE = [[5.0, 4.0, 1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 5.0, 4.0, 3.0, 0.0], [0.0, 0.0, 0.0, 1.0, 5.0, 4.0]]
BOUGHT = [("u0", "i0", 10), ("u1", "i2", 20), ("u1", "i3", 30), ("u2", "i4", 40), ("", "i1", 45)]
TESTED = [("u0", "i0", 51), ("u0", "i1", 52), ("u1", "i4", 53), ("u2", "i4", 54), ("u2", "i5", 55)]

_TEXT = tf.TensorSpec([None], tf.string)
_TEXTS = tf.TensorSpec([None, None], tf.string)
_K = tf.TensorSpec([], tf.int32)
_FLAG = tf.TensorSpec([], tf.bool)


class Shop(tf.Module):
    """Recommends by a table of tastes, finds by common words; `skill` -1 turns every order round."""

    def __init__(self, skill: float = 1.0) -> None:
        super().__init__()
        self.items = tf.constant(ITEMS)
        self.users = tf.constant(USERS)
        self.skill = tf.constant(skill)
        self.taste = tf.constant(TASTE)
        self.seen = tf.constant(
            [[any((user, item) == pair[:2] for pair in BOUGHT) for item in ITEMS] for user in USERS]
        )
        self.words = tf.strings.split(tf.constant(TITLES)).to_tensor("-")

    def best(self, scores: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        padded = tf.pad(scores, [[0, 0], [0, k]], constant_values=-float("inf"))
        top = tf.math.top_k(padded, k)
        names = tf.gather(tf.concat([self.items, tf.fill([k], "")], 0), top.indices)
        return {"item_ids": tf.where(top.values > -1e30, names, ""), "scores": top.values}

    def matches(self, query: tf.Tensor) -> tf.Tensor:
        asked = tf.strings.split(query).to_tensor("?")
        same = asked[:, :, None, None] == self.words[None, None, :, :]
        return self.skill * tf.reduce_sum(tf.cast(same, tf.float32), axis=[1, 3])

    def answer(self, user_id: tf.Tensor, exclude_seen: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        mine = tf.cast(user_id[:, None] == self.users[None, :], tf.float32)
        hidden = tf.logical_and(mine @ tf.cast(self.seen, tf.float32) > 0, exclude_seen)
        return self.best(tf.where(hidden, -float("inf"), self.skill * (mine @ self.taste)), k)

    @tf.function(input_signature=[_TEXT, _TEXTS, _FLAG, _K])
    def recommend(self, user_id, history, exclude_seen, k):  # noqa: ANN001, ANN201  TensorFlow reads the names.
        return self.answer(user_id, exclude_seen, k)

    @tf.function(input_signature=[_TEXT, _TEXTS, _FLAG, _K])
    def retrieve(self, user_id, history, exclude_seen, k):  # noqa: ANN001, ANN201  TensorFlow reads the names.
        return self.answer(tf.fill(tf.shape(user_id), "u0"), exclude_seen, k)

    @tf.function(input_signature=[_TEXT, _TEXT, _K])
    def search(self, query, user_id, k):  # noqa: ANN001, ANN201  TensorFlow reads the names.
        return self.best(self.matches(query), k)

    @tf.function(input_signature=[_TEXT, _TEXT, _TEXTS])
    def rank(self, query, user_id, item_ids):  # noqa: ANN001, ANN201  TensorFlow reads the names.
        same = tf.cast(item_ids[:, :, None] == self.items[None, None, :], tf.float32)
        return {"scores": tf.einsum("bmi,bi->bm", same, self.matches(query))}


def artifact(kind: type, folder: pathlib.Path) -> Any:
    made = kind()
    made.uri = str(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return made


def model(folder: pathlib.Path, skill: float = 1.0) -> Any:
    made = artifact(standard_artifacts.Model, folder)
    shop = Shop(skill)
    signatures = {name: getattr(shop, name) for name in ("recommend", "retrieve", "search", "rank")}
    tf.saved_model.save(shop, path_utils.serving_model_path(made.uri), signatures)
    return made


@pytest.fixture(scope="module")
def good_model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return model(tmp_path_factory.mktemp("good"))


def interactions(folder: pathlib.Path, *, events: bool = True, judgements: bool = True) -> Any:
    made = artifact(Interactions, folder)
    rows = [(*row, "train", "") for row in BOUGHT] + [(*row, "test", "red mug") for row in TESTED]
    rows = rows if events else []
    columns = ("user_id", "item_id", "timestamp", "split", "query")
    table = {
        name: pa.array(
            [row[place] * DAY if name == "timestamp" else row[place] for row in rows],
            pa.int64() if name == "timestamp" else pa.string(),
        )
        for place, name in enumerate(columns)
    }
    table["event"] = pa.array(["purchase"] * len(rows), pa.string())
    write_parquet(str(folder / "interactions.parquet"), pa.table(table))
    write_parquet(str(folder / "items.parquet"), pa.table({"item_id": ITEMS, "title": TITLES}))
    if judgements:
        judged = [("red mug", "i0", 3.0), ("red mug", "i1", 1.0), ("red mug", "i4", 0.0), ("owl", "i3", 2.0)]
        query, item, grade = (pa.array(values) for values in zip(*judged, strict=True))
        split = pa.array(["test"] * 4)
        table = pa.table({"query": query, "item_id": item, "grade": grade, "split": split})
        write_parquet(str(folder / "judgements.parquet"), table)
    goal = "purchase" if events else "judgement"
    start, end = (TEST_START, 60 * DAY) if events else (0, 0)
    write_json(
        str(folder / "splits.json"), {"eval_start": start, "test_start": start, "end": end, "goal": goal}
    )
    return made


def evaluate(
    folder: pathlib.Path, inputs: dict[str, Any], options: EvaluatorOptions | None = None
) -> tuple[dict[str, Any], Any]:
    """Runs the executor; returns the report and the blessing."""
    options = options or EvaluatorOptions(k=2, resamples=20, batch=2)
    blessing = artifact(standard_artifacts.ModelBlessing, folder / "blessing")
    evaluation = artifact(Report, folder / "evaluation")
    Executor().Do(
        {name: [value] for name, value in inputs.items()},
        {"evaluation": [evaluation], "blessing": [blessing]},
        {"options": options_to_json(options), "reports_dir": str(folder / "reports")},
    )
    written = [folder / part / "evaluation.json" for part in ("evaluation", "reports")]
    one, other = (json.loads(path.read_text()) for path in written)
    assert one == other
    return one, blessing


def test_the_systems_are_measured_on_the_same_users(tmp_path: pathlib.Path, good_model: Any) -> None:
    report, blessing = evaluate(
        tmp_path, {"model": good_model, "interactions": interactions(tmp_path / "in")}
    )
    # i5 was never bought before: it is nobody's truth. New: u0 took i1, u1 took i4; u2 only i4 again.
    assert report["users"] == {"all": 3, "new": 2}
    systems = {one["name"]: one for one in report["systems"]}
    assert list(systems) == [WHOLE_PIPELINE, RETRIEVAL, POPULARITY, OWN_HISTORY, ITEM_KNN]
    whole = systems[WHOLE_PIPELINE]
    # All: u0 is given i0, i1 (both right), u1 i2, i3 (wrong), u2 i4, i5 (its one item first).
    assert whole["all"]["recall"] == pytest.approx(2 / 3)
    assert whole["all"]["ndcg"] == pytest.approx(2 / 3)
    assert whole["all"]["coverage"] == 1.0
    # New: u0 is given i1, u1 i4, both first.
    assert (whole["new"]["recall"], whole["new"]["ndcg"]) == (1.0, 1.0)
    # Retrieval alone gives everyone i0, i1.
    assert systems[RETRIEVAL]["all"]["recall"] == pytest.approx(1 / 3)
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


def test_with_judgements_only_the_search_decides(tmp_path: pathlib.Path, good_model: Any) -> None:
    inputs = {"model": good_model, "interactions": interactions(tmp_path / "in", events=False)}
    report, _ = evaluate(tmp_path, inputs)
    assert report["systems"] == []
    assert report["blessing"]["blessed"]
    assert report["search"]["clicked"] == 0


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
    users, queries = [*USERS, "", "nobody"], ["red mug", "owl", ""]
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
    )
    assert set(component.inputs) == {"model", "interactions"}
    assert component.outputs["blessing"].type is standard_artifacts.ModelBlessing
    assert artifact_utils.get_artifact_type_class(Report()._artifact_type) is Report
