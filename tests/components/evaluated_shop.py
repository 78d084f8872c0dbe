"""A tiny shop, a SavedModel for it, and the Evaluator's executor run on both; tests load it by `runpy`."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pyarrow as pa
import tensorflow as tf
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from aisle.components.artifacts import Interactions, Report
from aisle.components.evaluator.blessing.thresholds import BlessOptions
from aisle.components.evaluator.executor import Executor
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.components.reports.schemas import validate
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
    """Recommends what the history given holds, else by a table of tastes, and finds by common words.

    `skill` -1 turns every order round.
    """

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
        same = tf.cast(history[:, :, None] == self.items[None, None, :], tf.float32)
        given = self.best(self.skill * tf.reduce_sum(same, 1), k)
        known = self.answer(user_id, exclude_seen, k)
        asked = tf.reduce_any(history != "", 1)[:, None]
        return {name: tf.where(asked, given[name], known[name]) for name in ("item_ids", "scores")}

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


def interactions(
    folder: pathlib.Path, *, events: bool = True, judgements: bool = True, users: bool = False
) -> Any:
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
    if users:
        countries = pa.table({"user_id": USERS, "country": ["de", "fr", "de"]})
        write_parquet(str(folder / "users.parquet"), countries)
    goal = "purchase" if events else "judgement"
    start, end = (TEST_START, 60 * DAY) if events else (0, 0)
    write_json(
        str(folder / "splits.json"), {"eval_start": start, "test_start": start, "end": end, "goal": goal}
    )
    return made


def evaluate(
    folder: pathlib.Path,
    inputs: dict[str, Any],
    options: EvaluatorOptions | None = None,
    thresholds: BlessOptions | None = None,
) -> tuple[dict[str, Any], Any]:
    """Runs the executor; returns the report and the blessing."""
    options = options or EvaluatorOptions(k=2, resamples=20, batch=2)
    blessing = artifact(standard_artifacts.ModelBlessing, folder / "blessing")
    evaluation = artifact(Report, folder / "evaluation")
    Executor().Do(
        {name: [value] for name, value in inputs.items()},
        {"evaluation": [evaluation], "blessing": [blessing]},
        {
            "options": options.to_json(),
            "thresholds": (thresholds or BlessOptions()).to_json(),
            "reports_dir": str(folder / "reports"),
            "blessed_dir": str(folder / "blessed"),
        },
    )
    written = [folder / part / "evaluation.json" for part in ("evaluation", "reports")]
    one, other = (path.read_text(encoding="utf-8") for path in written)
    assert one == other
    validate("evaluation", one)
    return json.loads(one), blessing
