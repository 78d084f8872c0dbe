"""Runs Candidates: artifacts to tables, `candidates_fn`, tables to Examples."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import import_utils, path_utils

from aisle.components.examples import write_examples
from aisle.components.labeler.storage import read_interactions
from aisle.components.pretraining.artifact import made_bert
from aisle.schema.splits import EVAL, TEST

_READ = {
    "interactions": (
        *("user_id", "session_id", "item_id", "timestamp"),
        *("event", "weight", "sponsored", "split"),
    ),
    "impressions": (
        *("query", "user_id", "timestamp", "item_id"),
        *("click", "purchase", "clicked", "weight", "split"),
    ),
}
"""What is read of the large tables."""


class Executor(base_executor.BaseExecutor):
    """Reads a Model and Interactions, writes ranking Examples."""

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        make = import_utils.import_class_by_path(exec_properties["candidates_fn"])
        interactions = artifact_utils.get_single_uri(input_dict["interactions"])
        # Searches are asked of the validation and the test window alone.
        tables, splits = read_interactions(interactions, shown=(EVAL, TEST), columns=_READ)
        model = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
        bert = made_bert(input_dict) or exec_properties["bert_dir"]
        examples = make(model, bert, tables, splits, exec_properties["options"], exec_properties["taught"])
        write_examples(artifact_utils.get_single_instance(output_dict["examples"]), examples)
