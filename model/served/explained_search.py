"""The served `explain`: which parts, words and sources brought an item its place in a search."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from aisle.model.ranking.explanation import BIAS
from aisle.model.retrieval.context import Context
from aisle.model.retrieval.retriever import Retriever
from aisle.model.retrieval.sources import offers
from aisle.schema import contract


def by_sources(retriever: Retriever, context: Context, rows: tf.Tensor) -> dict[str, tf.Tensor]:
    """The explanation where no head learnt from searches, and sources alone order the items.

    A part is then what a source adds in the blend of their scores, and there are no words.

    Args:
        retriever: what gave the candidates.
        context: of the search.
        rows: int32 [b, m].
    """
    shares = retriever.shares(context, offers("search"), rows)
    nobody = tf.zeros([tf.shape(rows)[0], tf.shape(rows)[1], 0])
    return {
        contract.SCORES: tf.reduce_sum(shares, -1),
        contract.PARTS: tf.constant([f"source.{offer.score}" for offer in offers("search")]),
        contract.CONTRIBUTIONS: shares,
        contract.WORDS: tf.zeros([tf.shape(rows)[0], 0], tf.string),
        contract.WORD_CONTRIBUTIONS: nobody,
        contract.MATCHED_WORDS: tf.fill(tf.shape(nobody), ""),
    }


def as_served(
    found: dict[str, tf.Tensor], beyond: dict[str, tf.Tensor], line: tf.Tensor
) -> dict[str, tf.Tensor]:
    """The head's explanation with what is served beyond it: parts of their own, and the calibration.

    Args:
        found: of the head.
        beyond: what adds to the head's logit, by the part's name, float32 [b, m] each.
        line: scale and shift of the calibrated log odds, float32 [2]; the shift is in the part `bias`.
    """
    added = tf.stack(list(beyond.values()), -1)
    shift = line[1] * tf.cast(found[contract.PARTS] == BIAS, tf.float32)
    return {
        **found,
        contract.SCORES: line[0] * (found[contract.SCORES] + tf.reduce_sum(added, -1)) + line[1],
        contract.PARTS: tf.concat([found[contract.PARTS], list(beyond)], 0),
        contract.CONTRIBUTIONS: tf.concat(
            [found[contract.CONTRIBUTIONS] * line[0] + shift, line[0] * added], -1
        ),
        contract.WORD_CONTRIBUTIONS: line[0] * found[contract.WORD_CONTRIBUTIONS],
    }


def complete(
    retriever: Retriever, context: Context, rows: tf.Tensor, found: dict[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    """Adds the sources to an explanation, and empties it of what is no item or was not searched.

    Args:
        retriever: what gave the candidates.
        context: of the search.
        rows: int32 [b, m], -1 for an unknown item.
        found: the contract's other outputs.
    """
    there = (rows >= 0) & (context.query != "")[:, None]
    many = there[..., None]
    ranks = retriever.ranks(context, offers("search"), tf.maximum(rows, 0))
    return {
        **found,
        contract.SCORES: tf.where(there, found[contract.SCORES], -np.inf),
        contract.CONTRIBUTIONS: tf.where(many, found[contract.CONTRIBUTIONS], 0.0),
        contract.WORD_CONTRIBUTIONS: tf.where(many, found[contract.WORD_CONTRIBUTIONS], 0.0),
        contract.MATCHED_WORDS: tf.where(many, found[contract.MATCHED_WORDS], ""),
        contract.SOURCES: tf.constant([offer.score for offer in offers("search")]),
        contract.SOURCE_RANKS: tf.where(many, ranks, 0),
    }
