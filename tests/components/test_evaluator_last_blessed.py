"""The change against the last blessed model: which that is, what both are asked, and what refuses."""

from __future__ import annotations

import json
import pathlib
import runpy
import types
from typing import Any

import numpy as np
import pytest

from aisle.components.evaluator.blessing.last_blessed import (
    Figures,
    Record,
    compare_with_last,
    keep_blessed,
    last_blessed,
)
from aisle.components.evaluator.blessing.thresholds import BlessOptions
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.components.evaluator.served_model import ServedModel

SHOP = types.SimpleNamespace(**runpy.run_path(str(pathlib.Path(__file__).with_name("evaluated_shop.py"))))
LENIENT = BlessOptions(popularity_ratio=0.01, baseline_ratio=0.0)
"""What every model of the shop reaches, so that the change alone decides."""


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> str:
    """Records of a, then b, then c."""
    for number, name in enumerate("abc"):
        keep_blessed(str(tmp_path / "blessed"), name, number)
    return str(tmp_path / "blessed")


def test_the_first_model_has_none_before_it(tmp_path: pathlib.Path) -> None:
    assert last_blessed(str(tmp_path / "none"), "a") is None


def test_the_newest_that_is_another_model_is_the_last(folder: str) -> None:
    assert last_blessed(folder, "d") == Record(3, "c", 2)
    # What was recorded by a run that was killed before it ended is not compared with itself.
    assert last_blessed(folder, "c") == Record(2, "b", 1)


def test_a_model_blessed_again_is_the_last_again(folder: str) -> None:
    keep_blessed(folder, "c", 2)
    assert len(list(pathlib.Path(folder).iterdir())) == 3
    keep_blessed(folder, "a", 0)
    assert last_blessed(folder, "d") == Record(4, "a", 0)


def test_half_a_record_is_none(folder: str) -> None:
    (pathlib.Path(folder) / ".left-by-a-killed-run").write_text("{")
    assert last_blessed(folder, "d") == Record(3, "c", 2)


def _never(_: Record) -> Figures:
    raise AssertionError("asked")


def test_what_cannot_be_compared_says_why(tmp_path: pathlib.Path) -> None:
    def why(record: Record | None) -> str:
        found = compare_with_last(record, 10, _never, EvaluatorOptions())
        assert (found["compared"], found["failed"]) == (False, False)
        return str(found["why"])

    assert why(None) == "no other model was blessed before"
    assert why(Record(1, str(tmp_path / "gone"), 10)).startswith(
        "the last blessed model is not there any more"
    )
    assert "has learnt from the days that are tested now" in why(Record(1, str(tmp_path), 11))


def test_a_model_that_fails_to_answer_is_no_reason_to_go_on(tmp_path: pathlib.Path) -> None:
    def broken(_: Record) -> Figures:
        raise OSError("not a\nSavedModel")

    found = compare_with_last(Record(1, str(tmp_path), 10), 10, broken, EvaluatorOptions())
    assert found["failed"]
    assert found["why"].endswith("not a SavedModel; bless.max_drop=1 leaves the comparison out")


def test_both_figures_and_their_paired_difference_are_given(tmp_path: pathlib.Path) -> None:
    figures = Figures("nDCG", np.array([0.5, 1.0, np.nan]), np.array([0.25, 0.75, np.nan]))
    found = compare_with_last(Record(1, str(tmp_path), 10), 10, lambda _: figures, EvaluatorOptions())
    assert (found["pipeline"], found["last"], found["gain"]) == (0.75, 0.5, 0.25)
    assert found["ci"] == (0.25, 0.25)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A good model, a bad one that answers everybody i0, i1, …, and one that turns the good one's order round."""
    folder = tmp_path_factory.mktemp("models")
    skills = {"good": 1.0, "bad": 0.0, "reversed": -1.0}
    return {name: SHOP.model(folder / name, skill=skill) for name, skill in skills.items()}


def _evaluate(folder: pathlib.Path, model: Any, thresholds: BlessOptions = LENIENT) -> dict[str, Any]:
    data = SHOP.interactions(folder / "in")
    report, _ = SHOP.evaluate(folder, {"model": model, "interactions": data}, thresholds=thresholds)
    return dict(report)


