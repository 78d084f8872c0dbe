"""Small pictures' data from TFDV's statistics: a histogram or the most frequent values of a column."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from aisle.components.anomaly_gate.evidence import TableEvidence, common_statistics, feature_name
from aisle.schema.tables import TABLE_BY_NAME, Kind

MAX_FEATURES = 8
"""Distributions shown of one table."""
TOP_VALUES = 8
MAX_LABEL_CHARACTERS = 60
BUCKETS = 24
_MIDDLE = (0.01, 0.99)
_IDENTIFIER_SHARE = 0.5
"""A text column with more distinct values than this share of its rows names things: no chart of it."""


def distributions(table: TableEvidence) -> Iterator[dict[str, Any]]:
    """Yields the distributions worth a picture, in the order of the table's columns.

    A dictionary holds `table`, `feature`, `kind` (`number`, `time` or `text`), `rows`, `missing`, and
    `min`, `max`, `histogram` (a list of `low`, `high`, `count`), or `unique`, `top` (a list of `value`,
    `count`).
    """
    if table.statistics is None:
        return
    order = {column.name: place for place, column in enumerate(TABLE_BY_NAME[table.name].columns)}
    features = sorted(table.statistics.features, key=lambda f: order.get(feature_name(f), len(order)))
    shown = 0
    for feature in features:
        described = _describe(table, feature)
        if described is not None and shown < MAX_FEATURES:
            shown += 1
            yield described


def _describe(table: TableEvidence, feature: statistics_pb2.FeatureNameStatistics) -> dict[str, Any] | None:
    common, name = common_statistics(feature), feature_name(feature)
    if not common.num_non_missing:
        return None
    head = {
        "table": table.name,
        "feature": name,
        "rows": common.num_non_missing + common.num_missing,
        "missing": common.num_missing,
    }
    if feature.WhichOneof("stats") == "num_stats":
        column = TABLE_BY_NAME[table.name].column(name)
        numbers = feature.num_stats
        return {
            **head,
            "kind": "time" if column is not None and column.kind is Kind.TIMESTAMP else "number",
            "min": numbers.min,
            "max": numbers.max,
            "histogram": _from_rows(table, name) or _from_statistics(feature),
        }
    strings = feature.string_stats
    if strings.unique > _IDENTIFIER_SHARE * common.num_non_missing and strings.unique > TOP_VALUES:
        return None
    top = [{"value": v.value[:MAX_LABEL_CHARACTERS], "count": v.frequency} for v in strings.top_values]
    return {**head, "kind": "text", "unique": strings.unique, "top": top[:TOP_VALUES]}


def _from_rows(table: TableEvidence, name: str) -> list[dict[str, float]]:
    """Returns the histogram of the middle 98 % of the values; without rows none.

    TFDV's equal-width buckets span all values: one price of 16,000 leaves the others a single bar.
    """
    if table.rows is None or name not in table.rows.column_names:
        return []
    values = table.rows.column(name).drop_null().to_numpy().astype(np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return []
    low, high = np.quantile(values, _MIDDLE)
    counts, edges = np.histogram(values, bins=BUCKETS if high > low else 1, range=(low, high))
    ends = zip(edges[:-1], edges[1:], counts, strict=True)
    return [{"low": float(low), "high": float(high), "count": float(count)} for low, high, count in ends]


def _from_statistics(feature: statistics_pb2.FeatureNameStatistics) -> list[dict[str, float]]:
    """Returns TFDV's equal-width buckets, without those of infinities."""
    standard = (h for h in feature.num_stats.histograms if h.type == statistics_pb2.Histogram.STANDARD)
    return [
        {"low": bucket.low_value, "high": bucket.high_value, "count": bucket.sample_count}
        for histogram in standard
        for bucket in histogram.buckets
        if math.isfinite(bucket.low_value) and math.isfinite(bucket.high_value)
    ]
