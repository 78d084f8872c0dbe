"""The truth behind a simulated shop's clicks is that of its tables."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from aisle.datasets.simulator import SimulatorOptions, simulate
from aisle.datasets.simulator.truth import click_truth

OPTIONS = SimulatorOptions(users=300, items=200, days=30, seed=5)


def test_it_has_a_row_for_every_result_of_a_search_and_clicks_are_as_frequent_as_it_says() -> None:
    truth, events = click_truth(OPTIONS), simulate(OPTIONS).events
    searched = events.filter(pl.col("query").is_not_null())
    shown = searched.filter(pl.col("event") == "impression").with_columns(pl.col("user_id").fill_null(""))
    keys = ["timestamp", "user_id", "query", "item_id", "position"]
    assert shown.height == truth.height > 5_000
    assert shown.join(truth, on=keys, how="anti").is_empty()
    clicks = searched.filter(pl.col("event") == "click").group_by("position").len().sort("position")
    for position, count in clicks.rows():
        chance = truth.filter(pl.col("position") == position)
        p = (chance["examination"] * chance["attraction"]).to_numpy()
        # Five standard deviations of a sum of independent clicks.
        assert count == pytest.approx(p.sum(), abs=5 * np.sqrt((p * (1 - p)).sum()))
