"""How far people who judged the same result agree."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

GRADES, GRADE_VARIANCE = "grades", "grade_variance"
Level = Literal["nominal", "ordinal", "interval"]


@dataclasses.dataclass(frozen=True)
class Agreement:
    """The agreement of judges; 1 is perfect, 0 is what chance gives, below 0 they contradict each other.

    Attributes:
        measure: `krippendorff_alpha` (ordinal), or `variance_ratio` where only the judges' variance on
            each result is known.
        value: None where it can't be told: nothing was judged twice, or all grades are the same.
        pairs: results judged more than once.
        judgements: of those results.
        contradicted: those of them that got different grades.
    """

    measure: str
    value: float | None
    pairs: int
    judgements: int | None
    contradicted: int


def agreement(judgements: pl.DataFrame) -> Agreement | None:
    """Measures the agreement in a table of judgements.

    Args:
        judgements: `grade`, and `grades` (a list: every judge's, as the Cleaner keeps them where a column
            `judge` tells judgements from duplicates) or `grade_variance` (of the judges on that result).

    Returns:
        None where the table says nothing of several judges.
    """
    if GRADES in judgements.columns:
        return _of_grades(judgements[GRADES])
    if GRADE_VARIANCE in judgements.columns:
        return _of_variances(judgements)
    return None


def krippendorff_alpha(unit: ArrayLike, value: ArrayLike, level: Level = "ordinal") -> float:
    """Returns Krippendorff's alpha, by the matrix of coincidences; NaN without variation or repeats.

    Source: Krippendorff 2011, Computing Krippendorff's alpha-reliability. Units may have any number of
    values (those with one say nothing), and it doesn't matter who gave which.

    Args:
        unit: [n] what each value is about.
        value: [n] the values.
        level: the scale: `ordinal` counts the values that lie between two, `interval` takes their squared
            difference, `nominal` only tells whether they differ.
    """
    _, units, sizes = np.unique(np.asarray(unit), return_inverse=True, return_counts=True)
    paired = sizes[units] > 1
    if not paired.any():
        return float("nan")
    scale, values = np.unique(np.asarray(value)[paired], return_inverse=True)
    _, units, sizes = np.unique(units[paired], return_inverse=True, return_counts=True)
    counts = np.zeros((len(sizes), len(scale)))
    np.add.at(counts, (units, values), 1)
    share = counts / (sizes - 1)[:, None]
    coincidences = counts.T @ share - np.diag(share.sum(axis=0))
    totals = coincidences.sum(axis=1)
    apart = _squared_differences(scale.astype(float), totals, level)
    expected = totals @ apart @ totals
    if expected == 0:
        return float("nan")
    return float(1 - (totals.sum() - 1) * (coincidences * apart).sum() / expected)


def _squared_differences(scale: NDArray[np.float64], totals: NDArray[np.float64], level: Level) -> NDArray:
    """[v, v] how far apart two values are."""
    if level == "nominal":
        return 1.0 - np.eye(len(scale))
    if level == "interval":
        return (scale[:, None] - scale[None, :]) ** 2
    # From the middle of one value's share of the ranking to the middle of the other's.
    middle = np.cumsum(totals) - totals / 2
    return (middle[:, None] - middle[None, :]) ** 2


def _of_grades(grades: pl.Series) -> Agreement:
    counts = grades.list.len()
    several = grades.filter(counts > 1)
    flat = pl.DataFrame({"unit": pl.int_range(len(several), eager=True), "grade": several}).explode("grade")
    alpha = krippendorff_alpha(flat["unit"].to_numpy(), flat["grade"].to_numpy())
    return Agreement(
        "krippendorff_alpha",
        None if np.isnan(alpha) else alpha,
        len(several),
        len(flat),
        int((several.list.n_unique() > 1).sum()),
    )


def _of_variances(judgements: pl.DataFrame) -> Agreement:
    """The share of all variance that is not between the judges of one result (alpha of an interval scale).

    A variance of one judgement is 0 as that of judges who agree is: the value is an upper bound.
    """
    known = judgements.select(
        pl.col("grade").cast(pl.Float64),
        pl.col(GRADE_VARIANCE).cast(pl.Float64, strict=False).alias("within"),
    ).filter(pl.col("within").is_finite())
    within = float(known["within"].mean() or 0.0) if len(known) else 0.0  # type: ignore[arg-type]
    total = float(known["grade"].var(ddof=0) or 0.0) + within if len(known) else 0.0  # type: ignore[arg-type]
    contradicted = int((known["within"] > 0).sum())
    value = 1 - within / total if total else None
    return Agreement("variance_ratio", value, len(known), None, contradicted)
