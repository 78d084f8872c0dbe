"""Findings from what the stock ExampleValidator recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from aisle.components.anomaly_gate.evidence import (
    MAX_CONTRIBUTORS,
    Finding,
    TableEvidence,
    common_statistics,
    contributor,
    value_counts,
)
from aisle.components.anomaly_gate.kept import where
from aisle.components.anomaly_gate.options import ERROR, WARNING
from aisle.schema.tables import TABLE_BY_NAME

_Type = anomalies_pb2.AnomalyInfo.Type

TYPE_CHANGES = frozenset(
    {
        "BOOL_TYPE_BYTES_NOT_INT",
        "BOOL_TYPE_BYTES_NOT_STRING",
        "BOOL_TYPE_FLOAT_NOT_INT",
        "BOOL_TYPE_FLOAT_NOT_STRING",
        "BOOL_TYPE_INT_NOT_STRING",
        "BOOL_TYPE_STRING_NOT_INT",
        "ENUM_TYPE_BYTES_NOT_STRING",
        "ENUM_TYPE_FLOAT_NOT_STRING",
        "ENUM_TYPE_INT_NOT_STRING",
        "FLOAT_TYPE_NOT_FLOAT",
        "FLOAT_TYPE_STRING_NOT_FLOAT",
        "FLOAT_TYPE_NON_STRING",
        "INT_TYPE_INT_EXPECTED",
        "INT_TYPE_NOT_INT_STRING",
        "INT_TYPE_NOT_STRING",
        "INT_TYPE_STRING_EXPECTED",
        "STRING_TYPE_NOW_FLOAT",
        "STRING_TYPE_NOW_INT",
        "UNEXPECTED_DATA_TYPE",
    }
)
"""The column's values are of another type than the schema says."""

DRIFT = frozenset(
    {
        "COMPARATOR_L_INFTY_HIGH",
        "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH",
        "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH",
        "SCHEMA_TRAINING_SERVING_SKEW",
    }
)
"""A distribution moved further than the schema's drift or skew comparator lets it."""

ERRORS = (
    TYPE_CHANGES
    | DRIFT
    | {
        "SCHEMA_MISSING_COLUMN",
        "FEATURE_TYPE_NOT_PRESENT",
        "DATASET_LOW_NUM_EXAMPLES",
        "NO_DATA_IN_SPAN",
        "FLOAT_TYPE_HAS_NAN",
        "FLOAT_TYPE_HAS_INF",
        "ENUM_TYPE_INVALID_UTF8",
    }
)
"""Types that stop a run unless the options say otherwise; every other type is a WARNING."""

_TOO_HIGH = ("FLOAT_TYPE_BIG_FLOAT", "INT_TYPE_BIG_INT")
_TOO_LOW = ("FLOAT_TYPE_SMALL_FLOAT", "INT_TYPE_SMALL_INT")

_MEND = {
    "SCHEMA_MISSING_COLUMN": "Put the column back into the feed, or accept its absence (aisle schema accept).",
    "SCHEMA_NEW_COLUMN": "Declare the column as a feature, or leave it: it passes through unused.",
    "ENUM_TYPE_UNEXPECTED_STRING_VALUES": "If the values are right, accept them (aisle schema accept); until then they are told of in every run.",
}
_MEND_TYPE = "Export the column with the type the schema names, or change the schema."
_MEND_OTHER = "Compare the feed with the schema; mend whichever is wrong (aisle schema diff, accept)."


def validator_findings(table: TableEvidence) -> Iterator[Finding]:
    """Yields a finding for every reason of every anomaly that ExampleValidator recorded."""
    if table.anomalies is not None:
        yield from anomaly_findings(table, table.anomalies, table.schema)


def anomaly_findings(
    table: TableEvidence, anomalies: anomalies_pb2.Anomalies, schema: schema_pb2.Schema | None
) -> Iterator[Finding]:
    """Yields a finding for every reason of every anomaly that TFDV found in a table by a schema."""
    declared = TABLE_BY_NAME.get(table.name)
    for key, info in sorted(anomalies.anomaly_info.items()):
        feature = ".".join(info.path.step) or key
        if declared is None or feature not in declared.bookkeeping:
            yield from _of_anomaly(table, feature, info, schema)
    if anomalies.HasField("dataset_anomaly_info"):
        yield from _of_anomaly(table, "", anomalies.dataset_anomaly_info, schema)


def _of_anomaly(
    table: TableEvidence, feature: str, info: anomalies_pb2.AnomalyInfo, schema: schema_pb2.Schema | None
) -> Iterator[Finding]:
    whole = anomalies_pb2.AnomalyInfo.Reason(
        short_description=info.short_description, description=info.description
    )
    declared = _declared(schema, feature)
    for reason in info.reason or [whole]:
        kind = _Type.Name(reason.type)
        value, threshold, unit = _measured(table, feature, kind, declared)
        unexpected = _unexpected_values(table, feature, kind, declared, schema)
        yield Finding(
            table=table.name,
            feature=feature,
            kind=kind,
            severity=ERROR if kind in ERRORS else WARNING,
            what=_sentence(reason.short_description, reason.description),
            value=sum(c["share"] for c in unexpected) if unexpected else value,
            threshold=1 - declared.distribution_constraints.min_domain_mass
            if unexpected and declared is not None
            else threshold,
            unit="share" if unexpected else unit,
            examples=tuple(table.examples(_places(table, feature, kind, declared, unexpected), feature)),
            contributors=unexpected[:MAX_CONTRIBUTORS],
            mend=_MEND.get(kind, _MEND_TYPE if kind in TYPE_CHANGES else _MEND_OTHER),
        )


