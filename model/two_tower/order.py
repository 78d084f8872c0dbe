"""The order of a history: a causal transformer whose states meet items as the query tower's vectors do."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.two_tower.sequences import LONGEST, NONE

HEADS = 2
_FAR = -1e9
"""Added to the logit of what attention may not see."""
_BEHIND = np.clip(np.arange(LONGEST)[:, None] - np.arange(LONGEST)[None], 0, LONGEST - 1)
"""How many places each (column) lies behind each (row)."""
_EARLIER = np.tril(np.ones((LONGEST, LONGEST), bool))


class Block(tf.Module):
    """A pre-norm transformer block: attention to what came before, and a gated feed-forward layer.

    Attention adds to each logit a number learnt for how far the other place lies behind, instead of positions; a state
    so is the same wherever in a row its sequence stands. Sources: Raffel et al., Exploring the Limits of Transfer
    Learning, JMLR 2020 (relative positions); Shazeer, GLU Variants Improve Transformer, 2020 (SwiGLU).

    Example:
        >>> block, seen = Block(width=8, dropout=0.0), np.tril(np.ones((1, 3, 3), bool))
        >>> states = tf.random.normal([1, 3, 8])
        >>> changed = tf.concat([states[:, :2], tf.zeros([1, 1, 8])], 1)
        >>> moved = tf.reduce_max(tf.abs(block(states, seen, False) - block(changed, seen, False)), [0, 2])
        >>> (moved > 0).numpy().tolist()  # What comes third changes nothing before it.
        [False, False, True]
    """

    def __init__(self, width: int, dropout: float) -> None:
        """Args: `dropout`: share of the numbers that a training step leaves out."""
        super().__init__()
        self._dropout = dropout
        self._into = _weights(width, 3 * width)
        self._out = _weights(width, width)
        self._up = _weights(width, 4 * width)
        self._down = _weights(2 * width, width)
        self._before = [tf.Variable(tf.ones([width])) for _ in range(2)]
        self._behind = tf.Variable(tf.zeros([HEADS, LONGEST]))

    def __call__(self, states: tf.Tensor, seen: tf.Tensor, training: bool) -> tf.Tensor:
        """The next states.

        Args:
            states: float32 [r, l, width].
            seen: which places each may read, bool [r, l, l].
            training: whether numbers are left out.
        """

        def some(values: tf.Tensor) -> tf.Tensor:
            return tf.nn.dropout(values, self._dropout) if training else values

        shape = tf.shape(states)
        parts = tf.reshape(_normed(states, self._before[0]) @ self._into, [shape[0], shape[1], 3 * HEADS, -1])
        query, key, value = tf.split(tf.transpose(parts, [0, 2, 1, 3]), 3, 1)
        behind = tf.gather(self._behind, tf.constant(_BEHIND)[: shape[1], : shape[1]], axis=1)
        logits = tf.matmul(query, key, transpose_b=True) * (states.shape[-1] // HEADS) ** -0.5 + behind
        weights = some(tf.nn.softmax(tf.where(seen[:, None], logits, _FAR)))
        read = tf.reshape(tf.transpose(weights @ value, [0, 2, 1, 3]), shape)
        states += some(read @ self._out)
        gate, up = tf.split(_normed(states, self._before[1]) @ self._up, 2, -1)
        return states + some(some(tf.nn.silu(gate) * up) @ self._down)


class OrderTower(tf.Module):
    """Maps a history in its order to a vector, whose product with an item's says how likely that is taken next.

    Items are read and foretold by the same vectors. Source: Kang and McAuley, Self-Attentive Sequential Recommendation,
    ICDM 2018.

    Example:
        >>> tower = OrderTower(items=4, width=8, blocks=1, dropout=0.0)
        >>> vectors = tower(tf.ragged.constant([[0, 1], [1, 0], []], dtype=tf.int64)).numpy()
        >>> bool(np.allclose(vectors[0], vectors[1])), vectors[2].tolist() == [0.0] * 8
        (False, True)

    Attributes:
        vectors: of the items by id, float32 [items, width].
        seen: which of them a sequence held, float32 [items]: the others' vectors say nothing.
        share: what the vector of a history is multiplied by, beside the query tower's.
    """

    def __init__(self, items: int, width: int, blocks: int, dropout: float) -> None:
        """Args: `items`: the size of their vocabulary. `width`: even."""
        super().__init__()
        self._dropout = dropout
        self.vectors = tf.Variable(tf.random.normal([items, width], stddev=0.02))
        self.blocks = [Block(width, dropout) for _ in range(blocks)]
        self._scale = tf.Variable(tf.ones([width]))
        self._shift = tf.Variable(tf.zeros([width]))
        self.seen = tf.Variable(tf.ones([items]), trainable=False)
        self.share = tf.Variable(1.0, trainable=False)

    def states(self, ids: tf.Tensor, segments: tf.Tensor, training: bool = False) -> tf.Tensor:
        """What is known at each place of packed sequences.

        Args:
            ids: int [r, l], l at most LONGEST.
            segments: int [r, l]; a place reads those of its own segment up to itself.
            training: whether numbers are left out.

        Returns:
            float32 [r, l, width].
        """
        length = tf.shape(ids)[1]
        states = tf.gather(self.vectors, ids) * self.vectors.shape[1] ** 0.5
        states = tf.nn.dropout(states, self._dropout) if training else states
        seen = (segments[:, :, None] == segments[:, None]) & tf.constant(_EARLIER)[:length, :length]
        for block in self.blocks:
            states = block(states, seen, training)
        states -= tf.reduce_mean(states, -1, keepdims=True)
        return _normed(states, self._scale) + self._shift

    def __call__(self, history: tf.RaggedTensor) -> tf.Tensor:
        """The vectors of histories: ragged ids [b, (h)], oldest first, to float32 [b, width]; zeros of an empty one."""
        latest = tf.reverse(history[:, -LONGEST:][:, ::-1].to_tensor(NONE), [1])
        latest = tf.pad(latest, [[0, 0], [1, 0]], constant_values=NONE)[:, -LONGEST:]  # At least one place.
        state = self.states(tf.maximum(latest, 0), tf.where(latest == NONE, NONE, 0))[:, -1]
        return self.share * tf.where(latest[:, -1:] == NONE, 0.0, state)

    def items(self, ids: tf.Tensor) -> tf.Tensor:
        """The vectors that histories meet: int [n] to float32 [n, width].

        An item that no sequence held is as likely as the mean of those that some did: its vector is 0, and theirs are
        centred, which changes no order among them. Their length is 1 in the mean square, as that of the item tower's.
        """
        seen = self.seen[:, None]
        centre = tf.math.divide_no_nan(tf.reduce_sum(seen * self.vectors, 0), tf.reduce_sum(seen))
        centred = seen * (self.vectors - centre)
        square = tf.math.divide_no_nan(tf.reduce_sum(tf.square(centred)), tf.reduce_sum(seen))
        return tf.gather(centred * tf.math.rsqrt(square + 1e-12), ids)


def sampled_softmax(states: tf.Tensor, vectors: tf.Tensor, targets: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
    """The mean cross-entropy of each state with its target among all items, estimated by some drawn evenly.

    Args:
        states: float32 [n, width].
        vectors: of all items, float32 [items, width].
        targets: int [n].
        drawn: different items, int [m]; each stands for as many as there are to it.

    Example:
        >>> vectors = tf.eye(3)
        >>> loss = sampled_softmax(vectors[:1], vectors, tf.constant([0]), drawn=tf.constant([0, 1, 2]))
        >>> round(float(loss), 3)  # log((e + 2) / e): all were drawn, the target itself doesn't count.
        0.551
    """
    own = tf.reduce_sum(states * tf.gather(vectors, targets), 1)
    logits = tf.matmul(states, tf.gather(vectors, drawn), transpose_b=True)
    others = tf.where(targets[:, None] == drawn[None], _FAR, logits)
    each = tf.math.log(tf.cast(tf.shape(vectors)[0], tf.float32) / tf.cast(tf.size(drawn), tf.float32))
    return tf.reduce_mean(tf.reduce_logsumexp(tf.concat([own[:, None], others + each], 1), 1) - own)


def _weights(rows: int, columns: int) -> tf.Variable:
    return tf.Variable(tf.random.truncated_normal([rows, columns], stddev=rows**-0.5))


def _normed(states: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """Root mean square normalisation (Zhang and Sennrich, NeurIPS 2019)."""
    return scale * states * tf.math.rsqrt(tf.reduce_mean(tf.square(states), -1, keepdims=True) + 1e-6)
