"""Declares TableExampleGen."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from aisle.components.artifacts import Quarantine
from aisle.components.example_gen.executor import Executor
from aisle.components.example_gen.options import TableReading


class TableExampleGenSpec(component_spec.ComponentSpec):
    """A data folder in; one table's rows and its quarantine out."""

    PARAMETERS = {
        "data_folder": component_spec.ExecutionParameter(type=str),
        "table": component_spec.ExecutionParameter(type=str),
        "fingerprint": component_spec.ExecutionParameter(type=str),
        "reading": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "quarantine": component_spec.ChannelParameter(type=Quarantine),
    }


class TableExampleGen(base_component.BaseComponent):
    """Reads one canonical table strictly."""

    SPEC_CLASS = TableExampleGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, data_folder: str, table: str, fingerprint: str, reading: TableReading | None = None
    ) -> None:
        """Declares the component.

        Args:
            data_folder: holds the canonical tables.
            table: the table's name.
            fingerprint: of the table's content, so that the cache sees a change.
            reading: the shop's own names, values and forms.
        """
        super().__init__(
            TableExampleGenSpec(
                data_folder=data_folder,
                table=table,
                fingerprint=fingerprint,
                reading=(reading or TableReading()).to_json(),
                examples=types.Channel(type=standard_artifacts.Examples),
                quarantine=types.Channel(type=Quarantine),
            )
        )
