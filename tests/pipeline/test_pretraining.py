"""Where the trial of another shop's encoder, and pretraining, stand in the pipeline."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("tfx")

from aisle.pipeline.config import load_config
from aisle.pipeline.create import create_pipeline
from aisle.pipeline.paths import Layout
from aisle.pipeline.transfer.encoder import Offered

READERS = {
    "Trainer.two_tower": "base_model",
    "Trainer.ranking": "base_model",
    "Candidates": "bert",
    "Bundle": "bert",
}


def components(*assignments: str, **given: Any) -> dict[str, Any]:
    """The pipeline's components by id."""
    tables = {"items": "1", "events": "2"}
    pipeline = create_pipeline("/shop", tables, Layout("/out"), load_config(None, assignments), **given)
    return {component.id: component for component in pipeline.components}


def test_without_steps_there_is_no_pretraining() -> None:
    found = components()
    assert not {"Pretraining", "EncoderTrial"} & found.keys()
    for name, key in READERS.items():
        assert key not in found[name].inputs


def test_with_steps_every_model_reads_with_what_was_pretrained() -> None:
    found = components("pretrain.steps=7", "model.bert=/bert")
    pretraining = found["Pretraining"]
    for name, key in READERS.items():
        assert found[name].inputs[key] is pretraining.outputs["model"], name
    assert '"steps": 7' in pretraining.exec_properties["options"]
    assert pretraining.exec_properties["bert_dir"] == "/bert"
    assert pretraining.exec_properties["checkpoints_dir"] == "/out/checkpoints/pretraining"


def test_every_model_reads_with_what_was_tried_of_another_shop_and_pretraining_goes_on_from_it() -> None:
    given: dict[str, Any] = {"taught": "/big.npz", "offered": Offered("/theirs", "")}
    found = components("model.bert=/bert", "gate.max_unread_share=0.2", **given)
    trial = found["EncoderTrial"]
    for name, key in READERS.items():
        assert found[name].inputs[key] is trial.outputs["model"], name
    told = [trial.exec_properties[name] for name in ("theirs", "why", "bert_dir", "most_unread")]
    assert told == ["/theirs", "", "/bert", "0.2"]
    found = components("pretrain.steps=7", **given)
    assert found["Pretraining"].inputs["bert"] is found["EncoderTrial"].outputs["model"]
    for name, key in READERS.items():
        assert found[name].inputs[key] is found["Pretraining"].outputs["model"], name
