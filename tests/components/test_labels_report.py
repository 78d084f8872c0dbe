"""The report `labels`: what it counts, what its page says, and what it may never do."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import re
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from aisle.cli.report import report as report_command
from aisle.components.labeler.label import label
from aisle.components.labeler.labelled import Labelled
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.storage import TABLES, read_interactions, write_interactions
from aisle.components.labeler.summary import summarise
from aisle.components.reports import write_labels
from aisle.components.reports.schemas import validate
from aisle.datasets.simulator import SimulatorOptions, simulate

OPTIONS = LabelerOptions(conversion_window_days=1.0, precedence="judgements")
EVIL = "<script>alert('$x^2$')</script>\x00\u202e"


@pytest.fixture(scope="module")
def labelled() -> Labelled:
    shop = simulate(SimulatorOptions(users=400, items=300, days=60, seed=2, events=60_000))
    events = shop.events.with_columns(pl.col("timestamp").dt.epoch("us"))
    judges = shop.judgements.with_columns(
        pl.col("grade").cast(pl.Float64),
        grades=pl.concat_list(pl.col("grade"), pl.lit(1)).cast(pl.List(pl.Float64)),
    )
    tables = {"items": shop.items, "users": shop.users, "events": events, "judgements": judges}
    return label({name: frame.to_arrow() for name, frame in tables.items()}, OPTIONS)


@pytest.fixture(scope="module")
def report(labelled: Labelled) -> dict[str, Any]:
    return summarise(labelled, OPTIONS)


def page(report: dict[str, Any], folder: pathlib.Path) -> str:
    written = pathlib.Path(write_labels(report, str(folder)))
    validate("labels", written.with_suffix(".json").read_text(encoding="utf-8"))
    return written.read_text(encoding="utf-8")


def test_the_counts_are_those_of_the_tables(labelled: Labelled, report: dict[str, Any]) -> None:
    impressions = pl.DataFrame(pl.from_arrow(labelled.tables["impressions"]))
    outcomes = report["outcomes"]
    assert outcomes["labelled"] == len(impressions) == sum(split["results"] for split in report["splits"])
    assert outcomes["shown"] == outcomes["labelled"] + outcomes["unnamed"] + outcomes["unsettled"]
    assert outcomes["unknown"] == sum(split["unknown"] for split in report["splits"]) > 0
    for split in report["splits"]:
        part = impressions.filter(pl.col("split") == split["split"])
        assert split["clicked"] == part["clicked"].sum() >= split["converted"] + split["unknown"]
        assert split["converted"] == (part["purchase"] == 1).sum() > 0
    assert [split["split"] for split in report["splits"]] == ["train", "eval", "test"]
    assert report["splits"][1]["start"] == report["splits"][0]["end"]
    assert sum(split["judgements"] for split in report["splits"]) == report["judgements"]["judgements"]
    assert (
        sum(grade["count"] for grade in report["judgements"]["grades"]) == report["judgements"]["judgements"]
    )
    assert report["judgements"]["judged_results"] == (impressions["source"] == "judgement").sum() > 0
    rates = report["judgements"]["clicks_by_grade"]
    assert [row["grade"] for row in rates] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert rates[0]["ctr"] < rates[3]["ctr"]
    assert report["joins"]["answering"] <= report["joins"]["clicks"]
    # A simulated purchase comes less than two minutes after its click.
    assert report["joins"]["delays"]["1 hour"] == 1.0
    assert 0 < report["joins"]["delays"]["1 minute"] < 1


def test_the_page_names_what_was_found(report: dict[str, Any], tmp_path: pathlib.Path) -> None:
    text = page(report, tmp_path)
    intent = report["intents"]["examples"][0]
    for said in (
        "intervention harvesting",
        "Krippendorff",
        "not known yet",
        *intent["query"].split(),
        intent["category"],
    ):
        assert said in text
    assert text.count("<svg") == 2
    drawings = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert not re.search(r"#0[0-9a-f]{5}\b", drawings)


def test_the_page_runs_and_loads_nothing(report: dict[str, Any], tmp_path: pathlib.Path) -> None:
    evil = copy.deepcopy(report)
    evil["intents"]["examples"][0] |= {"query": EVIL, "category": EVIL}
    evil["tags"]["examples"][0] |= {"title": EVIL, "tags": [EVIL]}
    text = page(evil, tmp_path)
    assert text.count("&lt;script&gt;") == 4
    assert not {"\x00", "\u202e"} & set(text)
    assert not re.search(r"<(script|iframe|link|object|form|img)\b|url\((?!#)|@import", text)
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text


def test_the_three_forms_are_written_and_the_same_each_time(
    report: dict[str, Any], tmp_path: pathlib.Path
) -> None:
    page(report, tmp_path / "1")
    page(report, tmp_path / "2")
    assert sorted(os.listdir(tmp_path / "1")) == ["labels.html", "labels.json", "labels.md"]
    for name in os.listdir(tmp_path / "1"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    assert json.loads((tmp_path / "1" / "labels.json").read_text(encoding="utf-8")) == report
    summary = (tmp_path / "1" / "labels.md").read_text(encoding="utf-8")
    assert "| train | " in summary
    assert "Position bias: intervention harvesting (1: 1.00, 2: " in summary


def test_labels_are_the_same_from_run_to_run(labelled: Labelled) -> None:
    shop = simulate(SimulatorOptions(users=400, items=300, days=60, seed=2, events=60_000))
    events = shop.events.with_columns(pl.col("timestamp").dt.epoch("us"))
    tables = {"items": shop.items, "users": shop.users, "events": events}
    again = label({name: frame.to_arrow() for name, frame in tables.items()}, OPTIONS)
    for name in ("interactions", "intents", "tags"):
        assert again.tables[name].equals(labelled.tables[name])
    assert again.bias == labelled.bias


def test_what_is_doubtful_is_said_first(report: dict[str, Any], tmp_path: pathlib.Path) -> None:
    doubtful = copy.deepcopy(report)
    doubtful["position_bias"] |= {"method": "none", "why": "3 clicks are too few", "places": []}
    doubtful["outcomes"] |= {"unnamed": 7, "unknown": 10**9}
    text = page(doubtful, tmp_path / "reports")
    for said in ("3 clicks are too few", "7 search results", "labels.conversion_window_days"):
        assert said in text
    result = CliRunner().invoke(report_command, ["--out", str(tmp_path)], catch_exceptions=False)
    assert result.output.startswith("labels: ")
    assert "search results" in result.output


def test_a_bias_that_nothing_reads_is_said_to_be_not_estimated(tmp_path: pathlib.Path) -> None:
    shop = simulate(SimulatorOptions(users=100, items=100, days=40, seed=1, events=6_000))
    events = shop.events.with_columns(pl.col("timestamp").dt.epoch("us"))
    tables = {"items": shop.items, "users": shop.users, "events": events}
    unread = OPTIONS.model_copy(update={"position_bias": "none"})
    labelled = label({name: frame.to_arrow() for name, frame in tables.items()}, unread)
    report = summarise(labelled, unread)
    assert (report["position_bias"]["asked"], report["position_bias"]["method"]) == ("none", "none")
    assert "Nothing reads it: ranker.propensity is off" in page(report, tmp_path)
    assert "Position bias: not estimated" in (tmp_path / "labels.md").read_text(encoding="utf-8")
    weights = labelled.tables["impressions"].column("weight").to_pylist()
    assert len(weights) > 100
    assert set(weights) == {1.0}


def test_a_shop_of_judgements_alone_is_told_of(tmp_path: pathlib.Path) -> None:
    queries = [f"query {n * n}" for n in range(40)]
    judgements = pl.DataFrame({"query": queries, "item_id": ["a", "b"] * 20, "grade": [1.0, 3.0] * 20})
    items = pl.DataFrame({"item_id": ["a", "b"], "title": ["A", "B"]})
    labelled = label({"items": items.to_arrow(), "judgements": judgements.to_arrow()}, LabelerOptions())
    report = summarise(labelled, LabelerOptions())
    assert report["goal"] == "judgement"
    assert all(split["end"] is None for split in report["splits"])
    text = page(report, tmp_path / "reports")
    assert "40 judgements" in text
    assert "no column tells the judges apart" in text
    assert "Position bias" not in text
    result = CliRunner().invoke(report_command, ["--out", str(tmp_path)], catch_exceptions=False)
    assert result.output == f"labels: 40 judgements\t{tmp_path}/reports/labels.html\n"


def test_every_table_of_the_labeler_is_written_and_read_again(
    labelled: Labelled, tmp_path: pathlib.Path
) -> None:
    write_interactions(str(tmp_path), labelled)
    tables, splits = read_interactions(str(tmp_path))
    assert set(tables) == set(TABLES) == set(labelled.tables)
    assert splits["goal"] == "purchase"
    for name in ("intents", "tags", "impressions", "events"):
        assert pl.DataFrame(pl.from_arrow(tables[name])).equals(
            pl.DataFrame(pl.from_arrow(labelled.tables[name]))
        )


def test_of_some_splits_alone_the_impressions_are_read(labelled: Labelled, tmp_path: pathlib.Path) -> None:
    write_interactions(str(tmp_path), labelled)
    whole, _ = read_interactions(str(tmp_path))
    tables, _ = read_interactions(str(tmp_path), shown=("eval", "test"))
    impressions, some = (pl.DataFrame(pl.from_arrow(each["impressions"])) for each in (whole, tables))
    assert some.equals(impressions.filter(pl.col("split") != "train"))
    assert 0 < len(some) < len(impressions)
    assert all(tables[name].equals(whole[name]) for name in TABLES if name != "impressions")


def test_of_some_tables_some_columns_are_read_and_of_others_nothing(
    labelled: Labelled, tmp_path: pathlib.Path
) -> None:
    write_interactions(str(tmp_path), labelled)
    whole, _ = read_interactions(str(tmp_path))
    columns = {"impressions": ("query", "timestamp", "there is no such")}
    tables, _ = read_interactions(str(tmp_path), columns=columns, but=("events", "intents"))
    assert set(tables) == set(TABLES) - {"events", "intents"}
    assert tables["impressions"].equals(whole["impressions"].select(tables["impressions"].column_names))
    assert set(tables["impressions"].column_names) == {"query", "timestamp"}
    assert tables["interactions"].equals(whole["interactions"])
