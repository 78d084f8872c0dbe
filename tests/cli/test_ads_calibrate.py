"""`aisle ads calibrate`: from a shop's events to the file that the gateway sells by."""

from __future__ import annotations

import pathlib

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from aisle.ads.calibration import Calibration
from aisle.cli.ads.command import ads
from aisle.cli.ads.sold import Windows, learn, sold
from aisle.schema.errors import InputError

HOUR = 3_600 * 10**6
SHOWS = 2_000


def events() -> pl.DataFrame:
    """Searches in which north is shown, half of what scores 0.4 and an eighth of what scores 0.1 being clicked.

    A quarter of the clicks are bought an hour later. What is shown unsold, or clicked of it, tells nothing.
    """
    number = np.arange(SHOWS)
    score = np.where(number % 2, 0.4, 0.1)
    clicked = np.where(number % 2, number // 2 % 2 == 0, number // 2 % 8 == 0)
    shown = pl.DataFrame(
        {
            "timestamp": number * 10**6,
            "event": "impression",
            "item_id": "boot",
            "user_id": "u",
            "request_id": [f"r{one}" for one in number],
            "query": "boots",
            "position": 2,
            "sponsored": 1,
            "campaign_id": "c",
            "ad_score": score,
        }
    )
    clicks = shown.filter(pl.Series(clicked)).with_columns(
        event=pl.lit("click"), timestamp=pl.col("timestamp") + 10**6
    )
    bought = clicks.gather_every(4).with_columns(
        event=pl.lit("purchase"), timestamp=pl.col("timestamp") + HOUR
    )
    unsold = shown.head(50).with_columns(
        sponsored=pl.lit(0), ad_score=pl.lit(None, pl.Float64), item_id=pl.lit("shoe")
    )
    last = unsold.head(1).with_columns(timestamp=pl.lit(200 * HOUR))
    after = pl.concat([clicks, bought]).with_columns(ad_score=pl.lit(None, pl.Float64))
    return pl.concat([shown, after, unsold, unsold.with_columns(event=pl.lit("click")), last])


def test_chances_are_learnt_of_what_was_sold_alone() -> None:
    learnt = learn(events(), {"c": "north"}, Windows(1_800, 7 * 86_400))
    assert learnt.counts == {"search": (2_000, 625, 157)}
    found = learnt.calibration
    # At the place that was sold, as at the first one, which never was.
    np.testing.assert_allclose(
        found.chances([0.4, 0.1], [2, 2], ["north"] * 2) / 1e6, [0.5, 0.125], rtol=0.05
    )
    np.testing.assert_allclose(found.purchases([0.4, 0.1]) / 1e6, [0.25, 0.25], rtol=0.1)
    assert found.chances([0.3], surface="recommend").tolist() == [300_000]


def test_a_show_counts_once_with_what_followed_within_its_window() -> None:
    told = events()
    twice = pl.concat([told, told])
    assert sold(twice).height == SHOWS
    # No purchase comes within half an hour.
    assert learn(told, {}, Windows(1_800, 1_800)).calibration.purchases([0.4])[0] < 20_000


def test_the_command_writes_what_the_gateway_reads(tmp_path: pathlib.Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    pl.DataFrame({"item_id": ["boot", "shoe"], "title": ["Boot", "Shoe"]}).write_csv(shop / "items.csv")
    table = events().with_columns(
        pl.from_epoch("timestamp", time_unit="us").dt.strftime("%Y-%m-%d %H:%M:%S"),
        pl.col("sponsored").cast(pl.Boolean),
    )
    table.write_csv(shop / "events.csv")
    row = {"campaign_id": "c", "advertiser_id": "north", "item_id": "boot", "bid": 100_000, "budget": 10**8}
    pl.DataFrame([row | {"starts_at": "1970-01-01", "ends_at": "1971-01-01"}]).write_csv(
        shop / "campaigns.csv"
    )
    done = CliRunner().invoke(ads, ["calibrate", str(shop), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "search: learnt from 2,000 sold places, 625 clicks, 157 purchases" in done.output
    assert "recommend: nothing was sold" in done.output
    written = Calibration.from_json(
        (tmp_path / "out" / "ads" / "calibration.json").read_text(encoding="utf-8")
    )
    assert written == learn(events(), {"c": "north"}, Windows(1_800, 7 * 86_400)).calibration


@pytest.mark.parametrize("table", [events().drop("ad_score"), events().with_columns(sponsored=pl.lit(0))])
def test_events_that_tell_of_no_sale_are_refused(table: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="aisle gateway --campaigns"):
        learn(table, {}, Windows(60, 60))
