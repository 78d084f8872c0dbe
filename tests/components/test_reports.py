"""The reports: what the pages say, and what they may never do."""

from __future__ import annotations

import copy
import html.parser
import json
import os
import pathlib
import re
import resource
import runpy
import types
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.cli.report import CAREFUL, VERDICTS
from aisle.components.evaluator.blessing.last_blessed import not_compared
from aisle.components.evaluator.blessing.thresholds import BlessOptions
from aisle.components.evaluator.blessing.verdict import UNTOLD, bless
from aisle.components.reports import write_anomalies, write_cleaning, write_evaluation
from aisle.components.reports.cleaning import outcomes
from aisle.components.reports.publish import as_json, publish
from aisle.components.reports.schemas import validate
from aisle.components.reports.schemas.evaluation import Taken

SHOP = types.SimpleNamespace(**runpy.run_path(str(pathlib.Path(__file__).with_name("reported_shop.py"))))
ANOMALIES, EVALUATION, LEDGER, REPORTS = SHOP.ANOMALIES, SHOP.EVALUATION, SHOP.LEDGER, SHOP.REPORTS


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
    everything = ["0.3382", "0.3301", "0.4000", "0.7000", "0.9000"]
    new = ["0.3382", "0.3301", "0.4000", "0.7000", "0.6000"]
    assert best == [*everything, *new, "0.9000", "0.8000", "0.7000"]


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


def test_directions_between_domains_say_whether_they_are_on(tmp_path: pathlib.Path) -> None:
    figures = {"gain": 0.0008, "low": 0.0004, "questions": 9725}
    directions = [
        {"source": "food", "target": "kitchen", "weight": 0.03, **figures},
        {"source": "", "target": "food", "weight": 0.0, **figures, "low": -0.0001},
    ]
    page = pathlib.Path(write_evaluation({**EVALUATION, "domains": directions}, str(tmp_path))).read_text(
        encoding="utf-8"
    )
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)", row) for row in re.findall(r"<tr>.*?</tr>", page)]
    assert ["food", "kitchen", "on", "0.0300", "0.0008", "0.0004", "9,725"] in rows
    assert any(row[:3] == ["(none named)", "food", "off"] and row[5] == "-0.0001" for row in rows)


def test_how_much_pictures_count_in_what_is_similar_is_told_with_what_was_tried(
    tmp_path: pathlib.Path,
) -> None:
    recalls = [{"weight": 0.0, "recall": 0.125}, {"weight": 0.5, "recall": 0.1875}]
    weighed = {"weight": 0.5, "gain": 0.0625, "low": 0.0312, "visitors": 1234, "recalls": recalls}
    report = {**EVALUATION, "pictures": weighed}
    assert validate("evaluation", as_json(report))["pictures"] == weighed
    page = pathlib.Path(write_evaluation(report, str(tmp_path))).read_text(encoding="utf-8")
    for said in ("0.5000 times", "1,234 visitors", "0.0625, is at least 0.0312", "0.1875"):
        assert said in page
    assert "Pictures in what" not in pathlib.Path(write_evaluation(EVALUATION, str(tmp_path))).read_text()


def test_parts_of_another_shop_say_whether_they_are_on_and_what_they_won(tmp_path: pathlib.Path) -> None:
    parts = [
        {"part": "head", "on": True, "gain": 0.0213, "low": 0.0104, "questions": 412, "why": ""},
        {"part": "worth", "on": False, "gain": 0.0, "low": 0.0, "questions": 0, "why": "another vocabulary"},
        {"part": "next", "on": True, "gain": 0.0, "low": 0.0, "questions": 0, "why": "no events"},
    ]
    report = {**EVALUATION, "transfer": parts}
    page = pathlib.Path(write_evaluation(report, str(tmp_path))).read_text(encoding="utf-8")
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)", row) for row in re.findall(r"<tr>.*?</tr>", page)]
    assert ["ranking head", "on", "0.0213", "0.0104", "412", ""] in rows
    assert any(
        row[:2] == ["what sells by what it is", "off"] and row[-1] == "another vocabulary" for row in rows
    )
    blessed = {**report, "blessing": {"blessed": True, "reasons": [], "checks": []}}
    said, _ = VERDICTS["evaluation"](blessed)
    assert "the other shop's head is on (nDCG +0.0213, at least +0.0104, on 412 questions)" in said
    assert "the other shop's worth is off (another vocabulary)" in said
    assert any(row[:2] == ["what is taken next by what it is", "on"] for row in rows)


def test_the_page_has_a_name_for_every_part_of_another_shop(tmp_path: pathlib.Path) -> None:
    names = typing.get_args(typing.get_type_hints(Taken)["part"])
    told = {"on": False, "gain": 0.0, "low": 0.0, "questions": 0}
    report = {**EVALUATION, "transfer": [{"part": name, **told, "why": f"why {name}"} for name in names]}
    page = pathlib.Path(write_evaluation(report, str(tmp_path))).read_text(encoding="utf-8")
    assert {"encoder", "head"} <= {*names} and all(f"why {name}" in page for name in names)


def test_a_model_that_nothing_judges_says_so(tmp_path: pathlib.Path) -> None:
    blessing = bless(
        [], None, BlessOptions(), None, not_compared("no other"), ranking_given=False, ranking_blessed=None,
        users=0, enough=200, untold=True,
    )  # fmt: skip
    assert blessing["blessed"] and blessing["reasons"] == [UNTOLD]
    report = {**EVALUATION, "blessing": blessing}
    page = pathlib.Path(write_evaluation(report, str(tmp_path))).read_text(encoding="utf-8")
    assert "Not judged" in page and "served unjudged" in page and "Blessed</strong>" not in page
    said, colour = VERDICTS["evaluation"](report)
    assert said.startswith("pushed unjudged: nothing was judged") and colour == CAREFUL


UNMEASURED = ("ranking", "training", "slices", "slice_users", "exposure", "last_blessed")


def test_what_was_not_measured_is_left_out(tmp_path: pathlib.Path) -> None:
    bare = {key: value for key, value in EVALUATION.items() if key not in UNMEASURED}
    page = pathlib.Path(write_evaluation({**bare, "search": None}, str(tmp_path))).read_text(encoding="utf-8")
    for absent in ("Search", "Slices", "Exposure", "Ranking head", "Training"):
        assert f"<h2>{absent}" not in page


def test_a_large_loss_is_marked_beside_its_part_and_every_column_has_a_head(tmp_path: pathlib.Path) -> None:
    page = pathlib.Path(write_cleaning(LEDGER, str(tmp_path))).read_text(encoding="utf-8")
    assert re.search(r'<th scope="row" class="part">.*<span class="tag [a-z]+">ERROR</span>', page)
    assert "<th></th>" not in page


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


def test_a_report_that_fails_to_be_written_leaves_the_earlier_one(tmp_path: pathlib.Path) -> None:
    publish("cleaning", {"version": 1}, "earlier", str(tmp_path))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            publish("cleaning", {"version": 2}, "later" * 1000, str(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "cleaning.html").read_text() == "earlier"
    assert sorted(os.listdir(tmp_path)) == ["cleaning.html", "cleaning.json"]
