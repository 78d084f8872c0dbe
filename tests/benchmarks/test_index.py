"""The benchmark of the index, run small."""

from __future__ import annotations

import json
import pathlib
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def test_it_measures_both_indexes_and_rewrites_its_section(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    from benchmarks.recommendation import index

    page, found = tmp_path / "results.md", tmp_path / "found.json"
    page.write_text("<!-- index -->\n<!-- end -->\n", encoding="utf-8")
    arguments = ["--items", "2000", "--repeats", "2", "--json", str(found), "--results", str(page)]
    monkeypatch.setattr(sys, "argv", ["index.py", *arguments])
    index.main()
    runs = json.loads(found.read_text(encoding="utf-8"))["runs"]
    assert [run["vectors"] for run in runs] == ["two-tower", "titles"]
    assert all(
        run["recall"] > 0.9 and run["exact_ms"] > 0 and run["probes"] <= run["clusters"] for run in runs
    )
    assert page.read_text(encoding="utf-8").count("| 2,000 |") == 2
