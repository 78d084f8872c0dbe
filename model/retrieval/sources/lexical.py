"""Items whose texts hold a query's words: BM25."""

from __future__ import annotations

from aisle.model.retrieval.sources.source import Inputs, Part, Score, TableSource, Tensors


def _score(inputs: Inputs, _: Tensors) -> Tensors:
    return {"lexical": inputs.text.scores(inputs.query)}


SOURCE = TableSource("lexical", (Score("lexical", search=Part(100, 0.5, unspaced=2.0), share=True),), _score)
