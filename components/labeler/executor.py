"""Runs the Labeler: artifacts to tables, `label`, tables to artifacts."""

from __future__ import annotations

import os
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from aisle.components.examples import write_examples
from aisle.components.labeler.label import label
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.storage import write_interactions
from aisle.components.labeler.summary import summarise
from aisle.components.reports import write_labels
from aisle.components.tables import read_tables
from aisle.schema.features import TOWER_FEATURES, metadata_schema


class Executor(base_executor.BaseExecutor):
    """Reads a Tables artifact, writes Interactions, Examples, their Schema and the report."""

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        options = LabelerOptions.from_json(exec_properties["options"])
        tables = read_tables(artifact_utils.get_single_uri(input_dict["tables"]))
        labelled = label(tables, options)
        interactions = artifact_utils.get_single_uri(output_dict["interactions"])
        write_interactions(interactions, labelled)
        write_examples(artifact_utils.get_single_instance(output_dict["examples"]), labelled.examples)
        for folder in (interactions, exec_properties["reports_dir"]):
            write_labels(summarise(labelled, options), folder)
        schema = os.path.join(artifact_utils.get_single_uri(output_dict["schema"]), "schema.pbtxt")
        io_utils.write_pbtxt_file(schema, metadata_schema(TOWER_FEATURES))
