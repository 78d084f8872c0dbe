"""What is taken by those who take alike, in the few directions that tell most: for recommendations alone.

It is what the two-tower begins with, learnt anew as of each moment, so that no head learns from what a window went on to be. Where
an item stands there is told by its text, too, which says most where few sales say little: it finds what no other source does.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.retrieval.sources.source import Arrays, Inputs, Part, Past, Score, TableSource, Tensors
from aisle.model.spectrum import spectrum
from aisle.model.spectrum_by_text import spectrum_by_text

_WIDTH, _LEAST_WIDTH = 128, 16
_CELLS = 4_000_000
"""Numbers kept at most, all items together, down to the least width: twice, as who took what says, and as texts say."""
_SEED = 1


def _build(past: Past) -> Arrays:
    """The items' vectors: [n, width]. An item counts half for having been taken, half for how lately and how often.

    `told`: the same by their texts, [n, width]; [n, 0] where no text tells an item from another.
    """
    width = int(np.clip(_CELLS // max(past.count, 1), _LEAST_WIDTH, _WIDTH))
    counted = (past.by_user() + past.by_user("repeat_60")) / 2
    vectors, texts = spectrum(counted, width, _SEED), past.texts
    if texts is None:
        return {"vectors": vectors, "told": np.zeros((past.count, 0), np.float32)}
    return {"vectors": vectors, "told": spectrum_by_text(texts, vectors, past.item_numbers["item_users"])}


def _score(inputs: Inputs, kept: Tensors) -> Tensors:
    """How much each item is taken by who takes what was taken; searches, whose heads don't read it, don't wait: 0."""
    taken, vectors, told = inputs.taken, kept["vectors"], kept["told"]
    worth = (taken.once + taken.counts["repeat_60"])[:, None] / 2
    user = tf.math.unsorted_segment_sum(tf.gather(vectors, taken.item) * worth, taken.owner, inputs.batch)
    asking = tf.where(inputs.query == "")
    user = tf.gather_nd(user, asking)
    found = {
        "spectrum": tf.matmul(user, vectors, transpose_b=True),
        "spectrum_by_text": tf.matmul(user[:, : told.shape[1]], told, transpose_b=True),
    }
    shape = tf.cast(tf.stack([inputs.batch, inputs.count]), tf.int64)
    return {name: tf.scatter_nd(asking, values, shape) for name, values in found.items()}


SOURCE = TableSource(
    "spectrum",
    (
        Score("spectrum", share=True, only="recommendations"),
        Score("spectrum_by_text", recommend=Part(100, 0.3), share=True, only="recommendations"),
    ),
    _score,
    _build,
)
