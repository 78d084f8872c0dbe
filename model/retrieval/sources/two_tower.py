"""Items near a user in the two-tower's space.

For whoever has no history. With one, it adds nothing to the other sources' recall (docs/experiments.md), and its scores
of the windows that it learnt from would mislead the ranking head, which learns from them too.
"""

from __future__ import annotations

from aisle.model.retrieval.sources.source import Part, Score, VectorSource

SOURCE = VectorSource(
    "two_tower",
    (Score("two_tower", cold=Part(100, 0.3), signed=True, only="searches"),),
    items="item_embeddings",
    vector=lambda vectors: vectors.user,
    asked="users",
)
