"""How a metric differs between two arms."""

from __future__ import annotations

import dataclasses

import numpy as np

from aisle.experiments.statistics.estimate import Estimate
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
        relative: the same over the control's value; None where that is 0.
        users: of the control and of the treatment.
        variance_kept: the difference's variance over what it is without covariates.
    """

    metric: str
    control: float
    treatment: float
    difference: Estimate
    relative: Estimate | None
    users: tuple[int, int]
    variance_kept: float


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
