"""The shrunk spectrum of who took what: what the two-tower begins with, and a number of what is recommended."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

SHRINKAGE = 3.0
"""What is added to the square of each singular value, as a multiple of the square of the last that is kept."""
_MOST_KEPT = 4
"""At most the rank divided by this is kept: all directions together would foretell what was taken, and nothing else."""
_POWERS = 3
"""How often the rows are gone through to find the directions."""


def spectrum(taken: sp.csr_matrix, width: int, seed: int) -> npt.NDArray[np.float32]:
    """Vectors whose products say how much a taker of one item takes the other: a low-rank ridge regression.

    With U S V' the truncated decomposition of `taken`, what takers of `x` take is x V S²/(S² + λ) V'. Each vector is
    a row of V (S²/(S² + λ))^½. The rarely taken are short.

    Source: Cremonesi, Koren and Turrin, Performance of Recommender Algorithms on Top-N Recommendation Tasks, RecSys
    2010 (PureSVD), with ridge regression's shrinkage; the decomposition is that of Halko, Martinsson and Tropp, Finding
    Structure with Randomness, SIAM Review 2011, algorithm 4.4.

    Args:
        taken: how much each user took each item, [users, items].
        width: of the vectors; columns beyond a quarter of the rank are 0.
        seed: of the decomposition.

    Returns:
        float32 [items, width].

    Example:
        >>> taken = sp.csr_matrix([[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
        >>> vectors = spectrum(taken, width=2, seed=1)  # Of which one column is used.
        >>> goes = (vectors @ vectors[0]).astype(float).round(3) + 0.0
        >>> goes.tolist()  # Half of S² / (S² + 3 S²).
        [0.125, 0.125, 0.0, 0.0]
    """
    from sklearn.utils.extmath import randomized_svd  # Takes a second to import.

    kept = min(width, max(1, min(taken.shape) // _MOST_KEPT))
    _, values, directions = randomized_svd(taken.astype(np.float32), kept, n_iter=_POWERS, random_state=seed)
    share = values**2 / np.maximum(values**2 + SHRINKAGE * values[-1] ** 2, 1e-12)
    vectors = np.zeros((taken.shape[1], width), np.float32)
    vectors[:, : len(values)] = directions.T * np.sqrt(share)
    vectors[np.asarray((taken > 0).sum(0)).ravel() == 0] = 0.0  # Not what rounding left.
    return vectors
