"""How far columns moved from one set of rows to another, measured by TFDV."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from aisle.components.anomaly_gate.compare import histograms
from aisle.components.anomaly_gate.compare.baseline import TableBaseline
from aisle.components.anomaly_gate.compare.histograms import Histogram
from aisle.components.anomaly_gate.evidence import (
    MAX_CONTRIBUTORS,
    Movement,
    TableEvidence,
    common_statistics,
    contributor,
    feature_name,
    listed,
    value_counts,
)
from aisle.schema.tables import TABLE_BY_NAME, Kind

MAX_VALUES = 1000
"""A text column with more distinct values is not compared: TFDV keeps the counts of so many."""
FREE_TEXT = ("title", "description", "text", "query")
DRIFT, SKEW = "drift", "skew"
L_INFINITY, JENSEN_SHANNON = "L-infinity distance", "Jensen-Shannon divergence"

Feature: TypeAlias = statistics_pb2.FeatureNameStatistics


@dataclasses.dataclass(frozen=True)
class Limits:
    """What to compare, and how far it may have moved.

    Attributes:
        category: the L-infinity distance of a text column.
        number: the Jensen-Shannon divergence of a numeric one.
        by_column: for one column, by `table.column`; compares it whatever the rule says.
        min_rows: values of a column that both sides need.
    """

    category: float
    number: float
    by_column: Mapping[str, float]
    min_rows: int


def movements(
    now: TableEvidence, before: TableBaseline, limits: Limits, kind: str, table: str
) -> dict[str, Movement]:
    """Measures how far the columns of a table moved.

    Compared are numbers and texts, without timestamps (they always move), identifiers (`…_id`), free
    texts and texts of more than `MAX_VALUES` distinct values. A column named by `limits.by_column` is
    compared in any case. Numbers are counted in the buckets of `before`, those beyond its middle 98 % in
    two more, so that a single extreme value moves nothing.

    Args:
        now: the rows, with their statistics.
        before: what they are compared with.
        limits: thresholds.
        kind: `DRIFT` or `SKEW`: by which of TFDV's comparators, and by which of the schema's thresholds.
        table: whose columns they are; logged requests have those of the events.
    """
    pairs = dict(_pairs(now, before, limits, table))
    if not pairs:
        return {}
    schema = schema_pb2.Schema()
    later = statistics_pb2.DatasetFeatureStatistics(num_examples=now.counts["kept"])
    then = statistics_pb2.DatasetFeatureStatistics(num_examples=before.rows)
    for name, (new, old) in pairs.items():
        _compare_by(schema, name, old, _threshold(now.schema, f"{table}.{name}", old, limits, kind), kind)
        later.features.append(new)
        then.features.append(old)
    role = "previous_statistics" if kind == DRIFT else "serving_statistics"
    anomalies = tfdv.validate_statistics(listed(later), schema, **{role: listed(then)})
    return dict(_measured(anomalies.drift_skew_info, pairs, kind))


def _pairs(
    now: TableEvidence, before: TableBaseline, limits: Limits, table: str
) -> Iterator[tuple[str, tuple[Feature, Feature]]]:
    """Yields the columns to compare, each with its statistics now and before in comparable form."""
    earlier = {feature_name(feature): feature for feature in before.statistics.features}
    for new in now.statistics.features if now.statistics is not None else ():
        name = feature_name(new)
        old = earlier.get(name)
        if old is None or old.WhichOneof("stats") != new.WhichOneof("stats"):
            continue
        named = f"{table}.{name}" in limits.by_column
        if not named and not (_is_comparable(table, new) and _is_comparable(table, old)):
            continue
        if min(common_statistics(f).num_non_missing for f in (new, old)) < limits.min_rows:
            continue
        if new.WhichOneof("stats") == "string_stats":
            yield name, (_text(name, new), _text(name, old))
        elif name in before.histograms:
            then = before.histograms[name]
            yield name, (_number(name, _counted_as(then, now, name)), _number(name, then))


def _counted_as(then: Histogram, now: TableEvidence, name: str) -> Histogram:
    """Counts a column's numbers in the buckets of another histogram; none where its rows aren't there."""
    if now.kept is None or name not in now.kept.schema.names:
        return histograms.over(np.zeros(0), then.low, then.high, len(then.counts))
    return histograms.counted(now.kept, name, then.low, then.high, len(then.counts))


def _is_comparable(table: str, feature: Feature) -> bool:
    name = feature_name(feature)
    if feature.WhichOneof("stats") == "num_stats":
        declared = TABLE_BY_NAME[table].column(name)
        return declared is None or declared.kind is not Kind.TIMESTAMP
    if feature.WhichOneof("stats") != "string_stats" or name.endswith("_id") or name in FREE_TEXT:
        return False
    return bool(feature.string_stats.unique <= MAX_VALUES)


def _text(name: str, feature: Feature) -> Feature:
    copy = Feature(type=statistics_pb2.FeatureNameStatistics.STRING)
    copy.path.step.append(name)
    copy.string_stats.CopyFrom(feature.string_stats)
    return copy


def _number(name: str, histogram: Histogram) -> Feature:
    """Returns a histogram as TFDV's statistics: its buckets, and one at each end for what lies beyond."""
    feature = Feature(type=statistics_pb2.FeatureNameStatistics.FLOAT)
    feature.path.step.append(name)
    numbers = feature.num_stats
    numbers.common_stats.num_non_missing = numbers.common_stats.tot_num_values = histogram.total
    numbers.common_stats.min_num_values = numbers.common_stats.max_num_values = 1
    standard = numbers.histograms.add(type=statistics_pb2.Histogram.STANDARD)
    for low, high, count in _buckets(histogram):
        standard.buckets.add(low_value=low, high_value=high, sample_count=count)
    numbers.min, numbers.max = standard.buckets[0].low_value, standard.buckets[-1].high_value
    return feature


