"""A simulated shop's searches after a moment, with what answers them in truth."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import numpy.typing as npt
import polars as pl

from aisle.datasets.simulator import SimulatorOptions
from aisle.datasets.simulator.relevance import grades
from aisle.datasets.simulator.shop import make_world
from aisle.datasets.simulator.truth import click_truth

_SECOND = 1_000_000


@dataclasses.dataclass(frozen=True)
class Graded:
    """The queries of a window, as the cleaner writes them.

    Attributes:
        queries: distinct, in random order.
        unseen: whether nobody had searched for it before: bool [q].
        grades: how well each item answers it, 0 to 3: float [q, n].
    """

    queries: list[str]
    unseen: npt.NDArray[np.bool_]
    grades: npt.NDArray[np.float64]

    @staticmethod
    def of(options: SimulatorOptions, item_ids: list[str], window: tuple[int, int], most: int) -> Graded:
        """Draws at most so many; `window` is of microseconds."""
        world = make_world(options)
        pages, text = world.pages, world.queries.of_page
        time = pages.time * _SECOND
        asked = np.flatnonzero((text >= 0) & (time >= window[0]) & (time < window[1]))
        before = {world.queries.texts[row] for row in set(text[(text >= 0) & (time < window[0])].tolist())}
        _, first = np.unique(text[asked], return_index=True)
        drawn = np.random.default_rng(options.seed).permutation(asked[first])[:most]
        column = {item: place for place, item in enumerate(world.catalogue.table["item_id"])}
        items = np.array([column[item] for item in item_ids])
        found = grades(pages.noun[drawn], pages.attribute[drawn], pages.word[drawn], world.catalogue, items)
        queries = [world.queries.texts[row] for row in text[drawn].tolist()]
        unseen = np.array([query not in before for query in queries])
        return Graded([cleaned(query) for query in queries], unseen, found.astype(np.float64))


@dataclasses.dataclass(frozen=True)
class Shown:
    """Pages that were shown for a search in a window.

    Attributes:
        queries, users: of each, [p].
        items: what each shows.
        attraction: the true probability of a click on each once it is looked at.
    """

    queries: list[str]
    users: list[str]
    items: list[list[str]]
    attraction: list[list[float]]

    @staticmethod
    def of(options: SimulatorOptions, window: tuple[int, int], most: int) -> Shown:
        """Draws at most so many; `window` is of microseconds."""
        truth = click_truth(options).with_columns(
            pl.col("timestamp").cast(pl.Datetime("us")).cast(pl.Int64).alias("time")
        )
        pages = (
            truth.filter(pl.col("time").is_between(*window, closed="left"))
            .group_by("time", "user_id", "query", maintain_order=True)
            .agg("item_id", "attraction")
        )
        drawn = pages.sample(min(most, len(pages)), seed=options.seed, shuffle=True)
        return Shown(
            [cleaned(query) for query in drawn["query"]],
            drawn["user_id"].to_list(),
            drawn["item_id"].to_list(),
            drawn["attraction"].to_list(),
        )


def cleaned(query: str) -> str:
    """As the cleaner writes it: single spaces, where a misspelt query has two."""
    return re.sub(r"\s+", " ", query)
