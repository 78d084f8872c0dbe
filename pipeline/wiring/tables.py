"""Reads each table, and looks for anomalies in it."""

from __future__ import annotations

from collections.abc import Mapping

from tfx import v1 as tfx
from tfx.dsl.components.base import base_component
from tfx.types import channel

from aisle.components.curated_schema.component import CuratedSchema
from aisle.components.example_gen.component import TableExampleGen
from aisle.components.statistics_gen.component import StatisticsGen
from aisle.pipeline.config import Config
from aisle.pipeline.inputs import schema_file, schema_fingerprint

Checked = Mapping[str, channel.BaseChannel]
"""A table's channels: examples, quarantine, statistics, schema, anomalies."""


def checked_table(
    data: str, table: str, fingerprint: str, config: Config
) -> tuple[list[base_component.BaseComponent], Checked]:
    """Reads one table and looks for anomalies in it."""
    reader = TableExampleGen(
        data_folder=data, table=table, fingerprint=fingerprint, reading=config.readings()[table]
    ).with_id(f"ExampleGen.{table}")
    examples = reader.outputs["examples"]
    statistics = StatisticsGen(examples=examples).with_id(f"StatisticsGen.{table}")
    if config.data.schema_dir:
        schema = CuratedSchema(
            schema_file=schema_file(config.data.schema_dir, table),
            fingerprint=schema_fingerprint(config.data.schema_dir, table),
        )
    else:
        schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"])
    schema = schema.with_id(f"SchemaGen.{table}")
    validator = tfx.components.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    ).with_id(f"ExampleValidator.{table}")
    channels = {
        "examples": examples,
        "quarantine": reader.outputs["quarantine"],
        "statistics": statistics.outputs["statistics"],
        "schema": schema.outputs["schema"],
        "anomalies": validator.outputs["anomalies"],
    }
    return [reader, statistics, schema, validator], channels
