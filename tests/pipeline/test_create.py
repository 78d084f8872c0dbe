"""What the wiring tells the components, beyond what the compiled specification shows."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("tfx")

from aisle.pipeline.config import load_config
from aisle.pipeline.create import create_pipeline
from aisle.pipeline.paths import Layout


def _asked_bias(*assignments: str) -> str:
    """How the Labeler of a pipeline is told to estimate the position bias."""
    pipeline = create_pipeline(
        "/shop", {"items": "1", "events": "2"}, Layout("/out"), load_config(None, assignments)
    )
    labeler = next(node for node in pipeline.components if node.id == "Labeler")
    return str(json.loads(labeler.exec_properties["options"])["position_bias"])


def test_position_bias_is_estimated_only_where_the_ranking_head_reads_it() -> None:
    assert _asked_bias() == "none"
    assert _asked_bias("labels.position_bias=em") == "none"
    assert _asked_bias("ranker.propensity=true") == "harvest"
    assert _asked_bias("ranker.propensity=true", "labels.position_bias=em") == "em"
    assert _asked_bias("ranker.propensity=true", "labels.position_bias=none") == "none"


def _pushed_to(*assignments: str) -> str:
    """The folder that a pipeline's Pusher is told of."""
    pipeline = create_pipeline(
        "/shop", {"items": "1", "events": "2"}, Layout("/out"), load_config(None, assignments)
    )
    pusher = next(node for node in pipeline.components if node.id == "Pusher")
    told = json.loads(pusher.exec_properties["push_destination"])
    return str(told["filesystem"]["base_directory"])


def test_the_model_is_pushed_to_the_output_folder_or_where_the_settings_say() -> None:
    assert _pushed_to() == "/out/serving/aisle"
    assert _pushed_to("push.to=s3://bucket/models/aisle") == "s3://bucket/models/aisle"
