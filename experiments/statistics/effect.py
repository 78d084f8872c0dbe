"""How a metric differs between two arms."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from aisle.experiments.statistics.estimate import Estimate, Interval
from aisle.experiments.statistics.metric import Metric, adjustment
from aisle.experiments.statistics.sample import Floats, Sample
from aisle.schema.errors import InputError


@dataclasses.dataclass(frozen=True)
class Effect:
    """What the treatment did to a metric.

    Attributes:
        metric: its name.
        control: its value in the control, as measured.
        treatment: the same of the treatment.
        difference: treatment less control, of the adjusted metric.
        relative: the same over the control's value, by the delta method; None where that is 0.
        users: of the control and of the treatment.
        variance_kept: the difference's variance over what it is without covariates.
        base_variance: of the control's value.
        base_covariance: of the difference with the control's value.
    """

    metric: str
    control: float
    treatment: float
    difference: Estimate
    relative: Estimate | None
    users: tuple[int, int]
    variance_kept: float
    base_variance: float
    base_covariance: float

    def relative_interval(self, level: float = 0.95) -> Interval | None:
        """Of the difference over the control's value, by Fieller (1954): apart from 0 just where the difference's is.

        The delta method's may be apart from 0 where the difference isn't, or the other way round, and has hardly a width in an arm
        where nothing happened.

        Returns:
            None where the control's value itself isn't apart from 0 on this level: then any multiple of it may be the truth.
        """
        quantile = -self.difference.quantile((1 - level) / 2)
        base, value = self.control, self.difference.value
        square = base**2 - quantile**2 * self.base_variance
        if square <= 0:
            return None
        middle = value * base - quantile**2 * self.base_covariance
        least = value**2 - (quantile * self.difference.standard_error) ** 2
        # Above 0 by the inequality of Cauchy and Schwarz, but for rounding.
        width = math.sqrt(max(middle**2 - square * least, 0.0))
        low, high = sorted(math.copysign(1, base) * end / square for end in (middle - width, middle + width))
        return low, high


def compare(metric: Metric, control: Sample, treatment: Sample, *, common_means: bool = True) -> Effect:
    """Welch's test of a metric: the arms' variances needn't be alike.

    The covariates' weights are those that leave the difference the least variance, from both arms together.

    Args:
        metric: what is compared.
        control: the arm that it is compared with.
        treatment: the other one, of the same columns.
        common_means: take a ratio's linear part at both arms' means together. At an arm's own, as GrowthBook does, the few
            heavy users who make the ratio hide their own noise, and false positives are a little too many.

    Raises:
        InputError: nothing varies, or a denominator is 0.
    """
    before, after = metric.values(control), metric.values(treatment)
    common = dataclasses.replace(control, mean=control.joined_means(treatment)) if common_means else None
    spread, other = (metric.covariance(arm, common) / arm.n for arm in (control, treatment))
    weights = adjustment(spread + other)
    variances = [float(weights @ covariance @ weights) for covariance in (spread, other)]
    if sum(variances) <= 0:
        raise InputError(
            f"{metric.name}: all users of each arm have one value, so nothing can be said of others"
        )
    value = float(weights @ (after - before))
    degrees = _welch(variances, (control.n, treatment.n))
    return Effect(
        metric.name,
        float(before[0]),
        float(after[0]),
        Estimate(value, sum(variances) ** 0.5, degrees),
        _relative(weights, before[0], value, (spread, other), degrees),
        (control.n, treatment.n),
        sum(variances) / float(spread[0, 0] + other[0, 0]),
        float(spread[0, 0]),
        -float(weights @ spread[0]),
    )


def _welch(variances: list[float], users: tuple[int, int]) -> float:
    """The degrees of freedom of a difference, by Welch and Satterthwaite."""
    below = sum(variance**2 / (n - 1) for variance, n in zip(variances, users, strict=True))
    return sum(variances) ** 2 / below


def _relative(
    weights: Floats, base: float, value: float, covariances: tuple[Floats, Floats], degrees: float
) -> Estimate | None:
    """The difference over the control's unadjusted value, by the delta method; None where that is 0."""
    if base == 0:
        return None
    size = abs(base)
    of_control = -weights / size
    of_control[0] -= value * np.sign(base) / size**2
    variance = of_control @ covariances[0] @ of_control + weights @ covariances[1] @ weights / size**2
    return Estimate(value / size, float(variance) ** 0.5, degrees)
