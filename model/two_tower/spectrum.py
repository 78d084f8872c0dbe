"""Where the items' vectors begin: the shrunk spectrum of who took what."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import tensorflow as tf

from aisle.model.spectrum import spectrum
from aisle.model.stored import tensor_of

Floats = npt.NDArray[np.float32]

_AT_ONCE = 65_536


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

    vectors: Floats | tf.Tensor
    times: Floats
    kin: Floats | tf.Tensor | None = None

    @property
    def new_length(self) -> float:
        """That of an item nobody took: the lowest decile of the vectors' lengths, as it is like those that fewest took."""
        lengths = np.sqrt(squared_lengths(np.asarray(self.vectors)))[self.times > 0]
        return float(np.quantile(lengths, 0.1)) if len(lengths) else 1.0

    def with_kin(self, kin: Floats) -> Start:
        """Those, which are changed in place, by one factor: where there are any they are as long as what is new; else none."""
        squares = squared_lengths(kin)
        if not np.any(squares > 0):
            return dataclasses.replace(self, kin=None)
        kin *= np.float32(self.new_length / np.sqrt(squares[squares > 0].mean()))
        return dataclasses.replace(self, kin=kin)

    def tensors(self) -> Start:
        """The same, held by TensorFlow, whose weights begin in the same memory."""
        vectors, kin = (
            tensor_of(values) if isinstance(values, np.ndarray) else values
            for values in (self.vectors, self.kin)
        )
        return dataclasses.replace(self, vectors=vectors, kin=kin)

    @staticmethod
    def unknown(items: int, width: int, seed: int) -> Start:
        """Vectors drawn at random, of items that one user took each."""
        vectors = np.random.default_rng(seed).normal(0.0, width**-0.5, (items, width))
        return Start(vectors.astype(np.float32), (np.arange(items) < items - 1).astype(np.float32))

    @staticmethod
    def blank(items: int, width: int, catalogue: int | None) -> Start:
        """Nothing but zeros, which take no memory, for weights that are set afterwards; `catalogue`: of `kin`."""

        def zeros(*shape: int) -> npt.NDArray[np.float32]:
            return np.broadcast_to(np.float32(0.0), shape)

        return Start(
            zeros(items, width), zeros(items), None if catalogue is None else zeros(catalogue, width)
        )


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
    length = np.sqrt((times @ squared_lengths(vectors, np.float64)) / max(times.sum(), 1.0))
    vectors /= max(length, 1e-6)
    return Start(vectors, times.astype(np.float32))


def squared_lengths(
    vectors: npt.NDArray[np.float32], dtype: type[np.floating[Any]] = np.float32
) -> npt.NDArray[Any]:
    """The square of each vector's length, summed as `dtype`: [n], with no more than a block of squares held."""
    blocks = [vectors[start : start + _AT_ONCE] for start in range(0, max(len(vectors), 1), _AT_ONCE)]
    return np.concatenate([np.square(block, dtype=dtype).sum(1) for block in blocks])
