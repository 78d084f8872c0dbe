"""Where the items' vectors begin: the shrunk spectrum of who took what."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

SHRINKAGE = 3.0
"""What is added to the square of each singular value, as a multiple of the square of the last that is kept."""
_MOST_KEPT = 4
"""At most the rank divided by this is kept: all directions together would foretell what was taken, and nothing else."""
_POWERS = 3
"""How often the rows are gone through to find the directions."""


@dataclasses.dataclass(frozen=True)
class Start:
    """What the towers know of items before they are trained.

    Example:
        >>> start = Start.unknown(items=3, width=4, seed=1)
        >>> start.vectors.shape, start.times.tolist()  # The last stands for all items that nobody took.
        ((3, 4), [1.0, 1.0, 0.0])

    Attributes:
        vectors: of the items by id, float32 [items, width].
        times: how many users took each, float32 [items].
        kin: what those that are described alike say of each item of the catalogue, float32 [catalogue, width]; None leaves
            it to the training.
    """

    vectors: npt.NDArray[np.float32]
    times: npt.NDArray[np.float32]
    kin: npt.NDArray[np.float32] | None = None

    @property
    def new_length(self) -> float:
        """That of an item nobody took: the lower quartile of the vectors' lengths, as it is like those that few took."""
        lengths = np.linalg.norm(self.vectors[self.times > 0], axis=1)
        return float(np.quantile(lengths, 0.25)) if len(lengths) else 1.0

    @staticmethod
    def unknown(items: int, width: int, seed: int) -> Start:
        """Vectors drawn at random, of items that one user took each."""
        vectors = np.random.default_rng(seed).normal(0.0, width**-0.5, (items, width))
        return Start(vectors.astype(np.float32), (np.arange(items) < items - 1).astype(np.float32))


def start_of(taken: sp.csr_matrix, width: int, seed: int) -> Start:
    """Vectors whose products say how much a taker of one item takes the other: a low-rank ridge regression.

    With U S V' the truncated decomposition of `taken`, what takers of `x` take is x V S²/(S² + λ) V'. Each vector is
    a row of V (S²/(S² + λ))^½, all of them scaled so that the items taken have length 1 in the mean square. The rarely
    taken are short.

    Source: Cremonesi, Koren and Turrin, Performance of Recommender Algorithms on Top-N Recommendation Tasks, RecSys
    2010 (PureSVD), with ridge regression's shrinkage; the decomposition is that of Halko, Martinsson and Tropp, Finding
    Structure with Randomness, SIAM Review 2011, algorithm 4.4.

    Args:
        taken: how much each user took each item, [users, items].
        width: of the vectors; columns beyond a quarter of the rank are 0.
        seed: of the decomposition.

    Example:
        >>> taken = sp.csr_matrix([[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
        >>> start = start_of(taken, width=2, seed=1)  # Of which one column is used.
        >>> goes = (start.vectors @ start.vectors[0]).astype(float).round(2) + 0.0
        >>> goes.tolist()  # Who takes the first takes the second.
        [1.25, 1.25, 0.0, 0.0]
        >>> start.times.tolist()
        [2.0, 2.0, 1.0, 0.0]
    """
    from sklearn.utils.extmath import randomized_svd  # Takes a second to import.

    times = np.asarray((taken > 0).sum(0), np.float64).ravel()
    kept = min(width, max(1, min(taken.shape) // _MOST_KEPT))
    _, values, directions = randomized_svd(taken.astype(np.float32), kept, n_iter=_POWERS, random_state=seed)
    share = values**2 / np.maximum(values**2 + SHRINKAGE * values[-1] ** 2, 1e-12)
    vectors = np.zeros((taken.shape[1], width), np.float32)
    vectors[:, : len(values)] = directions.T * np.sqrt(share)
    vectors[times == 0] = 0.0  # Not what rounding left.
    squares = np.square(vectors, dtype=np.float64).sum(1)
    length = np.sqrt((times @ squares) / max(times.sum(), 1.0))
    return Start((vectors / max(length, 1e-6)).astype(np.float32), times.astype(np.float32))
