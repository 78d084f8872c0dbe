"""Items near a user in the two-tower's space.

For whoever has no history. The ranking head doesn't read it of recommendations: it learns from windows that the two-tower
has learnt too, whose outcome these scores tell. Where it reads the order of histories a weight adds it to what the head says,
instead, fitted in a window that neither has learnt from; where that is above 0, it finds candidates too.
"""

from __future__ import annotations

from aisle.model.retrieval.sources.source import Offer, Part, Score, VectorSource

SOURCE = VectorSource(
    "two_tower",
    (Score("two_tower", cold=Part(100, 0.3), signed=True, beside=True),),
    items="item_embeddings",
    vector=lambda vectors: vectors.user,
    asked="users",
)

BESIDE = Offer("two_tower", 100, 1.0, signed=True)
"""Its part in what is recommended to who has a history, where it counts beside the head."""