def test_a_model_worse_than_the_last_blessed_is_refused(
    tmp_path: pathlib.Path, models: dict[str, Any]
) -> None:
    first = _evaluate(tmp_path, models["good"])
    assert first["blessing"]["blessed"]
    assert first["blessing"]["checks"][-1] == {
        "passed": None,
        "line": "not compared with a last blessed model: no other model was blessed before",
    }
    worse = _evaluate(tmp_path, models["bad"])
    assert not worse["blessing"]["blessed"]
    assert "is below the last blessed model at 0.6667 times 0.95" in worse["blessing"]["reasons"][0]
    assert not worse["last_blessed"]["given"]
    # What was refused is no measure for the next.
    again = _evaluate(tmp_path, models["good"])
    assert again["last_blessed"]["compared"] is False
    off = LENIENT.model_copy(update={"max_drop": 1.0})
    assert _evaluate(tmp_path, models["bad"], off)["blessing"]["blessed"]


def test_a_better_model_is_blessed_and_is_the_next_measure(
    tmp_path: pathlib.Path, models: dict[str, Any]
) -> None:
    assert _evaluate(tmp_path, models["bad"])["blessing"]["blessed"]
    better = _evaluate(tmp_path, models["good"])
    assert better["blessing"]["blessed"]
    assert better["last_blessed"]["gain"] > 0
    newest = sorted((tmp_path / "blessed").iterdir())[-1]
    assert json.loads(newest.read_text())["model"] == models["good"].uri


def test_where_the_last_knows_older_histories_both_are_given_them(
    tmp_path: pathlib.Path, models: dict[str, Any]
) -> None:
    keep_blessed(str(tmp_path / "blessed"), models["bad"].uri, SHOP.TEST_START - SHOP.DAY)
    report = _evaluate(tmp_path, models["good"])
    last = report["last_blessed"]
    assert last["given"]
    # By the histories u0 is given i0 and i1 (both right), u1 i2 and i3 (wrong), u2 i4 first (right).
    assert last["pipeline"] == pytest.approx(2 / 3)
    assert last["last"] < last["pipeline"]
    assert "both were given the users' latest histories" in report["blessing"]["checks"][-1]["line"]


def test_with_judgements_only_the_searches_are_compared(
    tmp_path: pathlib.Path, models: dict[str, Any]
) -> None:
    keep_blessed(str(tmp_path / "blessed"), models["reversed"].uri, 0)
    data = SHOP.interactions(tmp_path / "in", events=False)
    report, _ = SHOP.evaluate(tmp_path, {"model": models["good"], "interactions": data}, thresholds=LENIENT)
    assert report["last_blessed"]["figure"] == "nDCG of judged searches"
    assert report["last_blessed"]["pipeline"] == pytest.approx(1.0)
    assert report["last_blessed"]["last"] < 1.0


def test_for_its_judged_queries_each_model_is_asked_once(
    tmp_path: pathlib.Path, models: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    rank = ServedModel.rank

    def counted(model: ServedModel, queries: list[str], item_ids: list[list[str]]) -> Any:
        asked.append(queries)
        return rank(model, queries, item_ids)

    monkeypatch.setattr(ServedModel, "rank", counted)
    keep_blessed(str(tmp_path / "blessed"), models["reversed"].uri, 0)
    data = SHOP.interactions(tmp_path / "in", events=False)
    SHOP.evaluate(tmp_path, {"model": models["good"], "interactions": data}, thresholds=LENIENT)
    assert asked == [["owl", "red mug"]] * 2  # The new model, and the last.


def test_a_last_blessed_model_that_does_not_load_refuses(
    tmp_path: pathlib.Path, models: dict[str, Any]
) -> None:
    (tmp_path / "broken").mkdir()
    keep_blessed(str(tmp_path / "blessed"), str(tmp_path / "broken"), SHOP.TEST_START)
    report = _evaluate(tmp_path, models["good"])
    assert not report["blessing"]["blessed"]
    assert "can't be asked" in report["blessing"]["reasons"][0]
    assert report["blessing"]["reasons"][0].endswith("; bless.max_drop=1 leaves the comparison out")
