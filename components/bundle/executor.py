"""Runs Bundle: two models, the interactions and the reviews to two SavedModels."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import import_utils, path_utils

from aisle.components.labeler.storage import read_interactions
from aisle.components.pictures.storage import read_pictures
from aisle.components.pretraining.artifact import made_bert
from aisle.components.reviews.learnable import learnable_of
from aisle.components.reviews.options import ReviewOptions
from aisle.schema.contract import SENTIMENT

_MOMENTS = {"model": "end", "tested_model": "test_start"}
"""As of which time of the splits each output knows the shop."""

_READ = {
    "interactions": ("user_id", "session_id", "item_id", "timestamp", "weight", "sponsored", "split"),
    "impressions": ("query", "timestamp"),
}
"""What is read of the large tables."""


class Executor(base_executor.BaseExecutor):
    """Reads two Models, Interactions, Tables and, where there are any, Pictures; writes two Models."""

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        make = import_utils.import_class_by_path(exec_properties["bundle_fn"])
        interactions = artifact_utils.get_single_uri(input_dict["interactions"])
        tables, splits = read_interactions(interactions, columns=_READ, but=("events", "intents"))
        cleaned = artifact_utils.get_single_uri(input_dict["tables"])
        reviews = learnable_of(cleaned, ReviewOptions.from_json(exec_properties["reviews"]))
        if reviews is not None:
            tables[SENTIMENT.name] = reviews.to_arrow()
        if input_dict.get("pictures"):
            tables["pictures"] = read_pictures(artifact_utils.get_single_uri(input_dict["pictures"]))
        two_tower, ranking = (
            path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict[name]))
            for name in ("two_tower", "ranking")
        )
        bert = made_bert(input_dict) or exec_properties["bert_dir"]
        moments = {
            path_utils.serving_model_dir(artifact_utils.get_single_uri(output_dict[output])): int(
                splits[moment]
            )
            for output, moment in _MOMENTS.items()
        }
        told = (exec_properties["options"], exec_properties["taught"])
        make(two_tower, ranking, bert, tables, moments, *told)
