"""How many users it takes to see an effect, and what so many users can show."""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy import optimize, special, stats

from aisle.schema.errors import InputError

_MOST = 1e12
"""Users of an arm, more than there are."""


def means_power(
    users: float, effect: float, deviation: float, alpha: float = 0.05, ratio: float = 1.0
) -> float:
    """The chance that the t-test of two means sees an effect, as R's `power.t.test`.

    Args:
        users: of the control.
        effect: the difference of the means.
        deviation: the standard deviation between users; √variance of a `Metric`, where covariates or ratios are in it.
        alpha: of both sides together.
        ratio: the treatment's users over the control's.
    """
    _check(effect, alpha, deviation)
    degrees = users * (1 + ratio) - 2
    centre = abs(effect) / deviation * math.sqrt(users * ratio / (1 + ratio))
    critical = special.stdtrit(degrees, 1 - alpha / 2)
    seen = float(stats.nct.sf(critical, degrees, centre))
    # Far out SciPy knows none; there the effect lies surely on one side.
    return float(centre > critical) if math.isnan(seen) else seen


def means_size(
    effect: float, deviation: float, power: float = 0.8, alpha: float = 0.05, ratio: float = 1.0
) -> float:
    """The control's users that the t-test needs; a fraction, as in the textbooks: round it up."""
    _check(effect, alpha, deviation, power)
    return _solve(
        lambda users: means_power(users, effect, deviation, alpha, ratio) - power, 1.0001 + 1 / ratio
    )


def shares_power(users: float, control: float, treatment: float, alpha: float = 0.05) -> float:
    """The chance that the pooled test of two shares sees their difference, as R's `power.prop.test`."""
    _check(treatment - control, alpha, 1.0)
    pooled, apart = _deviations(control, treatment)
    found = math.sqrt(users) * abs(treatment - control) + special.ndtri(alpha / 2) * pooled
    return float(special.ndtr(found / apart))


def shares_size(control: float, treatment: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """The users of each arm that the pooled test of two shares needs."""
    _check(treatment - control, alpha, 1.0, power)
    pooled, apart = _deviations(control, treatment)
    found = -special.ndtri(alpha / 2) * pooled + special.ndtri(power) * apart
    # Less power than half of α is had by chance; squared, what is below 0 would ask for users again.
    return float((max(found, 0.0) / (treatment - control)) ** 2)


def detectable(
    users: float, deviation: float, power: float = 0.8, alpha: float = 0.05, ratio: float = 1.0
) -> float:
    """The smallest difference of two means that so many users of the control show with this power."""
    _check(1.0, alpha, deviation, power)
    # In standard deviations, so that the search doesn't depend on the currency.
    return deviation * _solve(lambda effect: means_power(users, effect, 1.0, alpha, ratio) - power, 1e-9)


def rule_of_sixteen(variance: float, effect: float) -> float:
    """The users of each arm for 80 % power at 5 %, by hand: 16 variances over the squared effect."""
    _check(effect, 0.05, variance)
    return 16 * variance / effect**2


def _deviations(control: float, treatment: float) -> tuple[float, float]:
    """√2 times the standard deviation of a user where the shares are alike, and √(the sum of variances) where not."""
    for share in (control, treatment):
        if not 0 < share < 1:
            raise InputError(f"a share of {share!r}; expected a number between 0 and 1")
    mean = (control + treatment) / 2
    return math.sqrt(2 * mean * (1 - mean)), math.sqrt(control * (1 - control) + treatment * (1 - treatment))


def _solve(of: Callable[[float], float], least: float) -> float:
    """Where a rising function crosses 0."""
    most = max(2 * least, 1.0)
    while of(most) < 0:
        most *= 4
        if most > _MOST:
            raise InputError(
                f"no arm of up to {_MOST:g} users shows it: expect a larger effect, or less power"
            )
    return least if of(least) >= 0 else float(optimize.brentq(of, least, most, xtol=1e-9, rtol=1e-12))


def _check(effect: float, alpha: float, deviation: float, power: float = 0.5) -> None:
    if not (math.isfinite(effect) and effect != 0 and deviation > 0 and 0 < alpha < 1 and 0 < power < 1):
        raise InputError(
            f"effect {effect:g}, spread {deviation:g}, α {alpha:g}, power {power:g}; expected an effect other than 0, "
            "a spread above 0, and α and power between 0 and 1"
        )
