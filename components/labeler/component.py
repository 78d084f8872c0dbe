"""Declares the Labeler."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from aisle.components.artifacts import Interactions, Tables
from aisle.components.labeler.executor import Executor
from aisle.components.labeler.options import LabelerOptions
from aisle.components.specifications import channels, new_outputs, texts


class LabelerSpec(component_spec.ComponentSpec):
    """Cleaned tables in; labelled interactions, tower examples and their schema out."""

    PARAMETERS = texts("options", "reports_dir")
    INPUTS = channels(tables=Tables)
    OUTPUTS = channels(
        interactions=Interactions, examples=standard_artifacts.Examples, schema=standard_artifacts.Schema
    )


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
                **new_outputs(LabelerSpec),
            )
        )
