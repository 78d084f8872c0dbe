"""Declares the AnomalyGate."""

from __future__ import annotations

from collections.abc import Mapping

from tfx import types
from tfx.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from aisle.components.anomaly_gate.executor import Executor, input_key
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.artifacts import Quarantine, Report
from aisle.schema.errors import InputError
from aisle.schema.tables import TABLE_BY_NAME

INPUT_TYPES: dict[str, type[types.Artifact]] = {
    "quarantine": Quarantine,
    "statistics": standard_artifacts.ExampleStatistics,
    "schema": standard_artifacts.Schema,
    "anomalies": standard_artifacts.ExampleAnomalies,
    "examples": standard_artifacts.Examples,
}
"""What the gate may be given of each table."""


class AnomalyGateSpec(component_spec.ComponentSpec):
    """For each table an optional input of each kind, as `items_statistics`; a report out."""

    PARAMETERS = {
        "options": component_spec.ExecutionParameter(type=str),
        "reports_dir": component_spec.ExecutionParameter(type=str),
        "quarantine_dir": component_spec.ExecutionParameter(type=str),
        "baseline": component_spec.ExecutionParameter(type=str),
        "curated": component_spec.ExecutionParameter(type=int),
        "fingerprint": component_spec.ExecutionParameter(type=str),
        "unread": component_spec.ExecutionParameter(type=float),
    }
    INPUTS = {
        input_key(table, kind): component_spec.ChannelParameter(type=artifact, optional=True)
        for table in TABLE_BY_NAME
        for kind, artifact in INPUT_TYPES.items()
    }
    OUTPUTS = {"report": component_spec.ChannelParameter(type=Report)}


class AnomalyGate(base_component.BaseComponent):
    """Stops the run, with a report, where the data holds an anomaly of severity ERROR.

    What uses the data depends on this component's output `report`, so that nothing starts before it passed.
    """

    SPEC_CLASS = AnomalyGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        tables: Mapping[str, Mapping[str, types.BaseChannel]],
        reports_dir: str,
        quarantine_dir: str,
        options: GateOptions | None = None,
        baseline: str = "",
        curated: bool = False,
        fingerprint: str = "",
        unread: float = 0.0,
    ) -> None:
        """Connects the gate.

        Args:
            tables: by table, the channels by kind: `quarantine` (always), `statistics`, `schema`,
                `anomalies` and `examples` (each as far as there is one).
            reports_dir: the folder the report is written to, beside the artifact.
            quarantine_dir: the folder that gets the rows that can't be read where the run stops here.
            options: thresholds and severities; the defaults where None.
            baseline: the folder of an earlier run's statistics to compare with (`options.baseline`
                comes first); "" compares with none.
            curated: whether the schemas are curated ones, not drawn from these very tables.
            fingerprint: of the tables' content; kept with the statistics of this run.
            unread: the share of the titles' word pieces that say nothing to the BERT that will read them.

        Raises:
            InputError: if a table or a kind isn't one of ours, or a table comes without a quarantine.
        """
        inputs: dict[str, types.BaseChannel] = {}
        for table, channels in tables.items():
            unknown = sorted(set(channels) - set(INPUT_TYPES))
            if table not in TABLE_BY_NAME or unknown or "quarantine" not in channels:
                raise InputError(
                    f"the anomaly gate got {sorted(channels)} of table {table!r}; it takes a quarantine and "
                    f"{sorted(INPUT_TYPES)} of {sorted(TABLE_BY_NAME)}"
                )
            inputs |= {input_key(table, kind): channel for kind, channel in channels.items()}
        super().__init__(
            AnomalyGateSpec(
                options=(options or GateOptions()).to_json(),
                reports_dir=reports_dir,
                quarantine_dir=quarantine_dir,
                baseline=baseline,
                curated=int(curated),
                fingerprint=fingerprint,
                unread=unread,
                report=types.Channel(type=Report),
                **inputs,
            )
        )
