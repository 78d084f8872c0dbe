"""What is compared: a mean or a ratio of means per user, less what was foreseen of it before the experiment."""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np

from aisle.experiments.statistics.sample import Floats, Sample
from aisle.schema.errors import InputError


class Part(Protocol):
    """A smooth function of an arm's means."""

    def value(self, sample: Sample) -> float:
        """What it is in this arm."""

    def gradient(self, sample: Sample) -> Floats:
        """How it moves with each of the means, [d]."""


@dataclasses.dataclass(frozen=True)
class Mean:
    """The mean of a column over users: revenue per user, or the share of users who bought."""

    column: str

    def value(self, sample: Sample) -> float:
        """The mean."""
        return float(sample.mean[sample.place(self.column)])

    def gradient(self, sample: Sample) -> Floats:
        """1 at its column."""
        return np.eye(len(sample.columns))[sample.place(self.column)]


@dataclasses.dataclass(frozen=True)
class Ratio:
    """Of two sums over users: clicks over impressions, where a user has many of both.

    Raises:
        InputError: when it is asked of a sample whose denominators add up to 0.
    """

    numerator: str
    denominator: str

    def value(self, sample: Sample) -> float:
        """The one sum over the other."""
        numerator, denominator = Mean(self.numerator).value(sample), Mean(self.denominator).value(sample)
        if denominator == 0:
            raise InputError(
                f"{self.numerator} over {self.denominator}: an arm's {self.denominator} add up to 0"
            )
        return numerator / denominator

    def gradient(self, sample: Sample) -> Floats:
        """By the delta method: (numerator - ratio x denominator) / mean denominator, of each user's deviation."""
        ratio, denominator = self.value(sample), Mean(self.denominator)
        up, down = Mean(self.numerator).gradient(sample), denominator.gradient(sample)
        gradient: Floats = (up - ratio * down) / denominator.value(sample)
        return gradient


@dataclasses.dataclass(frozen=True)
class Metric:
    """A part of the outcome, and covariates: parts of what was known of the users before they were exposed.

    With covariates it is CUPED (Deng, Xu, Kohavi and Walker, 2013), for ratios by their linear parts (Deng, Lu and
    Litz, 2017). A covariate that the experiment can move would take the effect away with the noise.

    Example:
        >>> Metric("revenue", Mean("revenue"), covariates=(Mean("revenue before"), Mean("forecast")))

    Attributes:
        name: in reports.
        outcome: what is compared.
        covariates: what foresees it.
    """

    name: str
    outcome: Part
    covariates: tuple[Part, ...] = ()

    def values(self, sample: Sample) -> Floats:
        """The outcome and the covariates in an arm, [1 + c]."""
        return np.array([part.value(sample) for part in self._parts])

    def covariance(self, sample: Sample, at: Sample | None = None) -> Floats:
        """Of the outcome and the covariates of one user, by their linear parts, [1 + c, 1 + c].

        Args:
            sample: the arm.
            at: whose means the linear parts are taken at; by default the arm's own.
        """
        gradients = np.stack([part.gradient(at or sample) for part in self._parts])
        covariance: Floats = gradients @ sample.covariance @ gradients.T
        return covariance

    @property
    def _parts(self) -> tuple[Part, ...]:
        return (self.outcome, *self.covariates)

    def variance(self, sample: Sample) -> float:
        """Of one user's part in the outcome, without what the covariates foresee: what sample sizes follow from."""
        covariance = self.covariance(sample)
        weights = adjustment(covariance)
        return float(weights @ covariance @ weights)


def adjustment(covariance: Floats) -> Floats:
    """The weights 1 and -θ, [1 + c], that leave the least variance of outcome and covariates.

    Covariates that say the same, or nothing, share or get no weight.
    """
    theta = np.linalg.pinv(covariance[1:, 1:], hermitian=True) @ covariance[1:, 0]
    return np.concatenate([[1.0], -theta])