def _buckets(histogram: Histogram) -> list[tuple[float, float, int]]:
    edges = histogram.edges
    width = float(edges[1] - edges[0]) or 1.0
    if histogram.low == histogram.high:
        edges = edges + [-width / 4, width / 4]
    ends = [float(edges[0]) - width, *edges.tolist(), float(edges[-1]) + width]
    counts = [histogram.below, *histogram.counts, histogram.above]
    return list(zip(ends[:-1], ends[1:], counts, strict=True))


def _threshold(
    schema: schema_pb2.Schema | None, column: str, feature: Feature, limits: Limits, kind: str
) -> float:
    """Returns the threshold of one column: the options', else the schema's, else that of its type."""
    if column in limits.by_column:
        return limits.by_column[column]
    name = feature_name(feature)
    is_text = feature.WhichOneof("stats") == "string_stats"
    for declared in schema.feature if schema is not None else ():
        if declared.name == name:
            comparator = getattr(declared, f"{kind}_comparator")
            own = comparator.infinity_norm if is_text else comparator.jensen_shannon_divergence
            if own.threshold:
                return float(own.threshold)
    return limits.category if is_text else limits.number


def _compare_by(schema: schema_pb2.Schema, name: str, feature: Feature, threshold: float, kind: str) -> None:
    is_text = feature.WhichOneof("stats") == "string_stats"
    declared = schema.feature.add(name=name, type=schema_pb2.BYTES if is_text else schema_pb2.FLOAT)
    comparator = getattr(declared, f"{kind}_comparator")
    (comparator.infinity_norm if is_text else comparator.jensen_shannon_divergence).threshold = threshold


def _measured(
    infos: Any, pairs: Mapping[str, tuple[Feature, Feature]], kind: str
) -> Iterator[tuple[str, Movement]]:
    for info in infos:
        name = ".".join(info.path.step)
        new, old = pairs[name]
        is_text = new.WhichOneof("stats") == "string_stats"
        for measured in getattr(info, f"{kind}_measurements"):
            yield (
                name,
                Movement(
                    name,
                    L_INFINITY if is_text else JENSEN_SHANNON,
                    measured.value,
                    measured.threshold,
                    _contributors(shares(new), shares(old)),
                ),
            )


def shares(feature: Feature) -> dict[str, float]:
    """Returns the share of each value, or of each range of a numeric column."""
    if feature.WhichOneof("stats") == "string_stats":
        counts = value_counts(feature)
        total = common_statistics(feature).num_non_missing
    else:
        buckets = list(feature.num_stats.histograms[0].buckets)
        labels = [f"{b.low_value:.4g} to {b.high_value:.4g}" for b in buckets]
        labels[0], labels[-1] = f"below {buckets[0].high_value:.4g}", f"above {buckets[-1].low_value:.4g}"
        counts = {label: b.sample_count for label, b in zip(labels, buckets, strict=True)}
        total = sum(b.sample_count for b in buckets)
    return {value: count / total for value, count in counts.items()} if total else {}


def _contributors(now: Mapping[str, float], before: Mapping[str, float]) -> tuple[dict[str, Any], ...]:
    changes = {value: now.get(value, 0.0) - before.get(value, 0.0) for value in {**before, **now}}
    worst = sorted(changes, key=lambda value: (-abs(changes[value]), value))[:MAX_CONTRIBUTORS]
    return tuple(contributor(v, now.get(v, 0.0), before.get(v, 0.0)) for v in worst if changes[v])
