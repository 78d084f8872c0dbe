"""Runs TableExampleGen: files to artifacts."""

from __future__ import annotations

import dataclasses
from typing import Any

from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.reader import read_shards
from aisle.components.example_gen.shard import Note, merged
from aisle.components.plans.ahead import ahead
from aisle.components.tables import QUARANTINE_SCHEMA, ROWS_SPLIT, RowsWriter, quarantine_writer, write_counts
from aisle.schema.tables import TABLE_BY_NAME


class Executor(base_executor.BaseExecutor):
    """Reads a table, writes Parquet Examples and a Quarantine."""

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `base_executor.BaseExecutor.Do`."""
        table = TABLE_BY_NAME[exec_properties["table"]]
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        reading = TableReading.from_json(exec_properties["reading"])
        quarantine = artifact_utils.get_single_uri(output_dict["quarantine"])
        notes, kept, lost = list[Note](), 0, 0
        with RowsWriter(examples.uri) as writer, quarantine_writer(quarantine) as lost_writer:
            # Read and typed by one thread while another writes.
            for shard in ahead(read_shards(exec_properties["data_folder"], table, reading=reading)):
                writer.write(shard.rows, shard.provenance)
                lost_writer.write(shard.quarantine.cast(QUARANTINE_SCHEMA))
                notes = merged([*notes, *shard.notes])
                kept += shard.rows.num_rows
                lost += shard.quarantine.num_rows
        examples.split_names = artifact_utils.encode_split_names([ROWS_SPLIT])
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_PARQUET)
        examples_utils.set_file_format(examples, "FILE_FORMAT_PARQUET")
        counts = {
            **{"table": table.name, "read": kept + lost, "kept": kept, "quarantined": lost},
            "notes": [dataclasses.asdict(note) for note in notes],
        }
        write_counts(quarantine, counts)
