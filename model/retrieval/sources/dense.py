"""Items whose texts mean what a query means: the cosine of BERT's embeddings."""

from __future__ import annotations

from aisle.model.retrieval.sources.source import Part, Score, VectorSource

SOURCE = VectorSource(
    "dense",
    (Score("dense", search=Part(150, 1.0), signed=True),),
    items="text_embeddings",
    vector=lambda vectors: vectors.text,
    asked="searches",
    # One title's wording is a matter of chance, that of ten less so.
    neighbours="text_neighbours",
)
