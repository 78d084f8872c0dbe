"""Runs the Cleaner: raw rows to cleaned tables, the ledger, and the quarantine of all stages."""

from __future__ import annotations

import json
import os
import pathlib
import tempfile
from typing import Any

import pyarrow as pa
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from aisle.components.beam import runs_here
from aisle.components.cleaner.campaigns.export import export_campaigns
from aisle.components.cleaner.clean import check_left, clean
from aisle.components.cleaner.inputs import Given, Workers
from aisle.components.cleaner.losses.judge import BLOCKED, blocking_line, weigh
from aisle.components.cleaner.losses.options import LossOptions
from aisle.components.cleaner.losses.tally import tally
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.quarantine_files import PEOPLE_FOLDER, write_for_people
from aisle.components.reports import write_cleaning
from aisle.components.tables import write_ledger, write_quarantine, write_tables
from aisle.schema.errors import GateBlocked


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads Examples and Quarantines, writes Tables, a Ledger and a Quarantine.

    Events that aren't held are cleaned by Beam's workers, where its runner has others than this process.
    """

    def Do(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """See `base_beam_executor.BaseBeamExecutor.Do`.

        Raises:
            GateBlocked: too much was lost. The report is in `reports_dir` and the lost rows are in `quarantine_dir` by
                then: TFX removes the output of a component that failed.
            InputError: nothing is left to learn from, though all may be lost.
        """
        with tempfile.TemporaryDirectory() as scratch:
            self._clean(input_dict, output_dict, exec_properties, pathlib.Path(scratch))

    def _clean(
        self,
        input_dict: dict[str, Any],
        output_dict: dict[str, Any],
        exec_properties: dict[str, Any],
        scratch: pathlib.Path,
    ) -> None:
        options = CleanerOptions.from_json(exec_properties["options"])
        given = Given.read(input_dict, options, scratch, self._workers())
        unread = given.unread
        result = clean(given.rows, given.provenance, unread, options, events=given.events)
        tables = artifact_utils.get_single_uri(output_dict["tables"])
        write_tables(tables, result.tables, result.stored)
        ledger = artifact_utils.get_single_uri(output_dict["ledger"])
        write_ledger(ledger, result.ledger, result.evidence)
        everything = pa.concat_tables([*unread.values(), result.quarantine])
        counts = {"table": "all", "read": sum(t["read"] for t in result.ledger["tables"].values())}
        counts |= {"kept": counts["read"] - everything.num_rows, "quarantined": everything.num_rows}
        quarantine = artifact_utils.get_single_uri(output_dict["quarantine"])
        write_quarantine(quarantine, everything, counts)
        for folder in (os.path.join(quarantine, PEOPLE_FOLDER), exec_properties["quarantine_dir"]):
            write_for_people([everything], list(unread), folder)
        called = json.loads(exec_properties["called"])
        of_rows = {name: tally(name, given.fates(name, result.taken[name], called)) for name in unread}
        losses = weigh(of_rows, LossOptions.from_json(exec_properties["losses"]))
        for folder in (ledger, exec_properties["reports_dir"]):
            page = write_cleaning({**result.ledger, "losses": losses}, folder)
        if losses["verdict"] == BLOCKED:
            raise GateBlocked(blocking_line(losses, page))
        check_left(result)
        if exec_properties["ads_dir"]:
            export_campaigns(tables, exec_properties["ads_dir"])

    def _workers(self) -> Workers | None:
        if runs_here(self._beam_pipeline_args):
            return None
        return Workers(self._make_beam_pipeline, self._get_tmp_dir())
