"""The approximate index refuses a model when it finds too little of what there is."""

from __future__ import annotations

from typing import Any

import pytest

from aisle.components.evaluator.blessing.thresholds import BlessOptions
from aisle.components.evaluator.blessing.verdict import bless
from aisle.components.evaluator.measures.systems import POPULARITY, WHOLE_PIPELINE

SYSTEMS = [{"name": name, "all": {"ndcg": 0.2}} for name in (WHOLE_PIPELINE, POPULARITY)]


def verdict(index: dict[str, Any] | None) -> dict[str, Any]:
    last = {"compared": False, "why": "no other model was blessed before", "failed": False}
    return bless(
        SYSTEMS, None, BlessOptions(), None, last,
        ranking_given=False, ranking_blessed=None, index=index, users=3, enough=30,
    )  # fmt: skip


def approximate(recall: float | None) -> dict[str, Any]:
    return {"kind": "approximate", "items": 250_000, "recall_at": 100, "recall": recall}


def test_too_low_a_recall_is_named_with_its_threshold_and_what_helps() -> None:
    given = verdict(approximate(0.9312))
    assert not given["blessed"]
    assert given["reasons"] == [
        "recall@100 of the approximate index against the exact one: 0.9312 is below bless.index_recall=0.95; "
        "bundle.exact_items=250000 compares every item"
    ]


def test_a_recall_that_is_reached_is_among_the_reasons() -> None:
    given = verdict(approximate(0.95))
    assert given["blessed"]
    assert "0.9500 reaches bless.index_recall=0.95" in given["reasons"][-1]


@pytest.mark.parametrize("recall", [None, float("nan")])
def test_a_missing_recall_refuses(recall: float | None) -> None:
    assert verdict(approximate(recall))["reasons"] == ["the recall of the approximate index is missing"]


@pytest.mark.parametrize("index", [None, {"kind": "exact", "items": 5, "recall_at": 100, "recall": 1.0}])
def test_an_exact_index_needs_no_check(index: dict[str, Any] | None) -> None:
    assert not any("index" in reason for reason in verdict(index)["reasons"])
