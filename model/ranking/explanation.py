"""Why the head that reads scores a searched item as it does: its logit, split up exactly."""

from __future__ import annotations

import tensorflow as tf

from aisle.model.ranking.attribution import feature_parts
from aisle.model.ranking.reading.late_interaction import best_words, similarities, word_cosines, word_shares
from aisle.model.ranking.reading.text_head import EVIDENCE, RankingHead, evidence_of
from aisle.model.retrieval.features import CANDIDATE_FEATURES
from aisle.model.text.words import Spelled
from aisle.schema import contract

BIAS, REST = "bias", "rest"
_SEARCHES, _CLICK = 1, 0
"""The row of the head's weights that scores searches, and the logit that a search answers."""

Read = tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
"""Vectors of queries and how many each has, and the same of titles; the arguments of `similarities`."""


def head_parts(head: RankingHead) -> tuple[str, ...]:
    """The names of what `explain` splits a logit into.

    They are EVIDENCE and `bias`; where the numbers learnt from clicked searches, also `feature.NAME` for each of
    CANDIDATE_FEATURES, and `rest`, which the numerical integral of `feature_parts` leaves. What the numbers say
    when nothing is known is in `bias`.
    """
    numbers = (*(f"feature.{feature.name}" for feature in CANDIDATE_FEATURES), REST) if head.clicked else ()
    return (*EVIDENCE, BIAS, *numbers)


def explain(
    head: RankingHead, query: Spelled, title: Spelled, read: Read, features: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Splits up the logits of searched candidates.

    Args:
        head: the ranking head.
        query: the words of b queries.
        title: the words of b * m titles.
        read: what the head read of both.
        features: float32 [b, m, F].

    Returns:
        The contract's `scores`, `contributions`, `words`, `word_contributions` and `matched_words`.
    """
    weight, bias = head.weight[_SEARCHES, :, _CLICK], head.bias[_SEARCHES, _CLICK]
    evidence = evidence_of(similarities(*read), features) * weight
    bias = tf.fill(tf.shape(evidence)[:2], bias)
    numbers = []
    if head.clicked:
        shape = tf.shape(bias)
        start, parts, rest = feature_parts(head.numbers, tf.reshape(features, [-1, features.shape[-1]]))
        bias += tf.reshape(start, shape)
        numbers = [tf.reshape(parts, tf.shape(features)), tf.reshape(rest, shape)[..., None]]
    words, matched = _words(query, title, read, weight)
    return {
        contract.SCORES: head.logits(*read, features)[:, :, _CLICK],
        contract.CONTRIBUTIONS: tf.concat([evidence, bias[..., None], *numbers], -1),
        contract.WORDS: query.words,
        contract.WORD_CONTRIBUTIONS: words,
        contract.MATCHED_WORDS: matched,
    }


def _words(query: Spelled, title: Spelled, read: Read, weight: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What each word of a query adds, float32 [b, m, W], and the title's word that it met best, string [b, m, W]."""
    vectors, count, text, text_count = read
    best = best_words(vectors, text, text_count)
    shares = word_shares(best, count)
    adds = tf.add_n(
        [
            share * best * weight[EVIDENCE.index(part)]
            for share, part in zip(shares, contract.WORD_PARTS, strict=True)
        ]
    )
    # Which of the query's pieces are of which of its words; there may be none, and a maximum wants one.
    width = tf.shape(query.words)[1]
    there = tf.sequence_mask(count - 1, tf.shape(best)[2])[:, :, None]
    member = there & (query.of_piece[:, :, None] == tf.range(width))
    words = tf.einsum("bmq,bqw->bmw", adds, tf.cast(member, tf.float32))
    met = tf.where(member[:, None], best[..., None], -2.0)
    piece = tf.argmax(tf.pad(met, [[0, 0], [0, 0], [0, 1], [0, 0]], constant_values=-3.0), 2)
    matched = tf.pad(_matched(title, read), [[0, 0], [0, 0], [0, 1]])
    matched = tf.gather(matched, piece, batch_dims=2)
    return words, tf.where((query.words != "")[:, None], matched, "")


def _matched(title: Spelled, read: Read) -> tf.Tensor:
    """The title's word whose piece is most like each of the query's pieces: string [b, m, Q], "" of an empty title."""
    vectors, _, text, text_count = read
    cosines = word_cosines(vectors, text, text_count)
    cosines = tf.pad(cosines, [[0, 0], [0, 0], [0, 0], [0, 1]], constant_values=-2.0)
    place = tf.argmax(cosines, -1)
    words = tf.pad(title.piece_words, [[0, 0], [0, 1]])
    words = tf.reshape(words, [tf.shape(place)[0], tf.shape(place)[1], -1])
    return tf.gather(words, place, batch_dims=2)
