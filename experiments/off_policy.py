"""What another policy would have earned, from the log of the one that ran and the chances with which it chose.

Inverse propensity scores (Horvitz and Thompson, 1952), the same normalised (SNIPS, Swaminathan and Joachims, 2015), and
doubly robust (Dudík, Langford and Li, 2011). Where the two policies hardly overlap, a few rows would decide: refused.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from aisle.experiments.statistics.estimate import Estimate, Interval
from aisle.experiments.statistics.sample import LARGEST, Floats
from aisle.schema.errors import ExperimentUntrusted, InputError

LEAST_EFFECTIVE = 100.0
"""Rows of the policy itself that the log must be worth."""


@dataclasses.dataclass(frozen=True)
class Log:
    """What was shown, what came of it, and how likely either policy was to show it.

    Attributes:
        rewards: such as clicks, [n].
        logged: the chance with which the policy that ran chose what it did, above 0 and up to 1, [n].
        target: the chance with which the other one would have, from 0 to 1, [n].
        unit: whose each row is, [n]; a user's rows aren't independent. Without it each row is a unit of its own.

    Raises:
        InputError: a chance is out of range, a reward is no number, the columns aren't equally long, or all is of one unit.
    """

    rewards: Floats
    logged: Floats
    target: Floats
    unit: npt.NDArray[Any] | None = None

    def __post_init__(self) -> None:
        if self.unit is not None and (len(self.unit) != len(self.rewards) or len({*self.unit.tolist()}) < 2):
            raise InputError(
                f"units of {len(self.unit):,} rows, {len({*self.unit.tolist()}):,} of them, for {len(self.rewards):,} rewards; "
                "expected one a row, and two or more"
            )
        if not len(self.rewards) == len(self.logged) == len(self.target) >= 2:
            sizes = len(self.rewards), len(self.logged), len(self.target)
            raise InputError(f"{sizes} rewards and chances; expected one of each for two rows or more")
        _refuse(
            "logged",
            self.logged,
            (self.logged > 0) & (self.logged <= 1),
            "above 0, up to 1: log the chance too",
        )
        _refuse("target", self.target, (self.target >= 0) & (self.target <= 1), "from 0 to 1")
        _refuse("rewards", self.rewards, np.abs(self.rewards) <= LARGEST, f"up to {LARGEST:g}")

    @property
    def weights(self) -> Floats:
        """How much more likely the target was to choose what was shown, [n]."""
        return self.target / self.logged

    @property
    def effective(self) -> float:
        """How many rows of the target itself the log is worth (Kish, 1965)."""
        squares = float((self.weights**2).sum())
        return float(self.weights.sum()) ** 2 / squares if squares else 0.0


@dataclasses.dataclass(frozen=True)
class Judged:
    """What the target would have earned a row.

    Attributes:
        value: of it; its degrees of freedom are few where a few rows decide.
        effective: how many of its own rows that is worth.
        rows: of the log.
        never_below_0: whether no reward is.
    """

    value: Estimate
    effective: float
    rows: int
    never_below_0: bool

    def interval(self, level: float = 0.95) -> Interval:
        """What holds the truth in this share of all logs.

        Where no reward is below 0 it is of the logarithm: clicks are rare and weights uneven, so that the value errs
        upwards by more than downwards, and an even interval would miss the truth above it twice as often as it says.
        """
        value, error = self.value.value, self.value.standard_error
        if not self.never_below_0 or value <= 0:
            return self.value.interval(level)
        low, high = Estimate(math.log(value), error / value, self.value.degrees).interval(level)
        return math.exp(low), math.exp(high)


def ips(log: Log, least: float = LEAST_EFFECTIVE) -> Judged:
    """By inverse propensity scores: without bias, and the widest.

    Raises:
        ExperimentUntrusted: the log is worth fewer than `least` rows of the target.
    """
    return _judged(log, least, log.weights * log.rewards)


def snips(log: Log, least: float = LEAST_EFFECTIVE) -> Judged:
    """By weights that are made to add up to the rows: narrower, its bias of the order of 1/n, the delta method's interval.

    Raises:
        ExperimentUntrusted: the log is worth fewer than `least` rows of the target.
    """
    _enough(log, least)
    value = float(log.weights @ log.rewards / log.weights.sum())
    return _judged(log, least, value + log.weights * (log.rewards - value) / log.weights.mean())


def doubly_robust(
    log: Log, foreseen: npt.ArrayLike, expected: npt.ArrayLike, least: float = LEAST_EFFECTIVE
) -> Judged:
    """By a model of the reward, mended by the weighted rest that it leaves: right where either is.

    Args:
        log: the rows.
        foreseen: the model's reward of what was shown, [n]; learnt from other rows.
        expected: the model's reward of what the target would have shown, over its choices, [n].
        least: as of `ips`.

    Raises:
        ExperimentUntrusted: the log is worth fewer than `least` rows of the target.
        InputError: the model's rewards don't fit it.
    """
    shown, would = np.asarray(foreseen, dtype=float), np.asarray(expected, dtype=float)
    if not (
        shown.shape == would.shape == log.rewards.shape
        and np.isfinite(shown).all()
        and np.isfinite(would).all()
    ):
        raise InputError(
            f"a model's rewards for {shown.shape} and {would.shape} rows; expected {log.rewards.shape} numbers"
        )
    return _judged(log, least, would + log.weights * (log.rewards - shown))


def _judged(log: Log, least: float, parts: Floats) -> Judged:
    """The mean of what each row says of the target's value."""
    _enough(log, least)
    n, spread = len(parts), parts - parts.mean()
    if log.unit is not None:  # The rows of a unit move together, so their sum is what varies.
        spread = np.bincount(np.unique(log.unit, return_inverse=True)[1], spread)
    units = len(spread)
    variance = float(spread @ spread) / (units - 1)
    if variance == 0:
        raise InputError(f"all {n:,} rows say the same of the other policy: there is no reward to tell it by")
    # Satterthwaite's: the variance is as uncertain as the values' fourth moment says.
    kurtosis = float((spread**4).mean()) / variance**2
    degrees = 2 * units / max(kurtosis - 1, 2.0)
    estimate = Estimate(float(parts.mean()), (variance * units) ** 0.5 / n, degrees)
    return Judged(estimate, log.effective, n, bool((log.rewards >= 0).all()))


def _enough(log: Log, least: float) -> None:
    if log.effective < least:
        raise ExperimentUntrusted(
            f"{len(log.rewards):,} rows of the log are worth {log.effective:.1f} of the other policy; expected {least:g} "
            "or more: it shows what the log hardly holds, so ask an experiment"
        )


def _refuse(name: str, values: Floats, right: npt.NDArray[np.bool_], expected: str) -> None:
    if wrong := np.flatnonzero(~right).tolist():
        raise InputError(
            f"{name}: {len(wrong):,} values such as {values[wrong[0]]}; expected numbers {expected}"
        )
