"""The client, the embedded server, and the pushed versions.

    >>> from aisle.serving import Client
    >>> Client("127.0.0.1:8500").search("red shirt", k=5)

Importing this costs no TensorFlow.
"""

from __future__ import annotations

from aisle.serving.client.answers import FilteredItems, ScoredItem, ScoredItems
from aisle.serving.client.async_client import AsyncClient
from aisle.serving.client.async_recommender import AsyncRecommender
from aisle.serving.client.client import Client
from aisle.serving.client.conversation.conversation import VersionStatus
from aisle.serving.client.conversation.fallback import Fallback
from aisle.serving.client.conversation.routing import Canary
from aisle.serving.client.errors import (
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
from aisle.serving.client.explanation import Explanation, FoundBy, Part, WordMatch
from aisle.serving.client.facts import Facts, ItemFact
from aisle.serving.client.filters import Facet, Facets, Filters
from aisle.serving.client.questions import Question
from aisle.serving.client.recents import RecentEvent, Recents
from aisle.serving.client.recommender import Recommender
from aisle.serving.client.transport import (
    AsyncGrpcTransport,
    AsyncTransport,
    CallError,
    GrpcTransport,
    Retry,
    Transport,
)
from aisle.serving.gateway_client import GatewayClient, Shown, ShownItem
from aisle.serving.tls import Tls

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
    "Facts",
    "Fallback",
    "FilteredItems",
    "Filters",
    "FoundBy",
    "GatewayClient",
    "GrpcTransport",
    "ItemFact",
    "MessageTooLarge",
    "ModelNotFound",
    "Overloaded",
    "Part",
    "Question",
    "RecentEvent",
    "Recents",
    "Recommender",
    "RequestRefused",
    "Retry",
    "ScoredItem",
    "ScoredItems",
    "ServingError",
    "Shown",
    "ShownItem",
    "Tls",
    "Transport",
    "Unreachable",
    "Untrusted",
    "VersionStatus",
    "WordMatch",
]
