"""`aisle ads simulate`, `replay` and `report`: from pages to what was sold of them, and what is said of it."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from aisle.ads.calibration import Calibration, Rate
from aisle.cli.ads.files import read_sales
from aisle.cli.ads.from_log import Spent, read_spent, relevance_of
from aisle.cli.ads.logged import logged_requests, shown_pages
from aisle.cli.main import cli
from aisle.components.reports.schemas import validate
from aisle.gateway.ads.files import read_market
from aisle.schema.errors import InputError

SMALL = ("--users", "40", "--items", "60", "--days", "10", "--campaigns", "12")
HEAD = "campaign_id,advertiser_id,item_id,category,bid,budget,starts_at,ends_at\n"
MICROS = 1_000_000


def ask(*words: str) -> Result:
    return CliRunner().invoke(cli, ["ads", *words])


def refused(*words: str) -> str:
    """The one line that a wrong input ends with."""
    error = ask(*words).exception
    assert isinstance(error, InputError), error
    assert "\n" not in str(error)
    return str(error)


def report_of(out: pathlib.Path) -> dict[str, Any]:
    """The report in a folder, held against its schema."""
    done = ask("report", "--out", str(out))
    assert done.exit_code == 0, done.output
    text = (out / "reports" / "ads.json").read_text(encoding="utf-8")
    validate("ads", text)
    assert (out / "reports" / "ads.html").exists()
    assert (out / "reports" / "ads.md").read_text(encoding="utf-8").startswith("## Ads\n")
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    out = tmp_path_factory.mktemp("out")
    done = ask("simulate", *SMALL, "--out", str(out))
    assert done.exit_code == 0, done.output
    return out


def test_the_report_adds_up_to_what_was_sold(simulated: pathlib.Path) -> None:
    shows = pl.read_parquet(simulated / "ads" / "sold.parquet")
    report = report_of(simulated)
    assert len(shows) > 50
    assert report["revenue"] * MICROS == pytest.approx(shows["charged"].sum())
    assert (report["shows"], report["clicks"]) == (len(shows), shows["clicked"].sum())
    assert sum(one["spent"] for one in report["campaigns"]) == pytest.approx(report["revenue"])
    assert report["win_rate"] == pytest.approx(len(shows) / sum(one["bids"] for one in report["campaigns"]))
    paid = shows.filter((pl.col("bid_kind") == "click") & pl.col("clicked"))["price"]
    assert report["prices"]["click"] * MICROS == pytest.approx(paid.filter(paid > 0).mean())
    calibration = report["calibration"]
    assert calibration["predicted"] == pytest.approx(shows["chance"].sum() / MICROS)
    assert (
        sum(one["observed"] for one in calibration["tenths"])
        == calibration["observed"]
        == shows["clicked"].sum()
    )
    assert sum(one["shows"] for one in calibration["advertisers"]) == len(shows)
    sizes = [one["shows"] for one in calibration["tenths"]]
    assert max(sizes) - min(sizes) <= 1
    relevance = report["relevance"]
    assert relevance["given_up"] == pytest.approx(1 - relevance["beside"] / relevance["without"])
    assert report["spend"]["over_budget"] == 0


def test_a_seed_gives_the_same_sales_and_other_terms_others(
    simulated: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    first = read_sales(str(simulated / "ads")).shows
    for name, more in (
        ("same", ()),
        ("dear", ("--reserve", str(10**11))),
        ("one", ("--rule", "second-price")),
    ):
        assert ask("simulate", *SMALL, *more, "--out", str(tmp_path / name)).exit_code == 0
    same, dear, one = (read_sales(str(tmp_path / name / "ads")).shows for name in ("same", "dear", "one"))
    assert same.equals(first)
    assert 0 < len(dear) < len(first)
    # Nothing is shown that brings less, at its place's own chance.
    assert (dear["price"] * dear["chance"]).min() > 0
    assert set(one["place"]) == {2}


def shop(
    folder: pathlib.Path, campaigns: str = "c,a,mug,,500000,100000000,2026-03-01,2026-04-01\n"
) -> pathlib.Path:
    """40 pages of a bowl, a mug and a pot; the mug is clicked on every other one, the others on every tenth."""
    lines = ["timestamp,event,item_id,user_id,session_id,query,position"]
    for page in range(40):
        minute, who = f"2026-03-{page % 20 + 1:02} {10 + page // 20}:00", f"u{page},s{page},cup"
        lines += [
            f"{minute}:00,impression,{item},{who},{place}"
            for place, item in enumerate(("bowl", "mug", "pot"), 1)
        ]
        clicked = ["mug"] * (page % 2 == 0) + ["bowl", "pot"] * (page % 10 == 1)
        lines += [f"{minute}:09,click,{item},{who}," for item in clicked]
    (folder / "events.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "items.csv").write_text(
        "item_id,title,category\nbowl,Blue bowl,Home/Cups\nmug,White mug,Home/Cups\npot,Red pot,Home\n",
        encoding="utf-8",
    )
    (folder / "campaigns.csv").write_text(HEAD + campaigns, encoding="utf-8")
    return folder


def test_pages_of_a_log_are_sold_again_to_who_bids_for_what_was_on_them(tmp_path: pathlib.Path) -> None:
    rows = (
        "c,a,mug,,500000,100000000,2026-03-01,2026-04-01\nd,b,pot,,500000,100000000,2026-03-01,2026-04-01\n"
    )
    rows += "e,f,,Home/Cups,1000,100000000,2026-03-01,2026-04-01\n"
    out = tmp_path / "out"
    words = ("replay", str(shop(tmp_path, rows)), "--out", str(out), "--places", "1", "--pacing", "none")
    done = ask(*words)
    assert done.exit_code == 0, done.output
    shows = read_sales(str(out / "ads")).shows
    # The mug's chance is the highest, so that its campaign wins each page, and pays what the pot's would have brought.
    assert shows["campaign_id"].to_list() == ["c"] * 40
    assert shows["price"].n_unique() == 2  # By either half of the visitors.
    assert shows["price"].min() > 0 and shows["price"].max() < 500_000
    report = report_of(out)
    assert (report["source"], report["requests"], report["auctions"]) == ("replay", 40, 40)
    assert report["relevance"]["given_up"] < 0  # The mug moves to the top, where it belongs.
    assert {one["campaign_id"]: one["bids"] for one in report["campaigns"]} == {"c": 40, "d": 40, "e": 40}
    assert ask(*words, "--floor", "1").exit_code == 0
    assert report_of(out)["shows"] == 40  # The last item's own chance is a floor that the mug is above.


def test_what_is_believed_of_a_page_is_learnt_of_other_visitors_than_what_comes_of_it() -> None:
    pages = [{"timestamp": n * 10**9, "event": "impression", "item_id": "x", "user_id": "ab"[n % 2],
              "session_id": f"s{n}", "query": "q", "position": 1} for n in range(40)]  # fmt: skip
    clicks = [{**page, "timestamp": page["timestamp"] + 1, "event": "click"} for page in pages[::2]]
    requests, _ = logged_requests(pl.DataFrame(pages + clicks), {})
    assert len(requests) == 40
    for one in requests:
        # Twenty looks with twenty clicks, or none, and twenty more at the half that all have.
        own, other = (0.75, 0.25) if one.user == "a" else (0.25, 0.75)
        assert (one.candidates[0].click, one.truth[0, 0]) == (other * MICROS, own)
        assert one.gains[0] == pytest.approx(0.5)


def test_what_was_sponsored_on_a_page_is_not_among_its_own_items(tmp_path: pathlib.Path) -> None:
    shop(tmp_path)
    events = pl.read_csv(tmp_path / "events.csv")
    paid = events.with_columns(sponsored=(pl.col("event") == "impression") & (pl.col("item_id") == "mug"))
    paid.write_csv(tmp_path / "events.csv")
    out = tmp_path / "out"
    assert ask("replay", str(tmp_path), "--out", str(out), "--places", "1").exit_code == 0
    relevance = report_of(out)["relevance"]
    # Without ads the pages list the bowl and the pot, and the mug, which is clicked most, is worth more than both.
    assert relevance["without"] < 0.7 < relevance["beside"]
    # As the pages were shown, the mug was second. A log's own pages are worth the same, counted in another way.
    times = pl.col("timestamp").str.to_datetime("%Y-%m-%d %H:%M:%S").dt.epoch("us")
    without, shown = relevance_of(
        shown_pages(paid.with_columns(times, sponsored=pl.col("sponsored").cast(pl.Int64)))
    )
    assert without == pytest.approx(relevance["without"])
    assert without < shown < relevance["beside"]


def test_a_file_of_campaigns_may_tell_its_times_as_timestamps(tmp_path: pathlib.Path) -> None:
    times = [pl.col(name).str.to_datetime("%Y-%m-%d") for name in ("starts_at", "ends_at")]
    told = pl.read_csv(shop(tmp_path) / "campaigns.csv").with_columns(times)
    (tmp_path / "campaigns.csv").unlink()
    told.write_parquet(tmp_path / "told.parquet")
    words = ("--campaigns", str(tmp_path / "told.parquet"), "--out", str(tmp_path / "out"), "--places", "1")
    assert ask("replay", str(tmp_path), *words).exit_code == 0
    assert read_sales(str(tmp_path / "out" / "ads")).shows["campaign_id"].unique().to_list() == ["c"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--places", "two"), "--places is 'two', expected places from 1 on, such as 2,6"),
        (("--places", "6,2"), "expected whole numbers from 1 that rise"),
        (("--campaigns", "none.parquet"), "no campaigns in none.parquet: give SHOP a table campaigns"),
    ],
)
def test_what_cant_be_sold_by_is_refused_in_one_line(
    words: tuple[str, ...], told: str, tmp_path: pathlib.Path
) -> None:
    assert told in refused("replay", str(shop(tmp_path)), *words, "--out", str(tmp_path / "out"))


def test_a_log_that_tells_nothing_is_refused_in_one_line(tmp_path: pathlib.Path) -> None:
    out = ("--out", str(tmp_path / "out"))
    assert "nothing was sold in" in refused("report", *out)
    assert "does not exist" in refused("replay", str(tmp_path / "nowhere"), *out)
    folder = shop(tmp_path)
    events = (folder / "events.csv").read_text(encoding="utf-8")
    (folder / "events.csv").write_text(
        "\n".join(one for one in events.split("\n") if "click" not in one), encoding="utf-8"
    )
    assert "none of the results shown was clicked" in refused("replay", str(folder), *out)
    (folder / "events.csv").write_text(
        "\n".join(one for one in events.split("\n") if "impression" not in one), encoding="utf-8"
    )
    assert "the events hold no impression" in refused("replay", str(folder), *out)
    (folder / "campaigns.csv").write_text(HEAD + "c,a,,,5,5,2026-03-01,2026-04-01\n", encoding="utf-8")
    (folder / "events.csv").write_text(events, encoding="utf-8")
    assert "no campaign" in refused("replay", str(folder), *out)
    (tmp_path / "out" / "ads").mkdir(parents=True)
    (tmp_path / "out" / "ads" / "selling.json").write_text("{", encoding="utf-8")
    assert "can't be read" in refused("report", *out)
    assert ask("simulate", "--campaigns", "0").exit_code == 2
    assert ask("simulate", "--error", "nan").exit_code == 2


def logged(folder: pathlib.Path) -> pathlib.Path:
    """20 pages of a gateway: a mug is sold the second place of a bowl, a pot and a cup; every fourth one is clicked and every
    tenth bought, one a day late."""
    shop(folder)
    lines = ["timestamp,event,item_id,session_id,query,position,request_id,sponsored,campaign_id,ad_score"]
    for page in range(20):
        hour, who = f"2026-03-{page + 1:02} 10", f"s{page},cup"
        shown = (("bowl", ""), ("mug", "true,c,0.25"), ("pot", ""))
        lines += [
            f"{hour}:00:00,impression,{item},{who},{place},r{page},{more or ',,'}"
            for place, (item, more) in enumerate(shown, 1)
        ]
        lines += [f"{hour}:01:00,click,bowl,{who},,r{page},,,"] * (page % 2)
        minute = "01" if page else "40"  # After half an hour it isn't the show's.
        lines += [f"{hour}:{minute}:00,click,mug,{who},,r{page},true,c,"] * (page % 4 == 0)
        lines += [f"{hour}:05:00,purchase,mug,{who},,r{page},true,c,"] * (page % 10 == 0)
    (folder / "events.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "spent.json").write_text(
        json.dumps(
            {
                "campaigns": [
                    {"campaign_id": "c", "budget": 100_000_000, "spent": 2_000_000, "held": 5, "bids": 80}
                ],
                "stale": False,
            }
        ),
        encoding="utf-8",
    )
    return folder


def test_a_gateways_log_tells_what_was_sold_and_the_gateway_what_was_spent(tmp_path: pathlib.Path) -> None:
    folder, out = logged(tmp_path), tmp_path / "out"
    done = ask("report", str(folder), "--spent", str(folder / "spent.json"), "--out", str(out))
    assert done.exit_code == 0, done.output
    text = (out / "reports" / "ads.json").read_text(encoding="utf-8")
    validate("ads", text)
    report = json.loads(text)
    assert [report[name] for name in ("source", "terms", "bids", "win_rate")] == ["log", None, 80, 0.25]
    # Clicks on pages 4, 8, 12 and 16: that of page 0 is late. Purchases on 0 and 10.
    counted = ("requests", "shows", "clicks", "purchases", "revenue")
    assert [report[name] for name in counted] == [20, 20, 4, 2, 2.0]
    (campaign,) = report["campaigns"]
    assert (campaign["paid"], campaign["price"], campaign["spent"]) == (4, 0.5, 2.0)
    assert (campaign["bids"], campaign["win_rate"]) == (80, 0.25)
    # Of March and the campaign's 31 days the pages take 19 days and a microsecond.
    assert campaign["planned"] == pytest.approx(100 * 19 / 31, abs=1e-3)
    # A score stands for itself without a calibration.
    assert report["calibration"]["predicted"] == pytest.approx(20 * 0.25)
    assert report["calibration"]["ratio"] == pytest.approx(5 / 4)
    learnt = Rate((0.0, 1.0), (0.0, 1.0), (1.0, 0.8), {"a": 1.0}, {"c": 1.0})
    told = Calibration({"search": learnt, "recommend": Rate()}, Calibration.identity().purchase_rates)
    (out / "ads").mkdir()
    (out / "ads" / "calibration.json").write_text(told.to_json(), encoding="utf-8")
    assert ask("report", str(folder), "--spent", str(folder / "spent.json"), "--out", str(out)).exit_code == 0
    again = json.loads((out / "reports" / "ads.json").read_text(encoding="utf-8"))
    assert again["calibration"]["predicted"] == pytest.approx(20 * 0.25 * 0.8)  # At the second place.
    # All three are clicked alike where they are looked at: no order of them is worse.
    assert report["relevance"]["given_up"] == pytest.approx(0.0, abs=1e-6)
    assert "Rule" not in (out / "reports" / "ads.md").read_text(encoding="utf-8")


def test_a_log_whose_items_are_told_nothing_of_is_reported_on_by_the_campaigns_of_a_run(
    tmp_path: pathlib.Path,
) -> None:
    folder, out = logged(tmp_path), tmp_path / "out"
    assert ask("campaigns", str(folder), "--out", str(out)).exit_code == 0
    for name in ("items.csv", "campaigns.csv"):
        (folder / name).unlink()
    (folder / "items").mkdir()
    done = ask("report", str(folder), "--spent", str(folder / "spent.json"), "--out", str(out))
    assert done.exit_code == 0, done.output
    report = json.loads((out / "reports" / "ads.json").read_text(encoding="utf-8"))
    assert [report[name] for name in ("requests", "shows", "clicks", "purchases")] == [20, 20, 4, 2]
    done = ask("calibrate", str(folder), "--out", str(out))
    assert done.exit_code == 0, done.output
    learnt = Calibration.from_json((out / "ads" / "calibration.json").read_text(encoding="utf-8"))
    assert list(learnt.click_rates["search"].advertisers) == ["a"]  # Whose the campaign is in the run's file.


def test_campaigns_of_a_table_are_made_a_file_that_a_gateway_reads(tmp_path: pathlib.Path) -> None:
    rows = "c,a,mug,,500000,100000000,2026-03-01,2026-04-01\nd,b,,home/cups,5,100,2026-03-01,2226-04-01\n"
    rows += "e,b,mug,,-1,100,2026-03-01,2026-04-01\nf,b,jug,,1,100,2026-03-01,2026-04-01\n"
    done = ask("campaigns", str(shop(tmp_path, rows)), "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    path = tmp_path / "out" / "ads" / "campaigns.parquet"
    assert f"campaigns: 2 in {path}" in done.output
    assert "not among them: 1 (bad bid)" in done.output and "of 2 campaigns 1 can't sell" in done.output
    assert [(one.campaign_id, one.category) for one in read_market(path).campaigns] == [
        ("c", ""), ("d", "Home/Cups"),
    ]  # fmt: skip
    told = refused("replay", str(tmp_path), "--campaigns", str(tmp_path / "campaigns.csv"))
    assert "or `aisle ads campaigns SHOP`, makes of a shop's table campaigns" in told


def test_a_gateway_of_before_tells_no_bids(tmp_path: pathlib.Path) -> None:
    (tmp_path / "spent.json").write_text(
        '{"campaigns": [{"campaign_id": "c", "spent": 5}]}', encoding="utf-8"
    )
    assert read_spent(str(tmp_path / "spent.json")) == {"c": Spent(5, None)}


def test_a_log_report_needs_what_was_spent_and_campaigns_that_are_known(tmp_path: pathlib.Path) -> None:
    folder = logged(tmp_path)
    spent, out = str(folder / "spent.json"), ("--out", str(tmp_path / "out"))
    assert ask("report", str(folder), *out).exit_code == 2
    assert ask("report", "--spent", spent, *out).exit_code == 2
    assert "doesn't tell what campaigns have spent" in refused(
        "report", str(folder), "--spent", str(folder / "items.csv"), *out
    )
    for told, said in (('{"campaigns": []}', "--spent doesn't tell of the campaigns c, which the events show"),
                       ('{"campaigns": [{"campaign_id": "c", "spent": -5}]}', "spent is -5, expected a whole number")):  # fmt: skip
        (folder / "wrong.json").write_text(told, encoding="utf-8")
        assert said in refused("report", str(folder), "--spent", str(folder / "wrong.json"), *out)
    other = "d,a,mug,,500000,100000000,2026-03-01,2026-04-01\n"
    (folder / "campaigns.csv").write_text(HEAD + other, encoding="utf-8")
    assert "campaigns that the table lacks: c" in refused("report", str(folder), "--spent", spent, *out)
    shop(folder)
    assert "none is marked as sponsored" in refused("report", str(folder), "--spent", spent, *out)
