"""Runs Pretraining: the shop's texts to a BERT folder."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import import_utils, path_utils

from aisle.components.labeler.storage import read_interactions
from aisle.components.mounts import local_path
from aisle.components.pretraining.texts import training_texts
from aisle.components.tables import read_tables


class Executor(base_executor.BaseExecutor):
    """Reads Tables and Interactions, writes a Model and a ModelRun."""

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        pretrain = import_utils.import_class_by_path(exec_properties["pretrain_fn"])
        tables = read_tables(artifact_utils.get_single_uri(input_dict["tables"]))
        labelled, splits = read_interactions(artifact_utils.get_single_uri(input_dict["interactions"]))
        pretrain(
            training_texts(tables, labelled["judgements"], splits),
            exec_properties["bert_dir"],
            exec_properties["options"],
            exec_properties["code"],
            # Checkpoints below an `s3://` root, which TensorFlow doesn't write to, outlive no container.
            local_path(exec_properties["checkpoints_dir"]),
            path_utils.serving_model_dir(artifact_utils.get_single_uri(output_dict["model"])),
            artifact_utils.get_single_uri(output_dict["model_run"]),
        )
