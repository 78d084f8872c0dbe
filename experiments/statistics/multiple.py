"""Several metrics in one experiment: one of twenty is below 5 % by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from aisle.experiments.statistics.sample import Floats
from aisle.schema.errors import InputError


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: below α, all together are wrong in at most α of all experiments (Holm, 1979)."""
    values = _checked(p_values)
    order = np.argsort(values)
    adjusted = np.empty_like(values)
    factors = np.arange(len(values), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1)
    return [float(value) for value in adjusted]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: of those below α, at most a share α is wrong (Benjamini and Hochberg, 1995)."""
    return [float(value) for value in np.atleast_1d(stats.false_discovery_control(_checked(p_values)))]


def _checked(p_values: Sequence[float]) -> Floats:
    values = np.asarray(p_values, dtype=float)
    if values.ndim != 1 or not len(values) or not ((values >= 0) & (values <= 1)).all():
        raise InputError(f"p-values {list(p_values)}; expected one or more numbers from 0 to 1")
    return values
