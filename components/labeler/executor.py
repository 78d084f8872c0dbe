"""Runs the Labeler: artifacts to tables, `label`, tables to artifacts."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from aisle.components.examples import write_examples
from aisle.components.labeler.label import label
from aisle.components.labeler.options import LabelerOptions
from aisle.components.tables import read_tables, write_json, write_parquet
from aisle.schema.features import TOWER_FEATURES, metadata_schema

SPLITS_FILE = "splits.json"


class Executor(base_executor.BaseExecutor):
    """Reads a Tables artifact, writes Interactions, Examples and their Schema."""

    def Do(self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        options = LabelerOptions(**json.loads(exec_properties["options"]))
        tables = read_tables(artifact_utils.get_single_uri(input_dict["tables"]))
        labelled = label(tables, options)
        folder = artifact_utils.get_single_uri(output_dict["interactions"])
        for name, table in labelled.tables.items():
            write_parquet(os.path.join(folder, f"{name}.parquet"), table)
        write_json(os.path.join(folder, SPLITS_FILE), dataclasses.asdict(labelled.splits))
        write_examples(artifact_utils.get_single_instance(output_dict["examples"]), labelled.examples)
        schema = os.path.join(artifact_utils.get_single_uri(output_dict["schema"]), "schema.pbtxt")
        io_utils.write_pbtxt_file(schema, metadata_schema(TOWER_FEATURES))
