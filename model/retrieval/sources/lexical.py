"""Items whose texts hold a query's words: BM25."""

from __future__ import annotations

import tensorflow as tf

from aisle.model.retrieval.sources.source import Inputs, Part, Score, TableSource, Tensors


def _score(inputs: Inputs, _: Tensors) -> Tensors:
    scores, ends = inputs.text.scored(inputs.query)
    return {"lexical": scores, "ends": tf.cast(ends, tf.float32)}


SOURCE = TableSource(
    "lexical",
    (
        Score("lexical", search=Part(100, 0.5, unspaced=3.0), share=True),
        # The served order of searches counts it.
        Score("ends", number=False),
    ),
    _score,
)
