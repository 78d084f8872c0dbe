"""The client, the embedded server, and the pushed versions.

    >>> from aisle.serving import Client
    >>> Client("127.0.0.1:8500").search("red shirt", k=5)

Importing this costs no TensorFlow.
"""

from __future__ import annotations

from aisle.serving.client import Client, VersionStatus
from aisle.serving.errors import (
    BadAnswer,
    DeadlineExceeded,
    MessageTooLarge,
    ModelNotFound,
    Overloaded,
    RequestRefused,
    ServingError,
    Unreachable,
)
from aisle.serving.explanation import Explanation, FoundBy, Part, WordMatch
from aisle.serving.filters import Facet, Facets, Filters
from aisle.serving.recommender import FilteredItems, Recommender, ScoredItem
from aisle.serving.transport import CallError, GrpcTransport, Retry, Transport

__all__ = [
    "BadAnswer",
    "CallError",
    "Client",
    "DeadlineExceeded",
    "Explanation",
    "Facet",
    "Facets",
    "FilteredItems",
    "Filters",
    "FoundBy",
    "GrpcTransport",
    "MessageTooLarge",
    "ModelNotFound",
    "Overloaded",
    "Part",
    "Recommender",
    "RequestRefused",
    "Retry",
    "ScoredItem",
    "ServingError",
    "Transport",
    "Unreachable",
    "VersionStatus",
    "WordMatch",
]
