"""Declares the Labeler."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from aisle.components.artifacts import Interactions, Tables
from aisle.components.labeler.executor import Executor
from aisle.components.labeler.options import LabelerOptions


class LabelerSpec(component_spec.ComponentSpec):
    """Cleaned tables in; labelled interactions, tower examples and their schema out."""

    PARAMETERS = {
        "options": component_spec.ExecutionParameter(type=str),
        "reports_dir": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {"tables": component_spec.ChannelParameter(type=Tables)}
    OUTPUTS = {
        "interactions": component_spec.ChannelParameter(type=Interactions),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema),
    }


class Labeler(base_component.BaseComponent):
    """Labels the cleaned tables and splits them by time (judgements by query)."""

    SPEC_CLASS = LabelerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, tables: types.BaseChannel, options: LabelerOptions, reports_dir: str) -> None:
        """Declares the component.

        Args:
            tables: of the Cleaner.
            options: windows, limits, and how to label.
            reports_dir: the folder of `labels.html`, `labels.json` and `labels.md`.
        """
        super().__init__(
            LabelerSpec(
                tables=tables,
                options=options.to_json(),
                reports_dir=reports_dir,
                interactions=types.Channel(type=Interactions),
                examples=types.Channel(type=standard_artifacts.Examples),
                schema=types.Channel(type=standard_artifacts.Schema),
            )
        )
