"""Small pictures' data: a histogram or the most frequent values of a column, now and in the last blessed run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, TypeAlias

from tensorflow_metadata.proto.v0 import statistics_pb2

from aisle.components.anomaly_gate.compare import histograms
from aisle.components.anomaly_gate.compare.baseline import TableBaseline
from aisle.components.anomaly_gate.compare.histograms import Histogram
from aisle.components.anomaly_gate.evidence import (
    Movement,
    Movements,
    TableEvidence,
    common_statistics,
    feature_name,
    value_counts,
)
from aisle.schema.tables import TABLE_BY_NAME, Kind

MAX_FEATURES = 8
"""Distributions shown of one table; one that moved too far is shown in any case."""
TOP_VALUES = 8
MAX_LABEL_CHARACTERS = 60
_IDENTIFIER_SHARE = 0.5
"""A text column with more distinct values than this share of its rows names things: no chart of it."""

Feature: TypeAlias = statistics_pb2.FeatureNameStatistics


def distributions(
    table: TableEvidence, before: TableBaseline | None, moved: Movements
) -> Iterator[dict[str, Any]]:
    """Yields the distributions worth a picture, in the order of the table's columns.

    A dictionary holds `table`, `feature`, `kind` (`number`, `time` or `text`), `rows`, `missing`, and
    `min`, `max`, `histogram` (a list of `low`, `high`, `count`), or `unique`, `top` (a list of `value`,
    `count`); `before`, the same column in the last blessed run over the same buckets or values (None
    where there is none): `rows`, `missing`, and `histogram` or `top`; and `moved`, how far it is from
    there (None where it isn't measured): `measure`, `value`, `threshold`.
    """
    if table.statistics is None:
        return
    order = {column.name: place for place, column in enumerate(TABLE_BY_NAME[table.name].columns)}
    features = sorted(table.statistics.features, key=lambda f: order.get(feature_name(f), len(order)))
    earlier = {feature_name(f): f for f in before.statistics.features} if before is not None else {}
    shown = 0
    for feature in features:
        name = feature_name(feature)
        drifted = name in moved and moved[name].value > moved[name].threshold
        if shown >= MAX_FEATURES and not drifted:
            continue
        then = before.histograms.get(name) if before is not None else None
        described = _describe(table, feature, earlier.get(name), then)
        if described is not None:
            shown += 1
            yield {**described, "moved": _moved(moved.get(name))}


def _describe(
    table: TableEvidence, feature: Feature, earlier: Feature | None, then: Histogram | None
) -> dict[str, Any] | None:
    common, name = common_statistics(feature), feature_name(feature)
    if not common.num_non_missing:
        return None
    if earlier is not None and earlier.WhichOneof("stats") != feature.WhichOneof("stats"):
        earlier = None
    head = {"table": table.name, "feature": name, **_size(feature)}
    if feature.WhichOneof("stats") == "num_stats":
        column = TABLE_BY_NAME[table.name].column(name)
        is_time = column is not None and column.kind is Kind.TIMESTAMP
        drawn, before = _histograms(table, feature, then)
        return {
            **head,
            "kind": "time" if is_time else "number",
            "min": feature.num_stats.min,
            "max": feature.num_stats.max,
            "histogram": drawn,
            "before": {**_size(earlier), "histogram": before} if earlier is not None and before else None,
        }
    if _names_things(feature):
        return None
    top, before = _top(feature, earlier)
    return {
        **head,
        "kind": "text",
        "unique": feature.string_stats.unique,
        "top": top,
        "before": {**_size(earlier), "top": before} if earlier is not None else None,
    }


def _size(feature: Feature) -> dict[str, int]:
    common = common_statistics(feature)
    return {"rows": common.num_non_missing + common.num_missing, "missing": common.num_missing}


def _moved(movement: Movement | None) -> dict[str, Any] | None:
    if movement is None:
        return None
    return {"measure": movement.measure, "value": movement.value, "threshold": movement.threshold}


def _names_things(feature: Feature) -> bool:
    unique, filled = feature.string_stats.unique, common_statistics(feature).num_non_missing
    return bool(unique > _IDENTIFIER_SHARE * filled and unique > TOP_VALUES)


def _top(feature: Feature, earlier: Feature | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Returns the most frequent values, of now and before together, with their counts in each."""
    now = value_counts(feature)
    then = value_counts(earlier) if earlier is not None else {}
    rows, rows_then = sum(now.values()) or 1, sum(then.values()) or 1
    weight = {
        value: max(now.get(value, 0) / rows, then.get(value, 0) / rows_then) for value in {**now, **then}
    }
    chosen = sorted(
        sorted(weight, key=lambda value: -weight[value])[:TOP_VALUES], key=lambda v: -now.get(v, 0)
    )
    return _counted(chosen, now), _counted(chosen, then)


def _counted(values: list[str], counts: dict[str, float]) -> list[dict[str, Any]]:
    return [{"value": value[:MAX_LABEL_CHARACTERS], "count": counts.get(value, 0.0)} for value in values]


def _histograms(
    table: TableEvidence, feature: Feature, then: Histogram | None
) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """Returns the histograms of the middle 98 % of the values, now and before, over the same buckets."""
    name, rows = feature_name(feature), table.kept
    now = histograms.middle(rows, name) if rows is not None and name in rows.numbers() else None
    if rows is None or now is None:
        return _from_statistics(feature), []
    if then is None:
        return _buckets(now.edges.tolist(), [float(count) for count in now.counts]), []
    low, high = min(now.low, then.low), max(now.high, then.high)
    buckets = histograms.BUCKETS if high > low else 1
    # The values beyond either middle stay out of the picture on both sides.
    both = histograms.counted(rows, name, low, high, buckets, within=(now.low, now.high))
    edges = both.edges.tolist()
    return (
        _buckets(edges, [float(count) for count in both.counts]),
        _buckets(edges, histograms.spread(then, low, high, buckets)),
    )


def _buckets(edges: list[float], counts: list[float]) -> list[dict[str, float]]:
    ends = zip(edges[:-1], edges[1:], counts, strict=True)
    return [{"low": low, "high": high, "count": count} for low, high, count in ends]


def _from_statistics(feature: Feature) -> list[dict[str, float]]:
    """Returns TFDV's equal-width buckets, without those of infinities."""
    standard = (h for h in feature.num_stats.histograms if h.type == statistics_pb2.Histogram.STANDARD)
    return [
        {"low": bucket.low_value, "high": bucket.high_value, "count": bucket.sample_count}
        for histogram in standard
        for bucket in histogram.buckets
        if math.isfinite(bucket.low_value) and math.isfinite(bucket.high_value)
    ]
