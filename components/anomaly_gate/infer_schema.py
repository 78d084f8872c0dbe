"""The curated schema: what was seen in a table, as what must hold of the next one."""

from __future__ import annotations

import math

import numpy as np
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from aisle.components.anomaly_gate.compare.drift import FREE_TEXT
from aisle.components.anomaly_gate.evidence import (
    common_statistics,
    feature_name,
    listed,
    nonfinite_counts,
    value_counts,
)
from aisle.schema import events as kinds
from aisle.schema.tables import TABLE_BY_NAME, Kind

TRAINING, SERVING = "TRAINING", "SERVING"
OUTCOMES = {
    "events": ("event", "item_id", "position", "quantity", "price", "rating", "text"),
    "judgements": ("grade",),
}
"""What is known only once a request was answered: such a column may lack in the environment SERVING."""

BOUNDS: dict[str, tuple[float | None, float | None]] = {
    "price": (0, None),
    "rating": (0, None),
    "grade": (0, None),
    "position": (0, None),
    "age": (0, 150),
    "on_order": (0, None),
    "lead_time_days": (0, None),
    "lead_time_sd": (0, None),
    "pack_size": (0, None),
    "min_order": (0, None),
    "unit_cost": (0, None),
    "holding_rate": (0, None),
    "review_days": (0, None),
}
"""The least and the largest sensible value of a number; in force only where what was seen keeps to it."""

MAX_DOMAIN = 100
"""A text column of more distinct values has no list of them in the schema."""
_SLACK = 0.9
"""A column may be filled a tenth less than it was seen to be."""
_MANY = 2**63 - 1
_FLOAT32_MAX = float(np.finfo(np.float32).max)


def infer_table_schema(table: str, statistics: statistics_pb2.DatasetFeatureStatistics) -> schema_pb2.Schema:
    """Returns a schema that a table keeps to, as strict as what was seen allows.

    Of each column the type and how full it must be (`_SLACK`); of short texts the values; of numbers the
    bounds of `BOUNDS`, and no NaN or infinity, as far as there were none; of a key, that half as many
    distinct ones must be left. `OUTCOMES` may lack at SERVING.

    Args:
        table: its name.
        statistics: TFDV's, of its rows.

    Returns:
        The schema, columns in the table's order (extra ones by name), values sorted: the same rows
        always give the same text.
    """
    inferred = tfdv.infer_schema(
        listed(statistics), infer_feature_shape=False, max_string_domain_size=MAX_DOMAIN
    )
    schema = schema_pb2.Schema(default_environment=[TRAINING, SERVING])
    seen = {feature_name(feature): feature for feature in statistics.features}
    for feature in inferred.feature:
        if common_statistics(seen[feature.name]).num_non_missing:
            schema.feature.append(_curated(table, feature, seen[feature.name]))
        else:
            schema.feature.append(_empty(table, feature))
    return in_order(table, schema)


def in_order(table: str, schema: schema_pb2.Schema) -> schema_pb2.Schema:
    """Returns the schema with its columns in the table's order, extra ones by name."""
    place = {column.name: n for n, column in enumerate(TABLE_BY_NAME[table].columns)}
    features = sorted(schema.feature, key=lambda feature: (place.get(feature.name, len(place)), feature.name))
    ordered = schema_pb2.Schema()
    ordered.CopyFrom(schema)
    del ordered.feature[:]
    ordered.feature.extend(features)
    return ordered


def _curated(
    table: str, inferred: schema_pb2.Feature, seen: statistics_pb2.FeatureNameStatistics
) -> schema_pb2.Feature:
    name = inferred.name
    feature = schema_pb2.Feature(name=name, type=inferred.type)
    feature.value_count.min = feature.value_count.max = 1
    _require_presence(table, feature, seen)
    if name in OUTCOMES.get(table, ()):
        feature.not_in_environment.append(SERVING)
    if inferred.domain and not name.endswith("_id") and name not in FREE_TEXT:
        values = set(value_counts(seen)) | (
            set(kinds.names()) if (table, name) == ("events", "event") else set()
        )
        feature.string_domain.name = name
        feature.string_domain.value.extend(sorted(values))
    if feature.type in (schema_pb2.FLOAT, schema_pb2.INT):
        _bound(feature, seen.num_stats)
    if TABLE_BY_NAME[table].key == (name,) and seen.WhichOneof("stats") == "string_stats":
        feature.unique_constraints.min = max(1, seen.string_stats.unique // 2)
        feature.unique_constraints.max = _MANY
    return feature


_TYPES = {
    Kind.STRING: schema_pb2.BYTES,
    Kind.INTEGER: schema_pb2.INT,
    Kind.NUMBER: schema_pb2.FLOAT,
    Kind.TIMESTAMP: schema_pb2.INT,
    Kind.BOOLEAN: schema_pb2.INT,
}


def _empty(table: str, inferred: schema_pb2.Feature) -> schema_pb2.Feature:
    """Returns a column that is there without a value: what it may hold is known of a declared one alone."""
    declared = TABLE_BY_NAME[table].column(inferred.name)
    return schema_pb2.Feature(
        name=inferred.name, type=inferred.type if declared is None else _TYPES[declared.kind]
    )


def _require_presence(
    table: str, feature: schema_pb2.Feature, seen: statistics_pb2.FeatureNameStatistics
) -> None:
    common = common_statistics(seen)
    filled = common.num_non_missing / (common.num_non_missing + common.num_missing)
    declared = TABLE_BY_NAME[table].column(feature.name)
    whole = filled == 1 and declared is not None and declared.required
    feature.presence.min_fraction = 1.0 if whole else math.floor(100 * _SLACK * filled) / 100
    feature.presence.min_count = 1


def _bound(feature: schema_pb2.Feature, numbers: statistics_pb2.NumericStatistics) -> None:
    low, high = BOUNDS.get(feature.name, (None, None))
    is_float = feature.type == schema_pb2.FLOAT
    domain = feature.float_domain if is_float else feature.int_domain
    number = float if is_float else int
    if low is not None and numbers.min >= low:
        domain.min = number(low)
    if high is not None and numbers.max <= high:
        domain.max = number(high)
    if is_float:
        nans, infinities = nonfinite_counts(numbers)
        # TFDV holds what a float32 can't for infinite.
        infinite = infinities or max(abs(numbers.min), abs(numbers.max)) > _FLOAT32_MAX
        domain.disallow_nan, domain.disallow_inf = not nans, not infinite
