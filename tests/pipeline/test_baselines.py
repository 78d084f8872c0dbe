"""Which earlier run a run is compared with."""

from __future__ import annotations

import json
import pathlib

import pytest

from aisle.pipeline.baselines import earlier_baseline, keep_baseline, tables_fingerprint


def _report(tmp_path: pathlib.Path, fingerprint: str) -> str:
    """A gate's report artifact with the statistics of some tables."""
    folder = tmp_path / f"report-{fingerprint}" / "baseline"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "baseline.json").write_text(json.dumps({"version": 1, "fingerprint": fingerprint}))
    return str(folder.parent)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> str:
    """The folder of the baselines of three runs: a, then b, then c."""
    for name in "abc":
        keep_baseline(str(tmp_path / "baseline"), name, [_report(tmp_path, name)])
    return str(tmp_path / "baseline")


def test_a_first_run_has_nothing_to_be_compared_with(tmp_path: pathlib.Path) -> None:
    assert earlier_baseline(str(tmp_path / "none"), "a") == ""


def test_new_tables_are_compared_with_the_newest_run(folder: str) -> None:
    assert earlier_baseline(folder, "d") == f"{folder}/c"


@pytest.mark.parametrize(("again", "expected"), [("a", ""), ("b", "a"), ("c", "b")])
def test_a_repeated_run_finds_the_baseline_it_had(folder: str, again: str, expected: str) -> None:
    assert earlier_baseline(folder, again) == (f"{folder}/{expected}" if expected else "")


def test_a_baseline_is_kept_once_so_that_its_place_in_time_stays(folder: str, tmp_path: pathlib.Path) -> None:
    keep_baseline(folder, "a", [_report(tmp_path, "a")])
    assert earlier_baseline(folder, "a") == ""
    assert earlier_baseline(folder, "d") == f"{folder}/c"


def test_only_the_report_of_the_same_tables_is_kept(tmp_path: pathlib.Path) -> None:
    folder = str(tmp_path / "baseline")
    keep_baseline(folder, "x", [_report(tmp_path, "y"), str(tmp_path / "another component's report")])
    assert earlier_baseline(folder, "z") == ""


def test_a_run_killed_while_it_kept_its_statistics_leaves_no_baseline(
    folder: str, tmp_path: pathlib.Path
) -> None:
    half = pathlib.Path(folder) / ".baseline-half"
    half.mkdir()
    (half / "number").write_text("9")
    (half / "baseline.json").write_text("{}")
    assert earlier_baseline(folder, "e") == f"{folder}/c"
    keep_baseline(folder, "e", [_report(tmp_path, "e")])
    assert not half.exists()
    assert earlier_baseline(folder, "f") == f"{folder}/e"


def test_the_fingerprint_is_of_all_tables_whatever_their_order() -> None:
    assert tables_fingerprint({"items": "1", "events": "2"}) == tables_fingerprint(
        {"events": "2", "items": "1"}
    )
    assert tables_fingerprint({"items": "1"}) != tables_fingerprint({"items": "2"})
    assert tables_fingerprint({"items": ""}) == ""
