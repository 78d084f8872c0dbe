"""An A/B test that a simulated shop has run: who saw which arm from when on, and what the arm did to their purchases."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aisle.datasets.simulator.catalogue import Ints
from aisle.datasets.simulator.options import SimulatorOptions
from aisle.datasets.simulator.people import People
from aisle.datasets.simulator.visits import Pages
from aisle.experiments.assignment.experiment import Experiment
from aisle.schema.errors import InputError

LEAST_EFFECT, MOST_EFFECT = -0.9, 0.19
"""Within these no chance to buy is above 1, so that the effect is exactly what was planted."""
CONTROL, NEVER = 0, int(np.iinfo(np.int64).max)


@dataclasses.dataclass(frozen=True)
class Planted:
    """An experiment to be run in a shop, and its effect.

    Attributes:
        experiment: its first arm is the control.
        effect: of every other arm on what its users are expected to buy from their first exposure on, over what they would
            have bought; 0 is an A/A test.
        days: the shop's newest ones, in which it runs.

    Raises:
        InputError: the effect is out of range, users are not told apart by `user_id`, or both arms are mixed in one answer.
    """

    experiment: Experiment
    effect: float = 0.05
    days: int = 28

    def __post_init__(self) -> None:
        if not LEAST_EFFECT <= self.effect <= MOST_EFFECT:
            raise InputError(
                f"an effect of {self.effect!r}; expected {LEAST_EFFECT} to {MOST_EFFECT}, such as 0.05 for +5 %"
            )
        if self.experiment.unit != "user_id":
            raise InputError(
                f"the experiment {self.experiment.name!r} assigns by {self.experiment.unit}; "
                "a simulated one assigns by user_id"
            )
        if self.experiment.interleaved:
            raise InputError(
                f"the experiment {self.experiment.name!r} is interleaved; a simulated one gives each user one of its arms"
            )


@dataclasses.dataclass(frozen=True)
class Treatment:
    """Who gets what; u is the number of users, p that of pages.

    Attributes:
        arm: [u] the place among the experiment's arms; -1 for who takes no part.
        since: [u] the second of the first exposure; NEVER without one.
        factor: [u] of the chance to buy from then on.
        shown: [p] whether the page is an exposure: of a user who takes part and is logged in.
    """

    arm: Ints
    since: Ints
    factor: NDArray[np.float64]
    shown: NDArray[np.bool_]

    def at(self, user: Ints, time: Ints) -> NDArray[np.float64]:
        """Returns [n] the factor of each user's chance to buy at each second."""
        return np.where(time >= self.since[user], self.factor[user], 1.0)


def treat(planted: Planted | None, options: SimulatorOptions, people: People, pages: Pages) -> Treatment:
    """Assigns the users, and finds when each first saw it; nobody sees None.

    Raises:
        InputError: the shop has no day before it.
    """
    users = len(people.joined)
    arm, since = np.full(users, -1), np.full(users, NEVER)
    if planted is None:
        return Treatment(arm, since, np.ones(users), np.zeros(len(pages.user), dtype=bool))
    if not 1 <= planted.days < options.days:
        raise InputError(
            f"an experiment of {planted.days} days in a shop of {options.days}; expected some days before it"
        )
    place = {one.name: number for number, one in enumerate(planted.experiment.arms)}
    assigned = map(planted.experiment.assign, people.table["user_id"].to_list())
    arm = np.array([-1 if one is None else place[one.arm.name] for one in assigned])
    begins = options.end_seconds - planted.days * 86_400
    shown = (pages.time >= begins) & ~pages.anonymous & (arm[pages.user] >= 0)
    np.minimum.at(since, pages.user[shown], pages.time[shown])
    return Treatment(arm, since, np.where(arm > CONTROL, 1 + planted.effect, 1.0), shown)


def exposures(
    planted: Planted, treatment: Treatment, user: Ints, page: Ints, impression: NDArray[np.bool_]
) -> pl.DataFrame:
    """Returns the columns `request_id`, `experiment` and `arm` of the events.

    Args:
        planted: the experiment.
        treatment: who gets what.
        user: [e] of each event.
        page: [e] the same; below 0 for what happens without one.
        impression: [e] whether it is one; only they name the experiment and the arm.
    """
    asked = (page >= 0) & treatment.shown[page]
    arms = [arm.name for arm in planted.experiment.arms]
    told = pl.DataFrame(
        {"page": page, "asked": asked, "seen": asked & impression, "arm": treatment.arm[user]}
    )
    arm = pl.col("arm").replace_strict(range(len(arms)), arms, default=None, return_dtype=pl.String)
    return told.select(
        request_id=pl.when("asked").then(pl.lit("r") + pl.col("page").cast(pl.String)),
        experiment=pl.when("seen").then(pl.lit(planted.experiment.name)),
        arm=pl.when("seen").then(arm),
    )
