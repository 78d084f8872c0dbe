"""What refuses a model, what the options refuse, and which of TFMA's metrics are read."""

from __future__ import annotations

from typing import Any

import pytest

from aisle.components.evaluator.blessing import bless
from aisle.components.evaluator.options import EvaluatorOptions, options_from_json, options_to_json
from aisle.components.evaluator.ranking import pick_metrics
from aisle.components.evaluator.search import BM25_TITLES
from aisle.components.evaluator.systems import POPULARITY, WHOLE_PIPELINE
from aisle.schema.errors import InputError

METRICS = {"auc": 0.7, "log_loss": 0.4, "rows": 5}


def systems(ours: float | None, theirs: float | None) -> list[dict[str, Any]]:
    return [{"name": WHOLE_PIPELINE, "all": {"ndcg": ours}}, {"name": POPULARITY, "all": {"ndcg": theirs}}]


def searches(ours: float | None, theirs: float | None, metric: str = "ndcg") -> dict[str, Any]:
    names = ((WHOLE_PIPELINE, ours), (BM25_TITLES, theirs))
    figures = [{"name": name, metric: value} for name, value in names]
    return {"queries": 3, "judged": 3 if metric == "ndcg" else 0, "systems": figures}


def verdict(
    of: list[dict[str, Any]],
    search: dict[str, Any] | None = None,
    ratio: float = 1.0,
    ranking: dict[str, Any] | None = None,
    *,
    given: bool = False,
    blessed: bool | None = None,
) -> dict[str, Any]:
    return bless(of, search, ratio, ranking, ranking_given=given, ranking_blessed=blessed)


def test_a_model_as_good_as_popularity_is_blessed_and_the_reason_given() -> None:
    given = verdict(systems(0.2, 0.2))
    assert given["blessed"]
    assert "0.2000" in given["reasons"][0]


def test_a_worse_model_is_not_blessed() -> None:
    given = verdict(systems(0.19, 0.2))
    assert not given["blessed"]
    assert "is below" in given["reasons"][0]


def test_the_ratio_is_how_much_better_it_must_be() -> None:
    assert verdict(systems(0.31, 0.2), ratio=1.5)["blessed"]
    assert not verdict(systems(0.29, 0.2), ratio=1.5)["blessed"]


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_missing_metric_is_not_blessed(missing: float | None) -> None:
    for given in (systems(missing, 0.2), systems(0.2, missing)):
        assert not verdict(given)["blessed"]
    assert not verdict([], searches(missing, 0.1))["blessed"]
    assert not verdict(systems(0.2, 0.1), ranking=None, given=True)["blessed"]
    assert not verdict(systems(0.2, 0.1), ranking={**METRICS, "auc": missing}, given=True)["blessed"]
    assert verdict(systems(0.2, 0.1), ranking=METRICS, given=True)["blessed"]


def test_the_ranking_head_s_own_blessing_must_be_given() -> None:
    assert verdict(systems(0.2, 0.1), blessed=True)["blessed"]
    refused = verdict(systems(0.2, 0.1), blessed=False)
    assert refused == {"blessed": False, "reasons": ["the ranking head failed its own thresholds"]}


def test_without_test_users_the_search_decides() -> None:
    assert verdict([], searches(0.8, 0.8))["blessed"]
    assert not verdict([], searches(0.7, 0.8))["blessed"]
    assert not verdict([], searches(0.7, 0.8, "recall"))["blessed"]
    assert verdict([], searches(0.9, 0.8, "recall"))["blessed"]


def test_nothing_to_test_on_is_never_blessed() -> None:
    given = verdict([])
    assert not given["blessed"]
    assert given["reasons"][0].startswith("no data")


def test_options_survive_json() -> None:
    options = EvaluatorOptions(k=5, min_gain_over_popularity=1.1)
    assert options_from_json(options_to_json(options)) == options


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"depth": 3}', "'depth' does not exist"),
        ('{"k": 0}', "option k"),
        ('{"min_gain_over_popularity": "much"}', "option min_gain_over_popularity"),
        ("[1]", "not a JSON object"),
        ("{", "not a JSON object"),
    ],
)
def test_wrong_options_are_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        options_from_json(text)


def test_the_goal_s_output_is_read_where_there_are_several() -> None:
    def output(auc: float) -> dict[str, Any]:
        metrics = {"auc": auc, "binary_crossentropy": 0.3, "example_count": 7.0}
        return {"": {name: {"doubleValue": value} for name, value in metrics.items()}}

    outputs = {"click": output(0.6), "purchase": output(0.8)}
    assert pick_metrics(outputs, "purchase") == {"auc": 0.8, "log_loss": 0.3, "rows": 7}
    assert pick_metrics({"": output(0.6)}, "purchase") == {"auc": 0.6, "log_loss": 0.3, "rows": 7}


def test_a_metric_that_is_not_a_number_is_missing() -> None:
    found = pick_metrics({"": {"": {"auc": {"doubleValue": float("nan")}}}}, "click")
    assert found == {"auc": None, "log_loss": None, "rows": None}
    assert pick_metrics({}, "click") is None
