"""Runs TableExampleGen: files to artifacts."""

from __future__ import annotations

from typing import Any

from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from aisle.components.example_gen.reader import read_table
from aisle.components.tables import ROWS_SPLIT, write_quarantine, write_rows
from aisle.schema.tables import TABLE_BY_NAME


class Executor(base_executor.BaseExecutor):
    """Reads a table, writes Parquet Examples and a Quarantine."""

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        table = TABLE_BY_NAME[exec_properties["table"]]
        result = read_table(exec_properties["data_folder"], table)
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        write_rows(examples.uri, result.rows, result.provenance)
        examples.split_names = artifact_utils.encode_split_names([ROWS_SPLIT])
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_PARQUET)
        examples_utils.set_file_format(examples, "FILE_FORMAT_PARQUET")
        kept, lost = result.rows.num_rows, result.quarantine.num_rows
        counts = {"table": table.name, "read": kept + lost, "kept": kept, "quarantined": lost}
        write_quarantine(artifact_utils.get_single_uri(output_dict["quarantine"]), result.quarantine, counts)
