"""The users of a simulated shop: who they are, and the tastes nobody writes down."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aisle.datasets.simulator.catalogue import Floats, Ints
from aisle.datasets.simulator.languages import vocabulary_of
from aisle.datasets.simulator.options import SimulatorOptions
from aisle.datasets.simulator.vocabulary import Vocabulary

SEGMENTS = 6
"""Groups of users alike in age, gender and favourite departments: what a cold start can go by."""
GENDERS = ("female", "male", "other")
NEW_SHARE = 0.3
"""The share of users that join during the simulated days, not before."""


@dataclasses.dataclass(frozen=True)
class People:
    """All users, by column; n is the number of users.

    Attributes:
        table: the canonical `users` table.
        affinity: [n, leaves] the probability that a visit is about each leaf.
        style: [n, styles] how much each style is liked, summing to 1.
        tier: [n] how dear they like it, 0 to 1.
        thrift: [n] how much a price away from that puts them off.
        loyalty: [n] how readily they buy the same again, 0 to 1.
        activity: [n] relative number of visits a day.
        joined: [n] seconds since the epoch.
    """

    table: pl.DataFrame
    affinity: NDArray[np.float64]
    style: Floats
    tier: Floats
    thrift: Floats
    loyalty: Floats
    activity: NDArray[np.float64]
    joined: Ints


def make_people(options: SimulatorOptions, rng: np.random.Generator) -> People:
    """Returns the users: each keen on a few leaves and styles, and some of them new."""
    n, vocabulary = options.users, vocabulary_of(options.language)
    segment = rng.integers(SEGMENTS, size=n)
    departments = rng.dirichlet(np.full(len(vocabulary.departments), 0.4), SEGMENTS)
    leaning = departments[:, vocabulary.department_of_leaf]
    # A Dirichlet draw with few expected leaves a user: normalised gammas, so that each row has its own alpha.
    gammas = rng.standard_gamma(0.04 + 0.35 * leaning[segment]) + 1e-6
    tier = rng.beta(2, 2, n)
    joined = _joined(options, rng)
    return People(
        table=_table(vocabulary, segment, joined, rng),
        affinity=gammas / gammas.sum(axis=1, keepdims=True),
        style=rng.dirichlet(np.full(vocabulary.tastes, 0.35), n).astype(np.float32),
        tier=tier.astype(np.float32),
        thrift=rng.uniform(1, 4, n).astype(np.float32),
        loyalty=rng.beta(3, 2, n).astype(np.float32),
        activity=rng.lognormal(0, 0.8, n),
        joined=joined,
    )


def _joined(options: SimulatorOptions, rng: np.random.Generator) -> Ints:
    """Returns [n] seconds: up to three years before the first day, or for the new ones some day after it."""
    n = options.users
    day = np.where(
        rng.random(n) < NEW_SHARE, rng.integers(options.days, size=n), -rng.integers(1, 1_095, size=n)
    )
    seconds: Ints = options.start_seconds + day * 86_400 + rng.integers(6 * 3_600, size=n)
    return seconds


def _table(vocabulary: Vocabulary, segment: Ints, joined: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """Returns the `users` table; some leave their age or gender out."""
    n = len(segment)
    mean_age = rng.uniform(22, 65, SEGMENTS)[segment]
    age = np.clip(rng.normal(mean_age, 7), 18, 95).astype(np.int64)
    female = rng.beta(0.7, 0.7, SEGMENTS)[segment]
    draw = rng.random(n)
    gender = np.where(draw < female * 0.97, 0, np.where(draw < 0.97, 1, 2))
    country = rng.choice(len(vocabulary.countries), size=n, p=vocabulary.country_shares)
    table = pl.DataFrame(
        {
            "number": np.arange(n),
            "country": np.array(vocabulary.countries)[country],
            "age": age,
            "gender": np.array(GENDERS)[gender],
            "tells_age": rng.random(n) < 0.9,
            "tells_gender": rng.random(n) < 0.85,
        }
    )
    return table.select(
        user_id=pl.lit("u") + pl.col("number").cast(pl.String).str.zfill(5),
        country="country",
        age=pl.when("tells_age").then("age"),
        gender=pl.when("tells_gender").then("gender"),
        joined_at=pl.from_epoch(pl.Series(joined), time_unit="s"),
    )
