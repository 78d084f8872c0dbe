"""Whether titles are likely to tell anything about recommendations, found out before a BERT is trained on them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from scipy import optimize, special

from aisle.model.options import RankingOptions
from aisle.model.ranking.numbers import log_odds
from aisle.model.ranking.reading.late_interaction import similarities
from aisle.model.ranking.reading.text_head import RankingHead, evidence_of
from aisle.model.ranking.rows import choose, numbers

_ROWS = 2000
"""Candidates that are read of each split, at most."""
_BATCH = 128
_PIECES = 24
_L2 = 1e-3


def titles_tell(
    head: RankingHead, train: dict[str, tf.Tensor], valid: dict[str, tf.Tensor], options: RankingOptions
) -> bool:
    """Says whether what the untrained BERT reads improves the numbers' prediction for recommendations.

    A linear probe (Alain and Bengio, Understanding intermediate layers using linear classifier probes, 2016): the weights
    of the head's evidence are fitted on frozen texts beside the numbers' log odds, and held against these alone.

    Args:
        head: before its text is trained.
        train: ranking examples as tensors, to fit the probe on.
        valid: those it is held against.
        options: `text_gain` is the share of the loss that a trained text must take away, the probe half of it.
    """
    rng = np.random.default_rng(options.seed)
    learnt, held = (_read(head, rows, rng) for rows in (train, valid))
    if not len(learnt[2]) or not len(held[2]) or learnt[2].min() == learnt[2].max():
        return False
    alone, probed = (_loss(_fit(learnt, texts), held, texts) for texts in (False, True))
    tells = probed <= alone * (1 - options.text_gain / 2)
    print(
        f"ranking head: before any training of BERT, the titles change the loss of recommendations from {alone:.4f} to "
        f"{probed:.4f}: {'they are' if tells else 'they are not'} worth training on"
    )
    return tells


def _read(
    head: RankingHead, rows: dict[str, tf.Tensor], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The evidence [n, E], the numbers' log odds [n] and the outcome [n] of some recommendations."""
    click, conversion = (rows[name].numpy() for name in ("click", "conversion"))
    outcome, kind = (conversion, 1) if (conversion >= 0).any() else (click, 0)
    known = np.flatnonzero((rows["query"].numpy() == b"") & (outcome >= 0))
    drawn = np.sort(rng.permutation(known)[:_ROWS])
    part = choose(rows, drawn)
    texts = [_vectors(head, part[name]) for name in ("history_titles", "title")]
    values = numbers(part)
    evidence = [np.zeros((0, head.weight.shape[1]), np.float32)]
    for start in range(0, len(drawn), _BATCH):
        (history, count), (title, title_count) = (
            (
                tf.gather(vectors, place[start : start + _BATCH]),
                tf.gather(counts, place[start : start + _BATCH]),
            )
            for vectors, counts, place in texts
        )
        similar = similarities(history, count, title[:, None], title_count[:, None])
        evidence.append(evidence_of(similar, values[start : start + _BATCH, None])[:, 0].numpy())
    logits = log_odds(head.numbers(values))[kind].numpy() if len(drawn) else np.zeros(0, np.float32)
    return np.concatenate(evidence), logits, outcome[drawn]


def _vectors(head: RankingHead, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """What the untrained BERT reads of the different texts: vectors [u, 1 + P, width], counts [u], and whose is which [n]."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def read(some: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        vectors, counts = head.reader(head.reader.tokenizer.pieces(some, _PIECES), training=False)
        return tf.pad(vectors, [[0, 0], [0, 1 + _PIECES - tf.shape(vectors)[1]], [0, 0]]), counts

    unique, place = tf.unique(texts)
    parts = [read(unique[start : start + _BATCH]) for start in range(0, max(len(unique), 1), _BATCH)]
    vectors, counts = (tf.concat(part, 0) for part in zip(*parts, strict=True))
    return vectors, counts, place


def _fit(examples: tuple[np.ndarray, np.ndarray, np.ndarray], texts: bool) -> np.ndarray:
    """Weights of the log odds, of one, and of the evidence where `texts`, by logistic regression."""
    values, outcome = _inputs(examples, texts), examples[2]

    def cost(weights: np.ndarray) -> tuple[float, np.ndarray]:
        odds = values @ weights
        loss = np.mean(np.logaddexp(0.0, odds) - outcome * odds) + _L2 * weights[2:] @ weights[2:]
        gradient = values.T @ (special.expit(odds) - outcome) / len(outcome)
        gradient[2:] += 2 * _L2 * weights[2:]
        return loss, gradient

    start = np.zeros(values.shape[1])
    start[0] = 1.0
    return np.asarray(optimize.minimize(cost, start, jac=True, method="L-BFGS-B").x)


def _loss(weights: np.ndarray, examples: tuple[np.ndarray, np.ndarray, np.ndarray], texts: bool) -> float:
    """The mean log loss of a fit."""
    odds = _inputs(examples, texts) @ weights
    return float(np.mean(np.logaddexp(0.0, odds) - examples[2] * odds))


def _inputs(examples: tuple[np.ndarray, np.ndarray, np.ndarray], texts: bool) -> np.ndarray:
    evidence, logits, _ = examples
    columns = [logits[:, None], np.ones((len(logits), 1)), *([evidence] if texts else [])]
    return np.concatenate(columns, 1).astype(np.float64)
