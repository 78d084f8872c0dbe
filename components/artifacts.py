"""The artifact types our components hand to each other.

TFX allows a type name one dot; `aisle.pipeline.kubeflow.container` tells the Kubeflow containers which class it is.
"""

from __future__ import annotations

from tfx.types.artifact import Artifact
from tfx.types.system_artifacts import Dataset, Metrics


class Quarantine(Artifact):
    """The rows of one stage that could not be used: `quarantine.parquet` and `counts.json`."""

    TYPE_NAME = "aisle.Quarantine"
    TYPE_ANNOTATION = Dataset


class Tables(Artifact):
    """Cleaned tables: `{items,users,events,judgements,stock,supply,campaigns}.parquet`, flat and typed."""

    TYPE_NAME = "aisle.Tables"
    TYPE_ANNOTATION = Dataset


class Ledger(Artifact):
    """What became of every row that was read: `ledger.json`."""

    TYPE_NAME = "aisle.Ledger"
    TYPE_ANNOTATION = Metrics


class Interactions(Artifact):
    """Labelled interactions, split by time, beside the items and users they speak of."""

    TYPE_NAME = "aisle.Interactions"
    TYPE_ANNOTATION = Dataset


class Pictures(Artifact):
    """What is seen in the pictures of items: `features.parquet`, and the report `pictures`: why others have none."""

    TYPE_NAME = "aisle.Pictures"
    TYPE_ANNOTATION = Dataset


class Report(Artifact):
    """A report a person reads: `NAME.json` and `NAME.html`."""

    TYPE_NAME = "aisle.Report"
    TYPE_ANNOTATION = Metrics


ARTIFACT_TYPES: tuple[type[Artifact], ...] = (
    Quarantine,
    Tables,
    Ledger,
    Interactions,
    Pictures,
    Report,
)
