"""Runs the Labeler: artifacts to tables, `label`, tables to artifacts."""

from __future__ import annotations

import functools
import os
import pathlib
import tempfile
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from aisle.components.examples import write_example_pieces
from aisle.components.labeler.label import label
from aisle.components.labeler.labelled import Labelled
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.parts.label import label_in_parts
from aisle.components.labeler.parts.pieces import Pieces
from aisle.components.labeler.storage import write_interactions
from aisle.components.labeler.summary import summarise
from aisle.components.plans.ahead import ahead
from aisle.components.reports import write_labels
from aisle.components.tables import count_table_rows, read_tables, table_pieces
from aisle.schema.features import TOWER_FEATURES, metadata_schema
from aisle.schema.tables import EVENTS


class Executor(base_executor.BaseExecutor):
    """Reads a Tables artifact, writes Interactions, Examples, their Schema and the report."""

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        options = LabelerOptions.from_json(exec_properties["options"])
        with tempfile.TemporaryDirectory() as scratch:
            tables = artifact_utils.get_single_uri(input_dict["tables"])
            labelled = _label(tables, options, pathlib.Path(scratch))
            interactions = artifact_utils.get_single_uri(output_dict["interactions"])
            examples = artifact_utils.get_single_instance(output_dict["examples"])
            # One after the other: beside each other they took 240 MB more than the labelling, of ten million events.
            write_interactions(interactions, labelled)
            write_example_pieces(examples, ahead(labelled.example_pieces()))
        for folder in (interactions, exec_properties["reports_dir"]):
            write_labels(summarise(labelled, options), folder)
        schema = os.path.join(artifact_utils.get_single_uri(output_dict["schema"]), "schema.pbtxt")
        io_utils.write_pbtxt_file(schema, metadata_schema(TOWER_FEATURES))


def _label(uri: str, options: LabelerOptions, scratch: pathlib.Path) -> Labelled:
    """Labels the tables of an artifact, in parts where there are more events than are held."""
    rows = count_table_rows(uri, EVENTS.name)
    if rows <= options.part_rows:
        return label(read_tables(uri), options)
    read = functools.partial(table_pieces, uri, EVENTS.name)
    pieces = Pieces(rows, read, scratch, options.part_rows)
    return label_in_parts(read_tables(uri, but=(EVENTS.name,)), pieces, options)
