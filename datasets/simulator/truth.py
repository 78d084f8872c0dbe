"""What decides the clicks of a simulated shop, and no shop's tables hold: for measuring what was learnt of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aisle.datasets.simulator.behaviour import (
    CHECKOUT,
    EXAMINATION,
    PURCHASE,
    attraction,
    cart_probability,
    events_of,
    repeats,
)
from aisle.datasets.simulator.catalogue import Ints
from aisle.datasets.simulator.experiment import NEVER, Planted, treat
from aisle.datasets.simulator.options import SimulatorOptions
from aisle.datasets.simulator.shop import make_world


def click_truth(options: SimulatorOptions) -> pl.DataFrame:
    """Returns the probabilities behind every result of a search of `simulate(options)`.

    Returns:
        `timestamp`, `user_id` ("" where nobody was logged in), `query`, `item_id`, `position`,
        `examination` (that the position is looked at), `attraction` (that what is looked at is clicked),
        `conversion` (that what was clicked is bought in the same visit).
    """
    world = make_world(options)
    shown, pages = world.shown, world.pages
    user = pages.user[shown.page]
    wanted = cart_probability(world.catalogue, world.people, user, shown.item)
    query = world.queries.of_page[shown.page]
    table = pl.DataFrame(
        {
            "timestamp": pl.from_epoch(pl.Series(pages.time[shown.page]), time_unit="s"),
            "user_id": world.people.table["user_id"].gather(user),
            "anonymous": pages.anonymous[shown.page],
            "row": query,
            "item_id": world.catalogue.table["item_id"].gather(shown.item),
            "position": shown.position,
            "examination": EXAMINATION[shown.position - 1],
            "attraction": attraction(world.catalogue, world.people, pages, shown),
            "conversion": CHECKOUT * wanted,
        }
    )
    texts = pl.Series(world.queries.texts, dtype=pl.String)
    return table.filter(pl.col("row") >= 0).select(
        "timestamp",
        pl.when("anonymous").then(pl.lit("")).otherwise("user_id").alias("user_id"),
        pl.col("row").replace_strict(range(len(texts)), texts, return_dtype=pl.String).alias("query"),
        *("item_id", "position", "examination", "attraction", "conversion"),
    )


class PurchaseTruth:
    """What users buy before and after they first see an experiment, drawn anew as often as one likes.

    The same users open the same pages in every draw; whether they click, buy and buy again is drawn.

    Args:
        options: the shop's.
        planted: when the experiment runs, and who takes part.

    Attributes:
        exposed: [users] whether each sees the experiment.
    """

    def __init__(self, options: SimulatorOptions, planted: Planted) -> None:
        self._options, self._world = options, make_world(options)
        people, pages, shown = self._world.people, self._world.pages, self._world.shown
        self._treatment = treat(planted, options, people, pages)
        self.exposed: NDArray[np.bool_] = self._treatment.since < NEVER
        # Nobody knows who bought where they weren't logged in, so that nobody counts it.
        self._rows = np.flatnonzero(~pages.anonymous[shown.page])
        self._page, self._item = shown.page[self._rows], shown.item[self._rows]
        bought = attraction(self._world.catalogue, people, pages, shown)[self._rows]
        wanted = cart_probability(self._world.catalogue, people, pages.user[self._page], self._item)
        self._chance = EXAMINATION[shown.position[self._rows] - 1] * bought * wanted * CHECKOUT

    def draw(self, effect: float, days_before: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Returns [users] the purchases in so many days before the first exposure, and those from it on.

        Args:
            effect: that all users get, over what they would have bought.
            days_before: how far back it is counted.
            rng: draws them.
        """
        world, users = self._world, len(self.exposed)
        treatment = dataclasses.replace(self._treatment, factor=np.full(users, 1 + effect))
        user, time = world.pages.user[self._page], world.pages.time[self._page]
        bought = rng.random(len(time)) < self._chance * treatment.at(user, time)
        one = np.ones(int(bought.sum()), dtype=np.int64)
        first = events_of(time[bought], PURCHASE, self._item[bought], user[bought], one, quantity=one)
        again = repeats(self._options, world.catalogue, world.people, first, 0, treatment, rng)
        again = again.take(again.kind == PURCHASE)
        user, time = np.concatenate([first.user, again.user]), np.concatenate([first.time, again.time])
        since = treatment.since[user]
        before = (time < since) & (time >= since - days_before * 86_400)
        return (
            np.bincount(user[before], minlength=users),
            np.bincount(user[time >= since], minlength=users),
        )
