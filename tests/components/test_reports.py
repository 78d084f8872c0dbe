"""The reports: what the pages say, and what they may never do."""

from __future__ import annotations

import copy
import html.parser
import json
import math
import os
import pathlib
import re
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from aisle.cli.report import report as report_command
from aisle.components.reports import write_anomalies, write_cleaning, write_evaluation
from aisle.components.reports.charts import compact, label
from aisle.components.reports.cleaning import outcomes
from aisle.components.reports.markdown import plain
from aisle.components.reports.page import number, share, visible
from aisle.components.reports.publish import publish
from aisle.schema.errors import InputError

EVIL = "<script>alert('$x^2$')</script>\x00\u202e"

ANOMALIES: dict[str, Any] = {
    "version": 1,
    "verdict": "blocked",
    "counts": {"ERROR": 1, "WARNING": 1, "ALLOWED": 0},
    "anomalies": [
        {
            "name": "items.price:NONFINITE_NUMBERS", "severity": "ERROR", "table": "items",
            "feature": "price", "type": "NONFINITE_NUMBERS", "what": f"2 numbers are NaN {EVIL}",
            "value": 0.25, "threshold": 0.0, "unit": "share", "mend": "Mend it.",
            "examples": [{"file": "items.csv", "line": 7, "value": EVIL}],
            "contributors": [{"value": EVIL, "share": 0.5, "before": None}],
        },
        {
            "name": "items.category:DRIFT", "severity": "WARNING", "table": "items",
            "feature": "category", "type": "DRIFT", "what": "The values moved.",
            "value": 0.3, "threshold": 0.1, "unit": "", "mend": "See.", "examples": [],
            "contributors": [{"value": EVIL, "share": 0.5, "before": 0.2}],
        },
    ],
    "compared": True,
    "tables": [
        {"table": "items", "read": 10, "kept": 8, "quarantined": 2,
         "columns": {"declared": ["item_id"], "extra": [EVIL], "absent": ["brand"]}}
    ],
    "quarantine": [
        {"table": "items", "column": EVIL, "reason": "not a number", "rows": 2,
         "examples": [{"file": EVIL, "line": 3, "value": EVIL}]}
    ],
    "distributions": [
        {"table": "items", "feature": EVIL, "kind": "text", "rows": 8, "missing": 1, "unique": 2,
         "top": [{"value": EVIL, "count": 5.0}, {"value": "鞄 🎒", "count": 2.0}]},
        {"table": "items", "feature": "price", "kind": "number", "rows": 8, "missing": 0, "min": 1.0,
         "max": 3.0, "histogram": [{"low": 1.0, "high": 2.0, "count": 5.0},
                                     {"low": 2.0, "high": 3.0, "count": 3.0}]},
        {"table": "items", "feature": "available_at", "kind": "time", "rows": 8, "missing": 0, "min": 0.0,
         "max": 1e18, "histogram": [{"low": 0.0, "high": 1e18, "count": 8.0}]},
        {"table": "items", "feature": "category", "kind": "text", "rows": 8, "missing": 1, "unique": 2,
         "top": [{"value": EVIL, "count": 5.0}, {"value": "Home", "count": 0.0}],
         "moved": {"measure": "L-infinity distance", "value": 0.3, "threshold": 0.1},
         "before": {"rows": 9, "missing": 0, "top": [{"value": EVIL, "count": 2.0},
                                                     {"value": "Home", "count": 7.0}]}},
        {"table": "items", "feature": "stock", "kind": "number", "rows": 8, "missing": 0, "min": 1.0,
         "max": 1.0, "histogram": [{"low": 1.0, "high": 1.0, "count": 8.0}], "moved": None,
         "before": {"rows": 9, "missing": 0, "histogram": [{"low": 1.0, "high": 1.0, "count": 9.0}]}},
    ],
}  # fmt: skip

for picture in ANOMALIES["distributions"]:
    picture |= {"moved": picture.get("moved"), "before": picture.get("before")}

