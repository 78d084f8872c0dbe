"""An arm as its sufficient statistics: how many users, the means of their columns and how these vary together."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from aisle.schema.errors import InputError

Floats = npt.NDArray[np.float64]
LARGEST = 1e150
"""Beyond it a square overflows."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """The users of an arm.

    Example:
        >>> Sample.of({"revenue": np.array([0.0, 10.0, 20.0])}).mean.tolist()
        [10.0]

    Attributes:
        columns: the names of what was measured of each user.
        n: how many users there are, two or more.
        mean: of each column, [d].
        covariance: of the columns between users, [d, d].

    Raises:
        InputError: there are fewer than two users, or a mean or covariance is no number.
    """

    columns: tuple[str, ...]
    n: int
    mean: Floats
    covariance: Floats

    def __post_init__(self) -> None:
        if self.n < 2:
            raise InputError(
                f"an arm of {self.n} users says nothing; expected two or more: wait, or raise the coverage"
            )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.covariance).all()):
            raise InputError(
                f"{', '.join(self.columns)}: a mean or variance isn't finite; winsorise the values"
            )

    @classmethod
    def of(cls, columns: Mapping[str, npt.ArrayLike]) -> Sample:
        """The sample of users' values, each an array [n].

        Raises:
            InputError: a value is NaN, infinite or too large to square, or the columns aren't equally long.
        """
        values = {name: np.asarray(column, dtype=float) for name, column in columns.items()}
        for name, column in values.items():
            # NaN compares as False.
            if wrong := np.flatnonzero(~(np.abs(column) <= LARGEST)).tolist():
                raise InputError(
                    f"{name}: {len(wrong):,} of {len(column):,} users have values such as {column[wrong[0]]}; "
                    f"expected numbers up to {LARGEST:g}: 0 for who did nothing, and mend the rest"
                )
        lengths = {len(column) for column in values.values()}
        if len(lengths) != 1:
            raise InputError(f"columns of {sorted(lengths)} users; expected one value of each for every user")
        n, matrix = lengths.pop(), np.stack(list(values.values()))
        if n < 2:
            return cls(tuple(values), n, matrix.sum(axis=1), np.zeros((len(values),) * 2))
        return cls(tuple(values), n, matrix.mean(axis=1), np.atleast_2d(np.cov(matrix)))

    @classmethod
    def from_sums(
        cls, columns: Sequence[str], n: int, sums: npt.ArrayLike, products: npt.ArrayLike
    ) -> Sample:
        """The sample of what a database adds up: the sums of the columns, [d], and of their products, [d, d]."""
        total, cross = np.asarray(sums, dtype=float), np.asarray(products, dtype=float)
        size = max(n, 2)
        with np.errstate(all="ignore"):  # What is infinite is refused with the sample.
            covariance = (cross - np.outer(total, total) / size) / (size - 1)
        return cls(tuple(columns), n, total / size, covariance)

    @classmethod
    def of_counts(cls, column: str, successes: int, n: int) -> Sample:
        """The sample of users who did something or didn't, its variance p(1 - p).

        Raises:
            InputError: there are more successes than users, or fewer than none.
        """
        if not 0 <= successes <= n:
            raise InputError(f"{column}: {successes} of {n} users; expected from 0 to all of them")
        share = successes / max(n, 1)
        return cls((column,), n, np.array([share]), np.array([[share * (1 - share)]]))

    def joined_means(self, other: Sample) -> Floats:
        """The means of both arms' users together, [d].

        Raises:
            InputError: the other's columns are other ones.
        """
        if self.columns != other.columns:
            raise InputError(f"arms of the columns {self.columns} and {other.columns}; expected the same")
        means: Floats = (self.n * self.mean + other.n * other.mean) / (self.n + other.n)
        return means

    def place(self, column: str) -> int:
        """Where a column stands.

        Raises:
            InputError: there is none of this name.
        """
        if column not in self.columns:
            raise InputError(f"there is no column {column!r}; there are: {', '.join(self.columns)}")
        return self.columns.index(column)
