"""What the gate looks at for each table, and what it finds there."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from aisle.components.anomaly_gate.kept import MAX_EXAMPLES, Rows, held_rows, nowhere
from aisle.components.tables import MAX_VALUE
from aisle.schema.tables import TABLE_BY_NAME

MAX_CONTRIBUTORS = 5


@dataclasses.dataclass(frozen=True)
class TableEvidence:
    """All that is known of one table when the gate judges it; what is absent is not judged.

    Attributes:
        name: of the table.
        counts: rows `read`, `kept` and `quarantined` by the reader.
        quarantine: the quarantined rows (`tables.QUARANTINE_SCHEMA`), held or not.
        statistics: of the kept rows, by TFDV.
        schema: what ExampleValidator held them against.
        anomalies: what it found.
        rows: the kept rows, flat, held or not. Of the events nothing asks that they be held.
        provenance: the file and line of each that is held (`tables.PROVENANCE_SCHEMA`).
        notes: what the reader did or found that lost no row: `kind`, `column`, `count`, `examples` each.
    """

    name: str
    counts: dict[str, int]
    quarantine: pa.Table | Rows | None = None
    statistics: statistics_pb2.DatasetFeatureStatistics | None = None
    schema: schema_pb2.Schema | None = None
    anomalies: anomalies_pb2.Anomalies | None = None
    rows: pa.Table | Rows | None = None
    provenance: pa.Table | None = None
    notes: Sequence[Mapping[str, Any]] = ()

    @property
    def kept(self) -> Rows | None:
        """The kept rows, to be asked piece by piece."""
        return held_rows(self.rows, self.provenance) if isinstance(self.rows, pa.Table) else self.rows

    @property
    def held(self) -> pa.Table | None:
        """The kept rows, where they are in memory."""
        return self.rows if isinstance(self.rows, pa.Table) else None

    @property
    def lost(self) -> Rows | None:
        """The quarantined rows, to be asked piece by piece."""
        return held_rows(self.quarantine) if isinstance(self.quarantine, pa.Table) else self.quarantine

    def feature(self, name: str) -> statistics_pb2.FeatureNameStatistics | None:
        """Returns the statistics of a column, or None where there are none."""
        if self.statistics is None:
            return None
        return next((f for f in self.statistics.features if feature_name(f) == name), None)

    def examples(self, row_numbers: list[int], column: str) -> list[dict[str, Any]]:
        """Returns where some rows (numbered from 0) came from, and what a column holds there."""
        examples, kept = [], self.kept
        for row in row_numbers[:MAX_EXAMPLES]:
            place, value = kept.at(row, column) if kept is not None else (nowhere(row), None)
            examples.append({**place, "value": "" if value is None else str(value)[:MAX_VALUE]})
        return examples


@dataclasses.dataclass(frozen=True)
class Finding:
    """An anomaly, with what a person needs to mend or to allow it.

    Attributes:
        table: where it was found.
        feature: the column, "" for the whole table.
        kind: its type, a name of TFDV's or of ours.
        severity: ERROR or WARNING.
        what: one sentence.
        value: the measured value, and `threshold`, what it was held against.
        unit: `share` (0 to 1), `rows`, or "" where they need no reading.
        examples: first places where it shows: file, line and value.
        contributors: what it is made of, the largest first: each a `value` (of the column, or a range of
            its numbers), its `share` of the rows now, and `before`, its share in what it is compared
            with (None where there is nothing to compare with).
        mend: what to do about it.
    """

    table: str
    feature: str
    kind: str
    severity: str
    what: str
    value: float | str | None = None
    threshold: float | str | None = None
    unit: str = ""
    examples: tuple[dict[str, Any], ...] = ()
    mend: str = ""
    contributors: tuple[dict[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """What `GateOptions.allowed` calls it: `table.feature:TYPE`, or `table:TYPE`."""
        place = f"{self.table}.{self.feature}" if self.feature else self.table
        return f"{place}:{self.kind}"


@dataclasses.dataclass(frozen=True)
class Movement:
    """How far a column moved.

    Attributes:
        column: its name.
        measure: TFDV's distance between the two.
        value: 0 (the same) to 1.
        threshold: what it is held against.
        contributors: the values, or the ranges of numbers, whose shares changed most.
    """

    column: str
    measure: str
    value: float
    threshold: float
    contributors: tuple[dict[str, Any], ...]


Movements = Mapping[str, Movement]
"""How far the columns of a table moved, by name."""


def contributor(value: object, share: float, before: float | None = None) -> dict[str, Any]:
    """Returns one contributor to a finding, as the report holds it."""
    return {"value": str(value)[:MAX_VALUE], "share": share, "before": before}


def first_rows(holds: pl.Series) -> list[int]:
    """Returns the numbers of the first rows that a mask holds for, as many as a finding has examples."""
    return holds.fill_null(False).arg_true().head(MAX_EXAMPLES).to_list()


def without_bookkeeping(
    table: str, statistics: statistics_pb2.DatasetFeatureStatistics
) -> statistics_pb2.DatasetFeatureStatistics:
    """Returns a table's statistics without its bookkeeping, which is new in every run, and rightly so."""
    judged = [f for f in statistics.features if feature_name(f) not in TABLE_BY_NAME[table].bookkeeping]
    kept = statistics_pb2.DatasetFeatureStatistics()
    kept.CopyFrom(statistics)
    del kept.features[:]
    kept.features.extend(judged)
    return kept


def feature_name(feature: statistics_pb2.FeatureNameStatistics) -> str:
    """Returns a feature's name, however the statistics spell it."""
    return feature.name or ".".join(feature.path.step)


def common_statistics(feature: statistics_pb2.FeatureNameStatistics) -> statistics_pb2.CommonStatistics:
    """Returns the part of a feature's statistics that every type of feature has."""
    kind = feature.WhichOneof("stats")
    return getattr(feature, kind).common_stats if kind else statistics_pb2.CommonStatistics()


def listed(
    statistics: statistics_pb2.DatasetFeatureStatistics,
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Returns a table's statistics as TFDV's functions take them."""
    return statistics_pb2.DatasetFeatureStatisticsList(datasets=[statistics])


def value_counts(feature: statistics_pb2.FeatureNameStatistics) -> dict[str, float]:
    """Returns how often the values of a text column occur, as far as the statistics keep them."""
    ranked = feature.string_stats.rank_histogram.buckets
    if ranked:
        return {bucket.label: bucket.sample_count for bucket in ranked}
    return {value.value: value.frequency for value in feature.string_stats.top_values}


def nonfinite_counts(numbers: statistics_pb2.NumericStatistics) -> tuple[int, int]:
    """Returns how many values of a numeric column are NaN, and how many are infinite.

    TFDV counts NaN beside the histogram and gives the infinities buckets of their own.
    """
    for histogram in numbers.histograms:
        if histogram.type == statistics_pb2.Histogram.STANDARD:
            ends = ((b.low_value, b.high_value, b.sample_count) for b in histogram.buckets)
            infinite = sum(count for low, high, count in ends if math.isinf(low) or math.isinf(high))
            return int(histogram.num_nan), round(infinite)
    return 0, 0
