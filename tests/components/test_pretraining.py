"""Pretraining: the texts it takes, and the component run as TFX runs it."""

from __future__ import annotations

import pathlib

import pyarrow as pa
import pytest

pytest.importorskip("tfx")

from tfx.types import channel_utils, standard_artifacts
from tfx.utils import path_utils

from aisle.components.artifacts import Interactions, Tables
from aisle.components.pretraining.artifact import made_bert
from aisle.components.pretraining.component import Pretraining
from aisle.components.pretraining.executor import Executor
from aisle.components.pretraining.texts import training_texts
from aisle.components.tables import write_tables
from aisle.model.options import PretrainOptions
from aisle.schema.bert.files import check_bert
from tests.components.labelled_shop import JUDGEMENTS, SPLITS, write_judgements
from tests.model.small_bert import make_small_bert

ITEMS = pa.table({"item_id": ["1", "2", "3"], "title": ["red mug", "blue mug", "red mug"], "description": ["a mug", None, " "]})  # fmt: skip
EVENTS = pa.table(
    {
        "timestamp": [10, 20, 99, 100, 101],
        "query": ["mini fridge", None, "judged later", "asked in validation", "asked in test"],
        "text": [None, "holds its tea", "", "written in validation", None],
    }
)


def test_the_texts_are_the_catalogue_and_what_was_asked_and_written_before_validation() -> None:
    tables = {"items": ITEMS, "events": EVENTS}
    assert training_texts(tables, JUDGEMENTS, SPLITS) == [
        "a mug", "blue mug", "holds its tea", "lamp", "mini fridge", "red mug",
    ]  # fmt: skip


def test_a_shop_of_titles_alone_has_texts() -> None:
    tables = {"items": ITEMS.select(["item_id", "title"])}
    assert training_texts(tables, JUDGEMENTS.slice(0, 0), {"eval_start": 0}) == ["blue mug", "red mug"]


def test_an_absent_input_is_no_bert() -> None:
    assert made_bert({}) is None
    assert made_bert({"bert": []}) is None


def test_tables_become_a_bert_that_the_others_find(tmp_path: pathlib.Path) -> None:
    artifacts = {}
    for name, kind in (
        ("tables", Tables), ("interactions", Interactions),
        ("model", standard_artifacts.Model), ("model_run", standard_artifacts.ModelRun),
    ):  # fmt: skip
        artifacts[name] = kind()
        artifacts[name].uri = str(tmp_path / name)
        (tmp_path / name).mkdir()
    write_tables(artifacts["tables"].uri, {"items": ITEMS, "events": EVENTS})
    write_judgements(artifacts["interactions"].uri)
    component = Pretraining(
        tables=channel_utils.as_channel([artifacts["tables"]]),
        interactions=channel_utils.as_channel([artifacts["interactions"]]),
        pretrain_fn="aisle.model.pretrain.pretrain_fn",
        options=PretrainOptions(steps=2, batch=2, pieces=8),
        bert_dir=make_small_bert(tmp_path / "bert", layers=1),
        code="1",
        checkpoints_dir=str(tmp_path / "checkpoints"),
    )
    inputs = {name: [artifacts[name]] for name in ("tables", "interactions")}
    outputs = {name: [artifacts[name]] for name in ("model", "model_run")}
    Executor().Do(inputs, outputs, component.exec_properties)
    found = made_bert({"bert": [artifacts["model"]]})
    assert found == path_utils.serving_model_dir(artifacts["model"].uri)
    check_bert(found)
    assert (tmp_path / "model_run" / "history.json").is_file()
