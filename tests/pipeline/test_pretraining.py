"""Where pretraining stands in the pipeline."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("tfx")

from aisle.pipeline.config import load_config
from aisle.pipeline.create import create_pipeline
from aisle.pipeline.paths import Layout

READERS = {
    "Trainer.two_tower": "base_model",
    "Trainer.ranking": "base_model",
    "Candidates": "bert",
    "Bundle": "bert",
}


def components(*assignments: str) -> dict[str, Any]:
    """The pipeline's components by id."""
    tables = {"items": "1", "events": "2"}
    pipeline = create_pipeline("/shop", tables, Layout("/out"), load_config(None, assignments))
    return {component.id: component for component in pipeline.components}


def test_without_steps_there_is_no_pretraining() -> None:
    found = components()
    assert "Pretraining" not in found
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
