"""What is taken by those who take alike, in the few directions that tell most: a number for recommendations alone.

It is what the two-tower begins with, learnt anew as of each moment, so that no head learns from what a window went on to be.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.sources.source import Arrays, Inputs, Past, Score, TableSource, Tensors
from aisle.model.spectrum import spectrum

_WIDTH, _LEAST_WIDTH = 128, 16
_CELLS = 4_000_000
"""Numbers kept at most, all items together, down to the least width."""
_SEED = 1


def _build(past: Past) -> Arrays:
    """The items' vectors: [n, width]. An item counts half for having been taken, half for how lately and how often."""
    width = int(np.clip(_CELLS // max(past.count, 1), _LEAST_WIDTH, _WIDTH))
    counted = (past.by_user() + past.by_user("repeat_60")) / 2
    return {"vectors": spectrum(counted, width, _SEED)}


def _score(inputs: Inputs, kept: Tensors) -> Tensors:
    """How much each item is taken by who takes what was taken; searches, whose heads don't read it, don't wait: 0."""
    taken, vectors = inputs.taken, kept["vectors"]
    worth = (taken.once + taken.counts["repeat_60"])[:, None] / 2
    user = tf.math.unsorted_segment_sum(tf.gather(vectors, taken.item) * worth, taken.owner, inputs.batch)
    asking = tf.where(inputs.query == "")
    found = tf.matmul(tf.gather_nd(user, asking), vectors, transpose_b=True)
    shape = tf.cast(tf.stack([inputs.batch, inputs.count]), tf.int64)
    return {"spectrum": tf.scatter_nd(asking, found, shape)}


SOURCE = TableSource("spectrum", (Score("spectrum", share=True, only="recommendations"),), _score, _build)
