"""The artifact types our components hand to each other.

Each type's name is its import path: the Kubeflow runner resolves a custom type by it.
"""

from __future__ import annotations

from tfx.types.artifact import Artifact
from tfx.types.system_artifacts import Dataset, Metrics

_MODULE = "aisle.components.artifacts"


class Quarantine(Artifact):
    """The rows of one stage that could not be used: `quarantine.parquet` and `counts.json`."""

    TYPE_NAME = f"{_MODULE}.Quarantine"
    TYPE_ANNOTATION = Dataset


class Tables(Artifact):
    """Cleaned tables: `{items,users,events,judgements}.parquet`, flat and typed."""

    TYPE_NAME = f"{_MODULE}.Tables"
    TYPE_ANNOTATION = Dataset


class Ledger(Artifact):
    """What became of every row that was read: `ledger.json`."""

    TYPE_NAME = f"{_MODULE}.Ledger"
    TYPE_ANNOTATION = Metrics


class Interactions(Artifact):
    """Labelled interactions, split by time, beside the items and users they speak of."""

    TYPE_NAME = f"{_MODULE}.Interactions"
    TYPE_ANNOTATION = Dataset


class Report(Artifact):
    """A report a person reads: `NAME.json` and `NAME.html`."""

    TYPE_NAME = f"{_MODULE}.Report"
    TYPE_ANNOTATION = Metrics
