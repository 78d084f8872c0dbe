"""Runs Pretraining: the shop's texts to a BERT folder."""

from __future__ import annotations

import os
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import import_utils, path_utils

from aisle.components.labeler.storage import read_interactions
from aisle.components.mounts import local_path
from aisle.components.pretraining.artifact import made_bert
from aisle.components.pretraining.texts import training_texts
from aisle.components.storage import exists, make_folder, open_file, write_whole
from aisle.components.tables import read_tables
from aisle.schema.contract import EXTRA_FOLDER, TRANSFER_FILE


class Executor(base_executor.BaseExecutor):
    """Reads Tables, Interactions and, where another shop's is tried, a Model; writes a Model and a ModelRun."""

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        pretrain = import_utils.import_class_by_path(exec_properties["pretrain_fn"])
        tables = read_tables(artifact_utils.get_single_uri(input_dict["tables"]))
        folder = path_utils.serving_model_dir(artifact_utils.get_single_uri(output_dict["model"]))
        labelled, splits = read_interactions(artifact_utils.get_single_uri(input_dict["interactions"]))
        pretrain(
            training_texts(tables, labelled["judgements"], splits),
            made_bert(input_dict) or exec_properties["bert_dir"],
            exec_properties["options"],
            exec_properties["code"],
            # Checkpoints below an `s3://` root, which TensorFlow doesn't write to, outlive no container.
            local_path(exec_properties["checkpoints_dir"]),
            folder,
            artifact_utils.get_single_uri(output_dict["model_run"]),
        )
        pass_on(input_dict, folder)


def pass_on(input_dict: dict[str, Any], folder: str) -> None:
    """Copies what is told of the BERT that the training began with, of which those that read with the trained one tell."""
    for artifact in input_dict.get("bert") or ():
        found = os.path.join(path_utils.serving_model_path(artifact.uri), EXTRA_FOLDER, TRANSFER_FILE)
        if exists(found):
            make_folder(os.path.join(folder, EXTRA_FOLDER))
            with open_file(found) as file:
                write_whole(os.path.join(folder, EXTRA_FOLDER, TRANSFER_FILE), file.read())