def _unexpected_values(
    table: TableEvidence,
    feature: str,
    kind: str,
    declared: schema_pb2.Feature | None,
    schema: schema_pb2.Schema | None,
) -> tuple[dict[str, Any], ...]:
    """Returns the values outside a text column's domain, the most frequent first."""
    statistics = table.feature(feature)
    if kind != "ENUM_TYPE_UNEXPECTED_STRING_VALUES" or statistics is None or declared is None:
        return ()
    total = common_statistics(statistics).num_non_missing
    known = domain_values(schema, declared)
    counts = sorted(value_counts(statistics).items(), key=lambda item: (-item[1], item[0]))
    return tuple(contributor(value, n / total) for value, n in counts if value not in known)


def domain_values(schema: schema_pb2.Schema | None, declared: schema_pb2.Feature) -> set[str]:
    """Returns the values a text column may take: those of its own domain, or of the shared one it names."""
    if declared.WhichOneof("domain_info") == "string_domain":
        return set(declared.string_domain.value)
    shared = (d for d in schema.string_domain if d.name == declared.domain) if schema is not None else ()
    return {value for domain in shared for value in domain.value}


def _places(
    table: TableEvidence,
    feature: str,
    kind: str,
    declared: schema_pb2.Feature | None,
    unexpected: tuple[dict[str, Any], ...],
) -> list[int]:
    """Returns the first rows in which an anomaly of single values shows."""
    if table.kept is None or feature not in table.kept.schema.names:
        return []
    if unexpected:
        strange = [c["value"] for c in unexpected]
        return where(table.kept, feature, lambda values: values.is_in(strange))[1]
    wrong = _wrong_number(kind, declared)
    return where(table.kept, feature, wrong)[1] if wrong and feature in table.kept.numbers() else []


def _wrong_number(kind: str, declared: schema_pb2.Feature | None) -> Callable[[pl.Series], pl.Series] | None:
    """Returns what tells the numbers in which an anomaly shows, None where no single ones do."""
    high, low = _bound(declared, "max"), _bound(declared, "min")
    if kind in _TOO_HIGH and high is not None:
        return lambda numbers: numbers > high
    if kind in _TOO_LOW and low is not None:
        return lambda numbers: numbers < low
    return {"FLOAT_TYPE_HAS_NAN": pl.Series.is_nan, "FLOAT_TYPE_HAS_INF": pl.Series.is_infinite}.get(kind)


def _sentence(short: str, long: str) -> str:
    """Joins TFDV's two descriptions, which often repeat each other."""
    short, long = short.strip().rstrip("."), long.strip()
    if not long or long.rstrip(".") == short:
        return f"{short}."
    return f"{short}: {long}" if short else long


def _measured(
    table: TableEvidence, feature: str, kind: str, declared: schema_pb2.Feature | None
) -> tuple[float | str | None, float | str | None, str]:
    """Returns what was measured, what the schema asks for, and the unit, where both are known."""
    statistics = table.feature(feature)
    if statistics is None or declared is None:
        return None, None, ""
    if kind in ("FEATURE_TYPE_LOW_FRACTION_PRESENT", "FEATURE_TYPE_NOT_PRESENT"):
        return _present_share(statistics), declared.presence.min_fraction, "share"
    if kind in ("FEATURE_TYPE_LOW_UNIQUE", "FEATURE_TYPE_HIGH_UNIQUE"):
        unique, bounds = statistics.string_stats.unique, declared.unique_constraints
        return unique, bounds.min if kind == "FEATURE_TYPE_LOW_UNIQUE" else bounds.max, ""
    if kind in _TOO_HIGH:
        return statistics.num_stats.max, _bound(declared, "max"), ""
    if kind in _TOO_LOW:
        return statistics.num_stats.min, _bound(declared, "min"), ""
    return None, None, ""


def _declared(schema: schema_pb2.Schema | None, feature: str) -> schema_pb2.Feature | None:
    return next((f for f in schema.feature if f.name == feature), None) if schema is not None else None


def _present_share(feature: statistics_pb2.FeatureNameStatistics) -> float:
    common = common_statistics(feature)
    total = common.num_non_missing + common.num_missing
    return float(common.num_non_missing / total) if total else 0.0


def _bound(feature: schema_pb2.Feature | None, end: str) -> float | None:
    if feature is None:
        return None
    domain = feature.WhichOneof("domain_info")
    return float(getattr(getattr(feature, domain), end)) if domain in ("int_domain", "float_domain") else None
