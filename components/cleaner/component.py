"""Declares the Cleaner."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from aisle.components.artifacts import Ledger, Quarantine, Report, Tables
from aisle.components.cleaner.executor import Executor
from aisle.components.cleaner.inputs import examples_key, quarantine_key
from aisle.components.cleaner.losses.fates import NOTHING
from aisle.components.cleaner.losses.options import LossOptions
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.specifications import texts
from aisle.schema.tables import TABLE_BY_NAME


class CleanerSpec(component_spec.ComponentSpec):
    """For each table its rows and the reader's quarantine, and the gate's report; cleaned tables out."""

    PARAMETERS = texts("options", "losses", "called", "reports_dir", "quarantine_dir", "ads_dir")
    INPUTS = {
        "gate": component_spec.ChannelParameter(type=Report),
        **{
            examples_key(table): component_spec.ChannelParameter(
                type=standard_artifacts.Examples, optional=True
            )
            for table in TABLE_BY_NAME
        },
        **{
            quarantine_key(table): component_spec.ChannelParameter(type=Quarantine, optional=True)
            for table in TABLE_BY_NAME
        },
    }
    OUTPUTS = {
        "tables": component_spec.ChannelParameter(type=Tables),
        "ledger": component_spec.ChannelParameter(type=Ledger),
        "quarantine": component_spec.ChannelParameter(type=Quarantine),
    }


class Cleaner(base_component.BaseComponent):
    """Deduplicates, denoises, normalises and imputes; a ledger accounts for every row.

    It stops the run, with a report, where what was lost is more than `losses` let through.
    """

    SPEC_CLASS = CleanerSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: Mapping[str, types.BaseChannel],
        quarantines: Mapping[str, types.BaseChannel],
        gate: types.BaseChannel,
        options: CleanerOptions,
        reports_dir: str,
        quarantine_dir: str,
        losses: LossOptions | None = None,
        called: Mapping[str, str] = NOTHING,
        ads_dir: str = "",
    ) -> None:
        """Declares the component.

        Args:
            examples: raw rows by table.
            quarantines: the reader's quarantine by table.
            gate: the AnomalyGate's report: nothing is cleaned before it passed.
            options: patterns and limits.
            reports_dir: the folder of `cleaning.html` and `cleaning.json`.
            quarantine_dir: the folder of every row that was not used.
            losses: how much may be lost before the run stops; the defaults where None.
            called: what the shop calls kinds of events, and what they are; "" is what an event is that says none.
            ads_dir: the folder of `campaigns.parquet`, where there are campaigns; "" for none.
        """
        super().__init__(
            CleanerSpec(
                options=options.to_json(),
                losses=(losses or LossOptions()).to_json(),
                called=json.dumps(dict(called), sort_keys=True),
                reports_dir=reports_dir,
                quarantine_dir=quarantine_dir,
                ads_dir=ads_dir,
                gate=gate,
                **{examples_key(table): channel for table, channel in examples.items()},
                **{quarantine_key(table): channel for table, channel in quarantines.items()},
                tables=types.Channel(type=Tables),
                ledger=types.Channel(type=Ledger),
                quarantine=types.Channel(type=Quarantine),
            )
        )
