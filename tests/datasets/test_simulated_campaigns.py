"""A simulated shop's campaigns: of the same seed the same, none that the cleaner takes out, and their pages as requests."""

from __future__ import annotations

import pathlib

import numpy as np
import polars as pl
import pytest

from aisle.ads.market import Market
from aisle.components.cleaner.clean import clean
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.example_gen.reader import read_table
from aisle.datasets import simulator
from aisle.datasets.simulator.auctions import BESIDE, LOOKS, make_requests
from aisle.datasets.simulator.slates import PAGE_SIZE
from aisle.datasets.simulator.truth import click_truth
from aisle.schema.errors import InputError
from aisle.schema.tables import TABLE_BY_NAME

OPTIONS = simulator.SimulatorOptions(users=60, items=80, days=14, seed=5, campaigns=40)


def test_campaigns_change_nothing_else_of_a_shop_and_none_is_lost(tmp_path: pathlib.Path) -> None:
    written = simulator.write(simulator.simulate(OPTIONS), tmp_path / "with")
    simulator.write(simulator.simulate(OPTIONS.model_copy(update={"campaigns": 0})), tmp_path / "without")
    assert written.rows["campaigns"] == 40
    own, others = ({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.csv")} for folder in (tmp_path / "with", tmp_path / "without"))  # fmt: skip
    more = {pathlib.Path("campaigns.csv"), simulator.CAMPAIGN_TRUTH}
    assert {path: own[path] for path in own.keys() - more} == others
    read = {name: read_table(str(tmp_path / "with"), TABLE_BY_NAME[name]) for name in ("items", "campaigns")}
    cleaned = clean(
        {name: one.rows for name, one in read.items()}, {name: one.provenance for name, one in read.items()}, {}, CleanerOptions()
    )  # fmt: skip
    assert cleaned.ledger["tables"]["campaigns"]["used"] == 40
    truth = pl.read_csv(tmp_path / "with" / simulator.CAMPAIGN_TRUTH)
    table = pl.read_csv(tmp_path / "with" / "campaigns.csv")
    assert truth["campaign_id"].equals(table["campaign_id"])
    # Nobody bids more than it is worth, and some campaigns are of each kind.
    assert ((table["bid"] <= truth["value"]) | (table["bid"] == 1)).all()
    assert table["item_id"].null_count() + table["category"].null_count() == 40
    assert all(0 < table[name].null_count() < 40 for name in ("item_id", "query", "frequency_cap"))


def test_every_fault_that_is_planted_in_campaigns_is_found(tmp_path: pathlib.Path) -> None:
    dirty = OPTIONS.model_copy(update={"campaigns": 300, "dirt": 0.3})
    simulator.write(simulator.simulate(dirty), tmp_path)
    read = {name: read_table(str(tmp_path), TABLE_BY_NAME[name]) for name in ("items", "campaigns")}
    cleaned = clean(
        {name: one.rows for name, one in read.items()},
        {name: one.provenance for name, one in read.items()},
        {name: one.quarantine for name, one in read.items()},
        CleanerOptions(),
    )
    planted = pl.read_csv(tmp_path / simulator.GROUND_TRUTH).filter(pl.col("table") == "campaigns")
    lost = pl.DataFrame(pl.from_arrow(cleaned.evidence)).filter(pl.col("outcome") != "noted")
    assert planted["kind"].n_unique() == 15
    assert set(planted["line"]) <= set(lost.filter(pl.col("table") == "campaigns")["line"])


def test_pages_are_requests_with_the_chances_that_decide_what_happens() -> None:
    requests, asked = make_requests(OPTIONS)
    assert len(Market(asked)) == 40
    times = [one.at for one in requests]
    assert times == sorted(times)
    truth = click_truth(OPTIONS)
    searches = [one for one in requests if one.query]
    assert sum(one.listed for one in searches) == len(truth)
    first = truth.filter(pl.col("position") == 1)
    known = {(row["timestamp"], row["user_id"], row["query"], row["item_id"]): (row["attraction"], row["conversion"]) for row in first.to_dicts()}  # fmt: skip
    said = {(_time(one.at), one.user, one.query, one.candidates[0].item_id): tuple(one.truth[0]) for one in searches if one.listed}  # fmt: skip
    assert said.keys() == known.keys()
    assert all(said[key] == pytest.approx(known[key], rel=1e-5) for key in known)
    for one in requests:
        assert one.listed <= PAGE_SIZE
        assert len(one.candidates) <= one.listed + BESIDE
        assert len({candidate.item_id for candidate in one.candidates}) == len(one.candidates)
        assert [candidate.click for candidate in one.candidates] == pytest.approx(
            (one.truth[:, 0] * 1e6).tolist(), abs=1
        )
    assert LOOKS[0] == 1_000_000
    assert list(LOOKS) == sorted(LOOKS, reverse=True)


def test_an_auction_may_believe_what_is_off_and_what_happens_stays() -> None:
    right, wrong = (make_requests(OPTIONS, error)[0] for error in (0.0, 0.5))
    odds = [
        [np.log(one.candidates[row].click / (1e6 - one.candidates[row].click)) for one in found for row in range(min(one.listed, 1))]
        for found in (right, wrong)
    ]  # fmt: skip
    assert np.std(np.subtract(*odds)) == pytest.approx(0.5, rel=0.15)
    assert all((one.truth[: one.listed] == other.truth[: other.listed]).all() for one, other in zip(right, wrong, strict=True))  # fmt: skip


def test_a_shop_without_campaigns_has_nothing_to_sell() -> None:
    with pytest.raises(InputError, match="the shop has no campaigns"):
        make_requests(OPTIONS.model_copy(update={"campaigns": 0}))


def _time(at: int) -> object:
    return pl.select(pl.from_epoch(pl.lit(at), time_unit="us").cast(pl.Datetime("us"))).item()
