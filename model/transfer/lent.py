"""What a shop's own past is filled up with by what another shop teaches."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from aisle.model.gain import Floats


@dataclasses.dataclass(frozen=True)
class Follows:
    """By what each item is likely to be followed in a visit.

    Example:
        >>> follows = Follows(np.array([[1], [0]], np.int32), np.array([[0.75], [1.0]], np.float32), visits=3.0)
        >>> own = np.array([[1], [1]], np.int32), np.array([[0.5], [0.5]], np.float32)
        >>> items, weights = follows.beside(own, held=np.array([0.0, 9.0]))  # Of the first item nothing is known.
        >>> items.tolist(), weights.tolist()
        ([[1, 1], [1, 0]], [[0.0, 0.75], [0.375, 0.25]])

    Attributes:
        items: rows of the catalogue, int32 [n, K].
        chances: of each, float32 [n, K].
        visits: for so many of an item's own it counts.
    """

    items: npt.NDArray[np.int32]
    chances: npt.NDArray[np.float32]
    visits: float

    def beside(
        self, own: tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]], held: Floats
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """A table of neighbours with these beside it, each the more the fewer visits held an item.

        Args:
            own: items and their weights, [n, k] each.
            held: visits that held each item [n].

        Returns:
            Items and weights, [n, k + K] each; an item that both have is there twice, and its weights add up.
        """
        share = (held / (held + self.visits)).astype(np.float32)[:, None]
        items = np.concatenate([own[0], self.items], 1)
        return items, np.concatenate([share * own[1], (1 - share) * self.chances], 1)


@dataclasses.dataclass(frozen=True)
class Lent:
    """All that is lent.

    Example:
        >>> Lent().takings is None  # Nothing.
        True

    Attributes:
        takings: of 28 days, by which each item counts as taken more often [n]; None: none.
        follows: None: nothing.
    """

    takings: Floats | None = None
    follows: Follows | None = None
