"""Runs EncoderTrial: the interactions to another shop's BERT folder, or to none."""

from __future__ import annotations

import json
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import import_utils, path_utils

from aisle.components.labeler.storage import read_interactions
from aisle.components.storage import make_folder
from aisle.schema.splits import EVAL


class Executor(base_executor.BaseExecutor):
    """Reads Interactions, writes a Model."""

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        choose = import_utils.import_class_by_path(exec_properties["trial_fn"])
        interactions = artifact_utils.get_single_uri(input_dict["interactions"])
        tables, _ = read_interactions(interactions, shown=(EVAL,))
        folder = path_utils.serving_model_dir(artifact_utils.get_single_uri(output_dict["model"]))
        make_folder(folder)
        told = (exec_properties[name] for name in ("theirs", "why", "bert_dir"))
        choose(*told, tables, json.loads(exec_properties["most_unread"]), folder)
