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

_ROWS = 3000
"""Candidates that are read of each split, at most."""
_BATCH = 64
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
    evidence, logits = [], []
    for start in range(0, len(drawn), _BATCH):
        batch = choose(part, np.arange(start, min(start + _BATCH, len(drawn))))
        values = numbers(batch)
        evidence.append(_evidence(head, batch, values))
        logits.append(log_odds(head.numbers(values))[kind].numpy())
    width = head.weight.shape[1]
    return (
        np.concatenate([np.zeros((0, width), np.float32), *evidence]),
        np.concatenate([np.zeros(0, np.float32), *logits]),
        outcome[drawn],
    )


def _evidence(head: RankingHead, rows: dict[str, tf.Tensor], values: tf.Tensor) -> np.ndarray:
    """What the untrained BERT says of each history beside each title: float32 [n, E]."""
    pieces = head.reader.tokenizer.pieces
    history, count = head.reader(pieces(rows["history_titles"], _PIECES), training=False)
    title, title_count = head.reader(pieces(rows["title"], _PIECES), training=False)
    similar = similarities(history, count, title[:, None], title_count[:, None])
    return np.asarray(evidence_of(similar, values[:, None])[:, 0])


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