LEDGER: dict[str, Any] = {
    "version": 1,
    "tables": {
        "events": {
            "read": 100, "used": 90, "quarantined": 6, "merged": 4,
            "steps": [
                {"step": "deduplicate", "reason": "exact duplicate", "outcome": "merged", "rows": 4,
                 "examples": [{"file": "events.csv", "line": 5, "before": {"query": EVIL}, "after": None}]},
                {"step": "range", "reason": EVIL, "outcome": "quarantined", "rows": 6, "examples": []},
                {"step": "normalise", "reason": "white space", "outcome": "changed", "rows": 50,
                 "examples": [{"file": "", "line": 2, "before": {"query": " a"}, "after": {"query": "a"}}]},
            ],
        },
        "users": {"read": 0, "used": 0, "quarantined": 0, "merged": 0, "steps": []},
    },
}  # fmt: skip

METRICS = {"recall": 0.3382, "ndcg": 0.3301, "coverage": 0.6, "ci": {"ndcg": [0.31, 0.35]}}
EVALUATION: dict[str, Any] = {
    "version": 1,
    "goal": "purchase",
    "window": {"test_start": "2011-10-09", "end": "2011-11-08"},
    "k": 20,
    "users": {"all": 1104, "new": 1026},
    "catalogue": 3411,
    "systems": [
        {"name": "whole pipeline", "all": METRICS, "new": {**METRICS, "ci": {}}},
        {"name": EVIL, "all": {"recall": 0.1061, "ndcg": 0.1068, "coverage": 0.9}, "new": None},
    ],
    "slices": [
        {"kind": "country", "name": EVIL, "rule": "of that country", "users": 40, "recall": 0.3, "ndcg": 0.25,
         "baseline": {"name": EVIL, "recall": 0.2, "ndcg": 0.2}, "gain": {"ndcg": 0.05, "ci": [-0.01, 0.1]}},
        {"kind": "newcomers", "name": "new users", "rule": "no event before the test", "users": 7,
         "recall": None, "ndcg": None, "baseline": None, "gain": None},
    ],
    "slice_users": 30,
    "exposure": [
        {"by": "brand", "distance": {"whole pipeline": 0.123, EVIL: None},
         "groups": [{"name": EVIL, "catalogue": 0.5, "taken": 0.25,
                     "exposure": {"whole pipeline": 0.75, EVIL: None}}]},
    ],
    "search": {
        "queries": 27,
        "ndcg_at": 10,
        "recall_at": 100,
        "systems": [{"name": "BM25", "ndcg": 0.8, "recall": 0.9}],
    },
    "ranking": {
        "auc": 0.78, "log_loss": math.nan, "rows": 5000,
        "calibration": {"predicted": 0.2, "observed": 0.25, "ece": 0.0625,
                        "bins": [{"predicted": 0.1, "observed": 0.2, "count": 2500},
                                 {"predicted": 0.3, "observed": 0.3, "count": 2500}]},
    },
    "last_blessed": {"compared": False, "why": EVIL, "failed": False},
    "blessing": {
        "blessed": False, "reasons": [f"worse than {EVIL}"],
        "checks": [{"passed": False, "line": f"worse than {EVIL}"}, {"passed": True, "line": "reached"},
                   {"passed": None, "line": "no last one"}],
    },
    "training": {"two_tower": {"loss": [3.0, 2.0, 1.5], "val": [3.1, 2.4, 2.2]}, "ranking": {"loss": [1.0]}},
}  # fmt: skip

REPORTS = [
    (write_anomalies, ANOMALIES, "anomalies"),
    (write_cleaning, LEDGER, "cleaning"),
    (write_evaluation, EVALUATION, "evaluation"),
]


