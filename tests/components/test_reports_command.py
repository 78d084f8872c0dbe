"""`aisle report`: a line for each report, or why there is none."""

from __future__ import annotations

import pathlib
import runpy
import types

import pytest
from click.testing import CliRunner

from aisle.cli.report import report as report_command
from aisle.schema.errors import InputError

SHOP = types.SimpleNamespace(**runpy.run_path(str(pathlib.Path(__file__).with_name("reported_shop.py"))))
REPORTS = SHOP.REPORTS


def test_the_command_prints_a_line_for_each_report(tmp_path: pathlib.Path) -> None:
    for write, report, _ in REPORTS:
        write(report, str(tmp_path / "reports"))
    result = CliRunner().invoke(report_command, ["--out", str(tmp_path)], catch_exceptions=False)
    lines = result.output.splitlines()
    assert lines[0] == f"anomalies: blocked, 1 error, 1 warning\t{tmp_path}/reports/anomalies.html"
    assert lines[1].startswith("cleaning: adds up, 90 of 100 rows used; blocked: all 6 <script>")
    assert lines[1].endswith(f"were lost\t{tmp_path}/reports/cleaning.html")
    assert lines[2].startswith("pictures: 3 of 10 items have a picture; 1 more name one that can't be used")
    assert lines[3].startswith("evaluation: not blessed: worse than ")
    assert lines[4].startswith("inventory: 1 item to order for 60, 1 low on stock, 0 out of it")
    assert lines[5].startswith("experiment: ")
    assert "A guardrail is harmed: " in lines[5]
    assert lines[6].startswith("ads: 4 shows on 10 pages brought 1.20 <script>")
    assert not {"\x00", "\u202e"} & set(result.output)


def test_the_command_says_to_run_first_where_there_is_no_report(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="run `aisle run DATA --out"):
        CliRunner().invoke(report_command, ["--out", str(tmp_path)], catch_exceptions=False)


def test_the_command_names_a_report_it_cannot_read(tmp_path: pathlib.Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "cleaning.json").write_text("{")
    with pytest.raises(InputError, match="cleaning.json is not a report"):
        CliRunner().invoke(report_command, ["--out", str(tmp_path)], catch_exceptions=False)
