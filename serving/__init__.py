"""The client, the embedded server, and the pushed versions.

    >>> from aisle.serving import Client
    >>> Client("127.0.0.1:8500").search("red shirt", k=5)

Importing this costs no TensorFlow.
"""

from __future__ import annotations

from aisle.serving.answers import FilteredItems, ScoredItem, ScoredItems
from aisle.serving.async_client import AsyncClient
from aisle.serving.async_recommender import AsyncRecommender
from aisle.serving.client import Client
from aisle.serving.conversation import VersionStatus
from aisle.serving.errors import (
    BadAnswer,
    DeadlineExceeded,
    MessageTooLarge,
    ModelNotFound,
    Overloaded,
    RequestRefused,
    ServingError,
    Unreachable,
    Untrusted,
)
from aisle.serving.explanation import Explanation, FoundBy, Part, WordMatch
from aisle.serving.fallback import Fallback
from aisle.serving.filters import Facet, Facets, Filters
from aisle.serving.questions import Question
from aisle.serving.recommender import Recommender
from aisle.serving.routing import Canary
from aisle.serving.tls import Tls
from aisle.serving.transport import (
    AsyncGrpcTransport,
    AsyncTransport,
    CallError,
    GrpcTransport,
    Retry,
    Transport,
)

__all__ = [
    "AsyncClient",
    "AsyncGrpcTransport",
    "AsyncRecommender",
    "AsyncTransport",
    "BadAnswer",
    "CallError",
    "Canary",
    "Client",
    "DeadlineExceeded",
    "Explanation",
    "Facet",
    "Facets",
    "Fallback",
    "FilteredItems",
    "Filters",
    "FoundBy",
    "GrpcTransport",
    "MessageTooLarge",
    "ModelNotFound",
    "Overloaded",
    "Part",
    "Question",
    "Recommender",
    "RequestRefused",
    "Retry",
    "ScoredItem",
    "ScoredItems",
    "ServingError",
    "Tls",
    "Transport",
    "Unreachable",
    "Untrusted",
    "VersionStatus",
    "WordMatch",
]
