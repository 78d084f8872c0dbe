"""How a table differs from its curated schema, and the schema with some differences accepted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from aisle.components.anomaly_gate.evidence import (
    Finding,
    TableEvidence,
    common_statistics,
    feature_name,
    listed,
    value_counts,
)
from aisle.components.anomaly_gate.findings.validator import TYPE_CHANGES, anomaly_findings, domain_values
from aisle.components.anomaly_gate.infer_schema import MAX_DOMAIN, in_order, infer_table_schema
from aisle.schema.errors import InputError

Seen: TypeAlias = statistics_pb2.FeatureNameStatistics
Feature: TypeAlias = schema_pb2.Feature


@dataclasses.dataclass(frozen=True)
class Changes:
    """What sets a table apart from its schema.

    Attributes:
        findings: what the schema doesn't allow, named as the gate names it (`table.feature:TYPE`).
        unseen: by column, values of the schema that the rows don't hold. They are no anomaly.
    """

    findings: tuple[Finding, ...]
    unseen: dict[str, tuple[str, ...]]


def read_schema(text: str, where: str) -> schema_pb2.Schema:
    """Reads a schema's text form.

    Args:
        text: a text proto.
        where: its file, for the message.

    Raises:
        InputError: the text is no schema.
    """
    try:
        return text_format.Parse(text, schema_pb2.Schema())
    except text_format.ParseError as error:
        first = " ".join(str(error).split())
        raise InputError(f"{where} is no schema in text form: {first}") from error


def schema_text(schema: schema_pb2.Schema) -> str:
    """Returns the text form of a schema."""
    return text_format.MessageToString(schema, as_utf8=True)


def changes(table: TableEvidence, schema: schema_pb2.Schema) -> Changes:
    """Compares a table with its curated schema; `table.statistics` must be there."""
    statistics = statistics_of(table)
    anomalies = tfdv.validate_statistics(listed(statistics), schema)
    unseen = {}
    for feature in schema.feature:
        seen = table.feature(feature.name)
        missing = domain_values(schema, feature) - set(value_counts(seen) if seen is not None else ())
        if missing and seen is not None:
            unseen[feature.name] = tuple(sorted(missing))
    return Changes(tuple(anomaly_findings(table, anomalies, schema)), unseen)


def accept(
    table: TableEvidence, schema: schema_pb2.Schema, findings: Collection[Finding]
) -> schema_pb2.Schema:
    """Returns the schema, changed so that it allows some findings and nothing else.

    What a person wrote into the schema stays, as far as it doesn't contradict what is accepted.

    Args:
        table: with its statistics.
        schema: the curated one; it is not changed.
        findings: of `changes`.
    """
    statistics = statistics_of(table)
    fresh = {feature.name: feature for feature in infer_table_schema(table.name, statistics).feature}
    seen = {feature_name(feature): feature for feature in statistics.features}
    updated = schema_pb2.Schema()
    updated.CopyFrom(schema)
    features = {feature.name: feature for feature in updated.feature}
    for finding in findings:
        if finding.kind == "SCHEMA_MISSING_COLUMN":
            features.pop(finding.feature, None)
        elif finding.kind == "SCHEMA_NEW_COLUMN":
            features[finding.feature] = fresh[finding.feature]
        elif finding.feature in features:
            change = _CHANGES.get(finding.kind)
            if change is None:
                raise InputError(f"{finding.name} can't be accepted by a command: edit the schema by hand")
            own = features[finding.feature]
            values = domain_values(schema, own)
            change(
                own,
                fresh[finding.feature],
                seen[finding.feature],
                values,
            )
    kept = [features[name] for name in features]
    del updated.feature[:]
    updated.feature.extend(kept)
    return in_order(table.name, updated)


def named(findings: Sequence[Finding], names: Sequence[str]) -> list[Finding]:
    """Returns the findings of these names; all of them where there are no names.

    Raises:
        InputError: a name is none of theirs.
    """
    known = {finding.name for finding in findings}
    for name in names:
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise InputError(f"{name!r} is no difference from the schema; there are: {there}")
    return [finding for finding in findings if not names or finding.name in names]


def statistics_of(table: TableEvidence) -> statistics_pb2.DatasetFeatureStatistics:
    """Returns a table's statistics, empty ones where there are none."""
    return table.statistics or statistics_pb2.DatasetFeatureStatistics()


def _clear_domain(own: Feature) -> None:
    domain = own.WhichOneof("domain_info")
    if domain:
        own.ClearField(domain)


def _more_values(own: Feature, fresh: Feature, seen: Seen, values: set[str]) -> None:
    both = values | set(value_counts(seen))
    _clear_domain(own)
    if seen.string_stats.unique <= MAX_DOMAIN or len(both) <= 2 * MAX_DOMAIN:
        own.string_domain.name = own.name
        own.string_domain.value.extend(sorted(both))


def _presence(own: Feature, fresh: Feature, seen: Seen, values: set[str]) -> None:
    if common_statistics(seen).num_non_missing:
        own.presence.CopyFrom(fresh.presence)
    else:
        own.ClearField("presence")


def _type(own: Feature, fresh: Feature, seen: Seen, values: set[str]) -> None:
    own.type = fresh.type
    _clear_domain(own)
    new = fresh.WhichOneof("domain_info")
    if new:
        getattr(own, new).CopyFrom(getattr(fresh, new))


def _higher(own: Feature, fresh: Feature, seen: Seen, values: set[str]) -> None:
    domain = own.int_domain if own.type == schema_pb2.INT else own.float_domain
    domain.max = int(seen.num_stats.max) if own.type == schema_pb2.INT else seen.num_stats.max


def _lower(own: Feature, fresh: Feature, seen: Seen, values: set[str]) -> None:
    domain = own.int_domain if own.type == schema_pb2.INT else own.float_domain
    domain.min = int(seen.num_stats.min) if own.type == schema_pb2.INT else seen.num_stats.min


def _nan(own: Feature, fresh: Feature, seen: Seen, values: set[str]) -> None:
    own.float_domain.disallow_nan = False


def _infinity(own: Feature, fresh: Feature, seen: Seen, values: set[str]) -> None:
    own.float_domain.disallow_inf = False


def _unique(own: Feature, fresh: Feature, seen: Seen, values: set[str]) -> None:
    own.ClearField("unique_constraints")
    if fresh.HasField("unique_constraints"):
        own.unique_constraints.CopyFrom(fresh.unique_constraints)


_Change = Callable[[Feature, Feature, Seen, set[str]], None]
_CHANGES: dict[str, _Change] = {
    "ENUM_TYPE_UNEXPECTED_STRING_VALUES": _more_values,
    "FEATURE_TYPE_LOW_FRACTION_PRESENT": _presence,
    "FEATURE_TYPE_LOW_NUMBER_PRESENT": _presence,
    "FEATURE_TYPE_NOT_PRESENT": _presence,
    "FLOAT_TYPE_BIG_FLOAT": _higher,
    "INT_TYPE_BIG_INT": _higher,
    "FLOAT_TYPE_SMALL_FLOAT": _lower,
    "INT_TYPE_SMALL_INT": _lower,
    "FLOAT_TYPE_HAS_NAN": _nan,
    "FLOAT_TYPE_HAS_INF": _infinity,
    "FEATURE_TYPE_LOW_UNIQUE": _unique,
    "FEATURE_TYPE_HIGH_UNIQUE": _unique,
    **dict.fromkeys(TYPE_CHANGES, _type),
}
"""How the schema gives way to each type of anomaly."""