class _Tags(html.parser.HTMLParser):
    """Collects a page's tags and attributes, as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


@pytest.mark.parametrize(("write", "report", "name"), REPORTS)
def test_a_page_runs_nothing_and_loads_nothing(
    write: Any, report: Any, name: str, tmp_path: pathlib.Path
) -> None:
    page = pathlib.Path(write(report, str(tmp_path / "made"))).read_text(encoding="utf-8")
    parsed = _Tags(page)
    assert not {"script", "iframe", "link", "object", "form", "img"} & set(parsed.tags)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert ("content", policy) in parsed.attributes
    for attribute, value in parsed.attributes:
        assert not attribute.startswith("on")
        if attribute in ("href", "src", "xlink:href"):
            assert value.startswith("#")
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert "&lt;script&gt;" in page
    assert not {"\x00", "\u202e"} & set(page)


@pytest.mark.parametrize(("write", "report", "name"), REPORTS)
def test_the_json_holds_the_report_and_a_version(
    write: Any, report: Any, name: str, tmp_path: pathlib.Path
) -> None:
    write(report, str(tmp_path))
    expected = copy.deepcopy(report)
    if name == "evaluation":
        expected["ranking"]["log_loss"] = None
    assert json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8")) == expected
    assert (
        {f"{name}.html", f"{name}.json"}
        <= set(os.listdir(tmp_path))
        <= {f"{name}.{ending}" for ending in ("html", "json", "md")}
    )


@pytest.mark.parametrize(("write", "report", "name"), REPORTS)
def test_the_same_report_is_the_same_page(write: Any, report: Any, name: str, tmp_path: pathlib.Path) -> None:
    first = pathlib.Path(write(report, str(tmp_path / "1"))).read_bytes()
    assert pathlib.Path(write(report, str(tmp_path / "2"))).read_bytes() == first


def test_a_card_says_what_where_and_how_to_mend_or_allow(tmp_path: pathlib.Path) -> None:
    page = pathlib.Path(write_anomalies(ANOMALIES, str(tmp_path))).read_text(encoding="utf-8")
    for said in ("Blocked", "1 error", "items.csv:7", "25 %", "Mend it.", "items.price:NONFINITE_NUMBERS"):
        assert said in page


def test_the_summary_says_the_verdict_and_a_line_each_without_markup_of_the_data(
    tmp_path: pathlib.Path,
) -> None:
    write_anomalies(ANOMALIES, str(tmp_path))
    lines = (tmp_path / "anomalies.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "**Anomalies: blocked** (1 error, 1 warning)"
    assert lines[2] == "Read: items 8 of 10 rows."
    assert lines[4].startswith(r"- ERROR **items.price\:NONFINITE\_NUMBERS** (25 %, threshold 0 %): 2 numb")
    assert r"First at items.csv\:7." in lines[4]
    assert "To mend: Mend it." in lines[4]
    assert lines[5].startswith("- WARNING ")
    assert not {"<", "\x00", "\u202e"} & set("".join(lines))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>&", "&lt;b&gt;&amp;"),
        ("[a](b) *c* `d` | e", r"\[a\]\(b\) \*c\* \`d\` \| e"),
        ("http://evil www.evil.org", r"http\://evil www\.evil.org"),
        ("two\nlines", "two lines"),
        ("@everyone", "@\u200beveryone"),
    ],
)
def test_text_in_a_summary_is_shown_as_it_is(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_then_and_now_are_drawn_over_each_other_and_named(tmp_path: pathlib.Path) -> None:
    page = pathlib.Path(write_anomalies(ANOMALIES, str(tmp_path))).read_text(encoding="utf-8")
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    drift = [drawing for drawing in drawings if 'aria-label="drift of items.category"' in drawing]
    assert len(drift) == 1
    assert "var(--series-1)" in drift[0]
    assert "var(--rest)" in drift[0]
    for said in ("the last blessed run", "Moved most", "Most often", "Compared with"):
        assert said in page
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', page))
    assert all(page.count(f'id="{name}"') == 1 for name in used)


def test_charts_take_the_colours_of_the_page(tmp_path: pathlib.Path) -> None:
    page = pathlib.Path(write_anomalies(ANOMALIES, str(tmp_path))).read_text(encoding="utf-8")
    drawings = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert "var(--series-1)" in drawings
    assert "var(--ink)" in drawings
    assert not re.search(r"#0[0-9a-f]{5}\b", drawings)
    assert "鞄 🎒" in drawings


def test_the_best_of_each_column_is_marked(tmp_path: pathlib.Path) -> None:
    page = pathlib.Path(write_evaluation(EVALUATION, str(tmp_path))).read_text(encoding="utf-8")
    best = re.findall(r'<td class="n best">([\d.]+)', page)
    assert best == ["0.3382", "0.3301", "0.9000", "0.3382", "0.3301", "0.6000", "0.9000", "0.8000"]


def test_every_check_says_whether_it_passed(tmp_path: pathlib.Path) -> None:
    page = pathlib.Path(write_evaluation(EVALUATION, str(tmp_path))).read_text(encoding="utf-8")
    for said in ("Failed: worse than", "Passed: reached", "Not asked: no last one"):
        assert said in page


def test_slices_exposure_and_calibration_are_shown(tmp_path: pathlib.Path) -> None:
    page = pathlib.Path(write_evaluation(EVALUATION, str(tmp_path))).read_text(encoding="utf-8")
    for said in ("-0.0100 to 0.1000", "too few", "fewer than 30 users", "Exposure by brand", "0.123", "75 %"):
        assert said in page
    assert "Off by 0.0625 on average" in page
    assert 'aria-label="reliability diagram"' in page


UNMEASURED = ("ranking", "training", "slices", "slice_users", "exposure", "last_blessed")


def test_what_was_not_measured_is_left_out(tmp_path: pathlib.Path) -> None:
    bare = {key: value for key, value in EVALUATION.items() if key not in UNMEASURED}
    page = pathlib.Path(write_evaluation({**bare, "search": None}, str(tmp_path))).read_text(encoding="utf-8")
    for absent in ("Search", "Slices", "Exposure", "Ranking head", "Training"):
        assert f"<h2>{absent}" not in page


def test_a_ledger_that_does_not_add_up_says_so(tmp_path: pathlib.Path) -> None:
    ledger = copy.deepcopy(LEDGER)
    ledger["tables"]["events"]["used"] = 89
    page = pathlib.Path(write_cleaning(ledger, str(tmp_path))).read_text(encoding="utf-8")
    assert "does not add up" in page
    assert "no: 99" in page


def test_a_page_says_how_many_rows_a_step_left_and_marks_the_wrong_cell(tmp_path: pathlib.Path) -> None:
    step = {
        "step": "denoise", "reason": "bad price", "outcome": "quarantined", "column": "price", "rows": 2,
        "before": 12, "after": 10,
        "examples": [{"file": "e.csv", "line": 4, "before": {"item_id": "a", "price": -1}, "after": None}],
    }  # fmt: skip
    table = {"read": 12, "used": 10, "quarantined": 2, "merged": 0, "steps": [step]}
    page = pathlib.Path(
        write_cleaning({"version": 1, "tables": {"events": table}}, str(tmp_path))
    ).read_text()
    assert "12 \u2192 10" in page
    assert 'class="wrong"><span class="soft">price</span>' in page
    assert 'class="wrong"><span class="soft">item_id</span>' not in page
    assert "the greatest loss: bad price (2)" in page


def test_the_summary_of_the_cleaning_is_markdown_in_which_nothing_of_the_data_acts(
    tmp_path: pathlib.Path,
) -> None:
    ledger = copy.deepcopy(LEDGER)
    ledger["tables"]["events"]["steps"][1]["reason"] = "a|b `c` [d](http://e) @f <img src=x>\n# g"
    write_cleaning(ledger, str(tmp_path))
    text = (tmp_path / "cleaning.md").read_text(encoding="utf-8")
    assert "Every row is accounted for." in text
    assert "| events | 100 | 90 | 6 | 4 | 90 % |" in text
    assert "| deduplicate | exact duplicate | merged | 4 | events.csv:5 |" in text
    shown = "a\\|b \\`c\\` \\[d\\](http:&#47;&#47;e) &#64;f &lt;img src=x&gt; \\# g"
    assert f"| range | {shown} | quarantined | 6 |  |" in text
    ledger["tables"]["events"]["used"] = 89
    write_cleaning(ledger, str(tmp_path))
    assert "**The ledger does not add up: events**" in (tmp_path / "cleaning.md").read_text(encoding="utf-8")


@given(st.lists(st.tuples(st.sampled_from(["merged", "quarantined"]), st.integers(0, 50)), max_size=20))
def test_the_flow_accounts_for_every_row(steps: list[tuple[str, int]]) -> None:
    lost = {kind: sum(rows for k, rows in steps if k == kind) for kind in ("merged", "quarantined")}
    table = {
        "used": 7,
        **lost,
        "steps": [{"outcome": kind, "reason": "r", "rows": rows} for kind, rows in steps],
    }
    assert sum(rows for _, _, rows in outcomes(table)) == 7 + sum(lost.values())
    assert len(outcomes(table)) <= 10


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0 %"), (0.0001, "< 0.1 %"), (0.125, "12.5 %"), (0.2, "20 %"), (0.9999, "100 %"), (None, "–")],
)
def test_shares_are_shown_as_per_cent(value: float | None, shown: str) -> None:
    assert share(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(1234567, "1,234,567"), (0.25, "0.2500"), (math.nan, "–"), (3.0, "3")]
)
def test_numbers_are_shown_with_thousands_apart(value: float, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.05, "0.05"), (8227, "8,227"), (16453, "16.5k"), (2.5e6, "2.5M")]
)
def test_numbers_on_a_chart_are_short(value: float, shown: str) -> None:
    assert compact(value) == shown


def test_emoji_and_scripts_stay_while_controls_show() -> None:
    assert visible("👩\u200d🚀 حقيبة\x07") == "👩\u200d🚀 حقيبة\ufffd"
    assert label(" a \n b ") == "a b"
    assert label("x" * 50, 10) == "x" * 9 + "…"


def test_a_report_that_fails_to_be_written_leaves_the_earlier_one(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("cleaning", {"version": 1}, "earlier", str(tmp_path))

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        publish("cleaning", {"version": 2}, "later", str(tmp_path))
    assert (tmp_path / "cleaning.html").read_text() == "earlier"
    assert sorted(os.listdir(tmp_path)) == ["cleaning.html", "cleaning.json"]


def test_the_command_prints_a_line_for_each_report(tmp_path: pathlib.Path) -> None:
    for write, report, _ in REPORTS:
        write(report, str(tmp_path / "reports"))
    result = CliRunner().invoke(report_command, ["--out", str(tmp_path)], catch_exceptions=False)
    lines = result.output.splitlines()
    assert lines[0] == f"anomalies: blocked, 1 error, 1 warning\t{tmp_path}/reports/anomalies.html"
    assert lines[1] == f"cleaning: adds up, 90 of 100 rows used\t{tmp_path}/reports/cleaning.html"
    assert lines[2].startswith("evaluation: not blessed: worse than ")
    assert not {"\x00", "\u202e"} & set(result.output)


def test_the_command_says_to_run_first_where_there_is_no_report(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="run `aisle run DATA --out"):
        CliRunner().invoke(report_command, ["--out", str(tmp_path)], catch_exceptions=False)


def test_the_command_names_a_report_it_cannot_read(tmp_path: pathlib.Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "cleaning.json").write_text("{")
    with pytest.raises(InputError, match="cleaning.json is not a report"):
        CliRunner().invoke(report_command, ["--out", str(tmp_path)], catch_exceptions=False)
