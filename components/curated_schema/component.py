"""Declares the CuratedSchema: TFX's ImportSchemaGen, run again when the file changes.

ImportSchemaGen's cache sees only the file's name: a value accepted into the schema would not count.
"""

from __future__ import annotations

from tfx import types
from tfx.components.base import base_component, executor_spec
from tfx.components.schema_gen.import_schema_gen import executor
from tfx.types import component_spec, standard_artifacts, standard_component_specs


class CuratedSchemaSpec(component_spec.ComponentSpec):
    """A schema file in, as a name and a fingerprint of its content; the schema out."""

    PARAMETERS = {
        standard_component_specs.SCHEMA_FILE_KEY: component_spec.ExecutionParameter(type=str),
        "fingerprint": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {
        standard_component_specs.SCHEMA_KEY: component_spec.ChannelParameter(type=standard_artifacts.Schema)
    }


class CuratedSchema(base_component.BaseComponent):
    """Brings a schema file into the pipeline."""

    SPEC_CLASS = CuratedSchemaSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, schema_file: str, fingerprint: str) -> None:
        """Declares the component.

        Args:
            schema_file: a schema in text form, local or remote.
            fingerprint: of its content, so that the cache sees a change; "" where it can't be seen.
        """
        schema = types.Channel(type=standard_artifacts.Schema)
        super().__init__(CuratedSchemaSpec(schema_file=schema_file, fingerprint=fingerprint, schema=schema))
