"""Runs the Cleaner: raw rows to cleaned tables, the ledger, and the quarantine of all stages."""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from aisle.components.beam import runs_here
from aisle.components.cleaner.campaigns.export import export_campaigns
from aisle.components.cleaner.clean import CleanResult, check_left, clean
from aisle.components.cleaner.inputs import Given, Workers
from aisle.components.cleaner.losses.judge import BLOCKED, blocking_line, weigh
from aisle.components.cleaner.losses.options import LossOptions
from aisle.components.cleaner.losses.tally import tally
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.quarantine_files import PEOPLE_FOLDER, write_for_people
from aisle.components.reports import write_cleaning
from aisle.components.tables import (
    QUARANTINE_SCHEMA,
    quarantine_writer,
    write_counts,
    write_ledger,
    write_tables,
)
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
        write_ledger(ledger, result.ledger, result.touched)
        read = sum(table["read"] for table in result.ledger["tables"].values())
        quarantine = artifact_utils.get_single_uri(output_dict["quarantine"])
        _write_quarantine(quarantine, unread, result, read)
        for folder in (os.path.join(quarantine, PEOPLE_FOLDER), exec_properties["quarantine_dir"]):
            write_for_people(itertools.chain(unread.values(), result.lost), list(unread), folder)
        called = json.loads(exec_properties["called"])
        of_rows = {name: tally(name, given.fates(name, result, called)) for name in unread}
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


def _write_quarantine(uri: str, unread: Mapping[str, pa.Table], result: CleanResult, read: int) -> None:
    """Writes what couldn't be read and what was taken out, and of how many rows."""
    lost = 0
    with quarantine_writer(uri) as writer:
        for piece in itertools.chain(unread.values(), result.lost):
            writer.write(piece.cast(QUARANTINE_SCHEMA))
            lost += piece.num_rows
    write_counts(uri, {"table": "all", "read": read, "kept": read - lost, "quarantined": lost})
