"""Measures of predicted probabilities against observed clicks, and against the probabilities behind them."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from aisle.components.evaluator.measures.calibration import calibration_error, reliability
from aisle.components.evaluator.measures.metrics import graded_ndcg

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
BINS = 15
_LEAST = 1e-6


def auc(scores: Floats, labels: Floats, counts: Floats | None = None) -> float:
    """The area under the ROC curve; ties count half.

    Args:
        scores: [n].
        labels: [n] 0 or 1, or the probability of 1: then of the expected pairs.
        counts: [n] how often each row counts; None: once.
    """
    counts = np.ones(len(scores)) if counts is None else counts
    _, which = np.unique(scores, return_inverse=True)
    ones, zeros = (np.bincount(which, counts * share) for share in (labels, 1 - labels))
    below = np.cumsum(zeros) - zeros
    return float((ones * (below + zeros / 2)).sum() / (ones.sum() * zeros.sum()))


def log_loss(predicted: Floats, labels: Floats) -> Floats:
    """Cross entropy of each row, [n]; a label may be the probability of 1."""
    p = np.clip(predicted, _LEAST, 1 - _LEAST)
    return np.asarray(-(labels * np.log(p) + (1 - labels) * np.log1p(-p)), np.float64)


def expected_calibration_error(predicted: Floats, labels: Floats, bins: int = BINS) -> float:
    """Expected calibration error in bins of equal mass (Naeini et al. 2015)."""
    order = np.argsort(predicted, kind="stable")
    table = reliability(predicted[order], labels[order], np.ones(len(order)), bins)
    return calibration_error(table) or 0.0


@dataclasses.dataclass(frozen=True)
class Platt:
    """A probability's log odds, scaled and shifted."""

    scale: float
    shift: float

    @staticmethod
    def fit(predicted: Floats, targets: Floats) -> Platt:
        """Least cross entropy on targets [n]; above 1 (a click over its propensity) they still make it convex."""
        z = logit(predicted)

        def loss(line: Floats) -> float:
            logits = line[0] * z + line[1]
            return float((np.logaddexp(0, logits) - targets * logits).mean())

        scale, shift = optimize.minimize(loss, np.array([1.0, 0.0]), method="BFGS").x
        return Platt(float(scale), float(shift))

    def __call__(self, predicted: Floats) -> Floats:
        return np.asarray(1 / (1 + np.exp(-(self.scale * logit(predicted) + self.shift))), np.float64)


def logit(probability: Floats) -> Floats:
    """Log odds, [n]."""
    p = np.clip(np.asarray(probability, np.float64), 1e-12, 1 - 1e-9)
    return np.asarray(np.log(p) - np.log1p(-p), np.float64)


def page_ndcg(scores: Floats, truth: Floats, page: Ints) -> Floats:
    """Each page's nDCG, its results in the order of the scores, with the true probabilities as gains: [pages]."""
    order = np.lexsort((-scores, page))
    gains = _rows(truth[order], page[order])
    return graded_ndcg(gains, gains, gains.shape[1])


def page_spearman(scores: Floats, truth: Floats, page: Ints) -> Floats:
    """Each page's Spearman correlation of scores and true probabilities: [pages]; NaN where either is constant."""
    starts = np.flatnonzero(np.diff(page, prepend=-1))[1:]
    found = []
    for one, other in zip(np.split(scores, starts), np.split(truth, starts), strict=True):
        alone = len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0
        found.append(np.nan if alone else np.corrcoef(stats.rankdata(one), stats.rankdata(other))[0, 1])
    return np.array(found)


def page_means(values: Floats, page: Ints) -> Floats:
    """The mean over each page's results, [pages]."""
    return np.asarray(np.bincount(page, values) / np.bincount(page), np.float64)


def auc_gain_interval(
    one: Floats, other: Floats, labels: Floats, page: Ints, resamples: int = 200, seed: int = 17
) -> tuple[float, float]:
    """The 95 % interval of AUC(one) - AUC(other), by a paired bootstrap over pages."""
    random = np.random.default_rng(seed)
    pages = int(page.max()) + 1
    ranks = [stats.rankdata(scores, method="dense").astype(np.float64) for scores in (one, other)]
    gains = []
    for _ in range(resamples):
        counts = np.bincount(random.integers(pages, size=pages), minlength=pages)[page].astype(np.float64)
        gains.append(auc(ranks[0], labels, counts) - auc(ranks[1], labels, counts))
    low, high = np.quantile(gains, [0.025, 0.975])
    return float(low), float(high)


def _rows(values: Floats, page: Ints) -> Floats:
    """[n] values of pages, which stand together, to [pages, longest], 0 pads."""
    sizes = np.bincount(page)
    place = np.arange(len(page)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    table = np.zeros((len(sizes), int(sizes.max())))
    table[page, place] = values
    return table
