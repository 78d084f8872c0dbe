"""What decides the clicks of a simulated shop, and no shop's tables hold: for measuring what was learnt of them."""

from __future__ import annotations

import polars as pl

from aisle.datasets.simulator.behaviour import CHECKOUT, EXAMINATION, attraction, cart_probability
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
