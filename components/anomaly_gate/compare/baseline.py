"""What a run is compared with: the statistics of an earlier one, in a folder of their own."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence

from tensorflow_metadata.proto.v0 import statistics_pb2

from aisle.components.anomaly_gate.compare import histograms
from aisle.components.anomaly_gate.compare.histograms import Histogram
from aisle.components.anomaly_gate.evidence import Finding, Movements, TableEvidence
from aisle.components.storage import exists, open_file
from aisle.components.tables import read_json, write_json
from aisle.schema.errors import InputError

VERSION = 1
FOLDER = "baseline"
"""Where the gate puts it inside its report artifact."""
SUMMARY_FILE = "baseline.json"


@dataclasses.dataclass(frozen=True)
class TableBaseline:
    """One table, as it was.

    Attributes:
        rows: how many rows it had that could be read.
        statistics: TFDV's, of those rows.
        histograms: of the middle of each numeric column, by name.
    """

    rows: int
    statistics: statistics_pb2.DatasetFeatureStatistics
    histograms: Mapping[str, Histogram]


Baseline = Mapping[str, TableBaseline]
"""The tables of an earlier run, by name."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The tables held against others.

    Attributes:
        baseline: the tables of the last blessed run; empty where there is none.
        drift: by table, how far its columns moved from there.
        findings: what is wrong with that, and with logged serving requests.
    """

    baseline: Baseline = dataclasses.field(default_factory=dict)
    drift: Mapping[str, Movements] = dataclasses.field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def as_baseline(table: TableEvidence) -> TableBaseline:
    """Returns what a later run will want to know of a table."""
    statistics = table.statistics or statistics_pb2.DatasetFeatureStatistics()
    kept = table.kept
    counted = {name: histograms.middle(kept, name) for name in kept.numbers()} if kept is not None else {}
    found = {name: histogram for name, histogram in counted.items() if histogram is not None}
    return TableBaseline(table.counts["kept"], statistics, found)


def write_baseline(folder: str, tables: Sequence[TableEvidence], fingerprint: str) -> None:
    """Writes the tables of a run, for later runs to compare with.

    Args:
        folder: local or remote; made if it isn't there.
        tables: the evidence of the run.
        fingerprint: of the tables' content, to tell this run's from another's.
    """
    summary: dict[str, object] = {"version": VERSION, "fingerprint": fingerprint}
    described = {}
    for table in tables:
        kept = as_baseline(table)
        described[table.name] = {
            "rows": kept.rows,
            "histograms": {name: histogram.to_json() for name, histogram in kept.histograms.items()},
        }
    write_json(os.path.join(folder, SUMMARY_FILE), {**summary, "tables": described})
    for table in tables:
        with open_file(_statistics_file(folder, table.name), "wb") as file:
            file.write((table.statistics or statistics_pb2.DatasetFeatureStatistics()).SerializeToString())


def read_baseline(folder: str) -> Baseline:
    """Reads what `write_baseline` wrote.

    Raises:
        InputError: there is nothing of the kind, or of another version.
    """
    if not exists(os.path.join(folder, SUMMARY_FILE)):
        raise InputError(f"the baseline {folder} holds no {SUMMARY_FILE}; name a folder that a run left")
    try:
        summary = read_json(os.path.join(folder, SUMMARY_FILE))
        if summary["version"] != VERSION:
            raise InputError(
                f"the baseline {folder} is of version {summary['version']}, expected {VERSION}: run once without"
            )
        return {
            name: TableBaseline(
                described["rows"],
                _read_statistics(folder, name),
                {column: histograms.from_json(h) for column, h in described["histograms"].items()},
            )
            for name, described in summary["tables"].items()
        }
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"the baseline {folder} can't be read ({error!r}); run once without") from error


def _statistics_file(folder: str, table: str) -> str:
    return os.path.join(folder, f"{table}.pb")


def _read_statistics(folder: str, table: str) -> statistics_pb2.DatasetFeatureStatistics:
    with open_file(_statistics_file(folder, table)) as file:
        return statistics_pb2.DatasetFeatureStatistics.FromString(file.read())
