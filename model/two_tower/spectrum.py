"""Where the items' vectors begin: the shrunk spectrum of who took what."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from aisle.model.spectrum import spectrum


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
        """That of an item nobody took: the lowest decile of the vectors' lengths, as it is like those that fewest took."""
        lengths = np.linalg.norm(self.vectors[self.times > 0], axis=1)
        return float(np.quantile(lengths, 0.1)) if len(lengths) else 1.0

    @staticmethod
    def unknown(items: int, width: int, seed: int) -> Start:
        """Vectors drawn at random, of items that one user took each."""
        vectors = np.random.default_rng(seed).normal(0.0, width**-0.5, (items, width))
        return Start(vectors.astype(np.float32), (np.arange(items) < items - 1).astype(np.float32))


def start_of(taken: sp.csr_matrix, width: int, seed: int) -> Start:
    """What `spectrum` says of who took what, scaled so that the items taken have length 1 in the mean square.

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
    times = np.asarray((taken > 0).sum(0), np.float64).ravel()
    vectors = spectrum(taken, width, seed)
    squares = np.square(vectors, dtype=np.float64).sum(1)
    length = np.sqrt((times @ squares) / max(times.sum(), 1.0))
    return Start((vectors / max(length, 1e-6)).astype(np.float32), times.astype(np.float32))
