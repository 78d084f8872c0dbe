"""Ranking metrics per user or query, and how sure their mean is; NumPy and SciPy, no loop over rows.

Answers are item indices, best first, [n, k]; -1 is an empty place. Truth is a sparse matrix
[n, items], non-zero where an item is relevant.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_Scalar = TypeVar("_Scalar", bound=np.generic)

EMPTY = -1
_CHUNK = 1 << 22  # Bootstrap draws held at once: 32 MiB.


def without_repeats(answers: Ints) -> Ints:
    """Empties every place whose item already stands in an earlier place of its row. [n, k]."""
    order = np.argsort(answers, axis=1, kind="stable")
    by_item = np.take_along_axis(answers, order, axis=1)
    repeated = np.zeros(answers.shape, np.bool_)
    np.put_along_axis(repeated, order[:, 1:], by_item[:, 1:] == by_item[:, :-1], axis=1)
    return np.where(repeated, EMPTY, answers)


def hits(answers: Ints, truth: sparse.csr_matrix) -> Bools:
    """Says which answers are relevant; an item given twice counts once. [n, k].

    Args:
        answers: item indices [n, k].
        truth: [n, items].

    Raises:
        ValueError: if the two differ in rows.
    """
    if answers.shape[0] != truth.shape[0]:
        raise ValueError(f"answers of {answers.shape[0]} rows, truth of {truth.shape[0]}")
    answers = without_repeats(answers)
    width = truth.shape[1]
    rows, columns = truth.nonzero()
    relevant = np.asarray(rows, np.int64) * width + columns
    cells = np.arange(len(answers), dtype=np.int64)[:, None] * width + answers
    return np.asarray(np.isin(cells, relevant) & (answers >= 0) & (answers < width), np.bool_)


def relevant_items(truth: sparse.csr_matrix) -> Ints:
    """Counts the relevant items of each row. [n]."""
    return np.bincount(truth.nonzero()[0], minlength=truth.shape[0]).astype(np.int64)


def recall(hit: Bools, relevant: Ints) -> Floats:
    """Recall at k: hits / min(k, relevant items). [n]; NaN where nothing is relevant.

    Args:
        hit: of `hits`, [n, k].
        relevant: items relevant to each row, [n].
    """
    possible = np.minimum(hit.shape[1], relevant)
    return _divide(hit.sum(axis=1), possible)


def ndcg(hit: Bools, relevant: Ints) -> Floats:
    """Returns nDCG at k with binary gain and discount 1 / log2(rank + 1). [n]; NaN where nothing is relevant.

    Args:
        hit: of `hits`, [n, k].
        relevant: items relevant to each row, [n].
    """
    k = hit.shape[1]
    discount = _discount(k)
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(k, relevant)]
    return _divide(hit @ discount, ideal)


def recall_and_ndcg(answers: Ints, truth: sparse.csr_matrix) -> tuple[Floats, Floats]:
    """Returns both of each row: answers [n, k], truth [n, items]."""
    hit, relevant = hits(answers, truth), relevant_items(truth)
    return recall(hit, relevant), ndcg(hit, relevant)


def reciprocal_rank(hit: Bools, relevant: Ints) -> Floats:
    """Returns 1 / rank of the first hit, 0 without one (Voorhees 1999; its mean is MRR at k).

    Args:
        hit: of `hits`, [n, k].
        relevant: items relevant to each row, [n].

    Returns:
        [n]; NaN where nothing is relevant.
    """
    ranks = 1.0 / np.arange(1, hit.shape[1] + 1, dtype=np.float64)
    first = (hit * ranks).max(axis=1, initial=0.0)
    return np.where(relevant > 0, first, np.nan)


def hit_rate(hit: Bools, relevant: Ints) -> Floats:
    """Returns 1 where any of the k answers is relevant, else 0. [n]; NaN where nothing is relevant.

    Args:
        hit: of `hits`, [n, k].
        relevant: items relevant to each row, [n].
    """
    return np.where(relevant > 0, hit.any(axis=1).astype(np.float64), np.nan)


def gain(grades: Floats, irrelevant: float = 0.0) -> Floats:
    """Returns 2^(grade - irrelevant) - 1, and 0 for a grade at or below `irrelevant` or NaN (unjudged)."""
    return np.exp2(np.maximum(np.nan_to_num(grades, nan=irrelevant) - irrelevant, 0.0)) - 1.0


def graded_ndcg(gains: Floats, possible: Floats, k: int) -> Floats:
    """Returns nDCG at k of graded answers (Järvelin and Kekäläinen 2002). [n]; NaN where no gain is possible.

    Args:
        gains: of the answers, best answer first, [n, any]; 0 where empty or unjudged.
        possible: gains of all that was judged for the row, in any order, [n, any]; 0 pads.
        k: depth.
    """
    best = -np.sort(-possible, axis=1)[:, :k]
    found = gains[:, :k]
    return _divide(found @ _discount(found.shape[1]), best @ _discount(best.shape[1]))


def coverage(answers: Ints, catalogue: int) -> float:
    """Returns the share of the catalogue's items that at least one row was answered; 0 without items."""
    given = np.unique(answers)
    return float((given >= 0).sum()) / catalogue if catalogue else 0.0


def mean(values: Floats) -> float | None:
    """Returns the mean of the defined values, None where there are none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else None


def bootstrap_interval(
    values: Floats, resamples: int = 1000, seed: int = 17, level: float = 0.95
) -> tuple[float, float] | None:
    """Percentile bootstrap of the mean over users or queries (Efron 1979).

    Args:
        values: one number a user or query; NaN is left out.
        resamples: how many times to draw.
        seed: of the draws: the same values and seed give the same interval.
        level: of confidence.

    Returns:
        The interval's ends, or None where nothing is defined.
    """
    defined = values[~np.isnan(values)]
    size = len(defined)
    if not size:
        return None
    random = np.random.default_rng(seed)
    at_once = max(1, _CHUNK // size)
    means = [
        defined[random.integers(size, size=(min(at_once, resamples - start), size))].mean(axis=1)
        for start in range(0, resamples, at_once)
    ]
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(np.concatenate(means), [tail, 1.0 - tail])
    return float(low), float(high)


def paired_interval(
    one: Floats, other: Floats, resamples: int = 1000, seed: int = 17, level: float = 0.95
) -> tuple[float, float] | None:
    """Bootstrap interval of mean(one - other), both systems measured on the same users or queries."""
    if one.shape != other.shape:
        raise ValueError(f"paired values of shapes {one.shape} and {other.shape}")
    return bootstrap_interval(one - other, resamples, seed, level)


def _discount(k: int) -> Floats:
    return 1.0 / np.log2(np.arange(2, k + 2, dtype=np.float64))


def _divide(above: npt.NDArray[_Scalar], below: npt.NDArray[_Scalar]) -> Floats:
    """Elementwise quotient; NaN where the divisor is 0."""
    out = np.full(len(above), np.nan)
    np.divide(above, below, out=out, where=below != 0)
    return out
