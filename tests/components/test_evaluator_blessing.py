"""What refuses a model, what the options refuse, and which of TFMA's metrics are read."""

from __future__ import annotations

from typing import Any

import pytest

from aisle.components.evaluator.blessing.thresholds import (
    BlessOptions,
)
from aisle.components.evaluator.blessing.verdict import bless
from aisle.components.evaluator.measures.ranking import pick_metrics
from aisle.components.evaluator.measures.search import BM25_TITLES
from aisle.components.evaluator.measures.systems import ITEM_KNN, OWN_HISTORY, POPULARITY, WHOLE_PIPELINE
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.schema.errors import InputError

NO_LAST = {"compared": False, "why": "no other model was blessed before", "failed": False}
METRICS = {"auc": 0.7, "log_loss": 0.4, "rows": 5}


def systems(ours: float | None, theirs: float | None, **others: float | None) -> list[dict[str, Any]]:
    named = {WHOLE_PIPELINE: ours, POPULARITY: theirs}
    named |= {{"own": OWN_HISTORY, "knn": ITEM_KNN}[name]: value for name, value in others.items()}
    return [{"name": name, "all": {"ndcg": value}} for name, value in named.items()]


def last(ours: float | None, theirs: float | None, *, given: bool = False) -> dict[str, Any]:
    return {"compared": True, "figure": "nDCG", "pipeline": ours, "last": theirs, "given": given}


def searches(ours: float | None, theirs: float | None, metric: str = "ndcg") -> dict[str, Any]:
    names = ((WHOLE_PIPELINE, ours), (BM25_TITLES, theirs))
    figures = [{"name": name, metric: value} for name, value in names]
    judged, clicked = (3, 0) if metric == "ndcg" else (0, 3)
    return {"queries": 3, "judged": judged, "clicked": clicked, "systems": figures}


def with_intervals(ci: tuple[float, float] | None) -> list[dict[str, Any]]:
    """0.28, own history 0.3 and the interval of the difference; popularity is certainly beaten."""
    found = systems(0.28, 0.1, own=0.3)
    for one, interval in zip(found[1:], ((0.1, 0.2), ci), strict=True):
        one["all"]["pipeline_gain"] = {"ndcg": None, "ci": interval}
    return found


def verdict(
    of: list[dict[str, Any]],
    search: dict[str, Any] | None = None,
    thresholds: BlessOptions | None = None,
    ranking: dict[str, Any] | None = None,
    before: dict[str, Any] | None = None,
    *,
    given: bool = False,
    blessed: bool | None = None,
    users: int = 3,
) -> dict[str, Any]:
    return bless(
        of,
        search,
        thresholds or BlessOptions(),
        ranking,
        before or NO_LAST,
        ranking_given=given,
        ranking_blessed=blessed,
        users=users,
        enough=30,
    )


def test_a_model_as_good_as_popularity_is_blessed_and_the_reason_given() -> None:
    given = verdict(systems(0.2, 0.2))
    assert given["blessed"]
    assert "0.2000" in given["reasons"][0]


def test_a_worse_model_is_not_blessed() -> None:
    given = verdict(systems(0.19, 0.2))
    assert not given["blessed"]
    assert "is below" in given["reasons"][0]


def test_the_ratio_is_how_much_better_it_must_be() -> None:
    thresholds = BlessOptions(popularity_ratio=1.5)
    assert verdict(systems(0.31, 0.2), thresholds=thresholds)["blessed"]
    assert not verdict(systems(0.29, 0.2), thresholds=thresholds)["blessed"]


def test_the_best_of_all_baselines_must_nearly_be_reached() -> None:
    found = verdict(systems(0.28, 0.1, own=0.3, knn=0.2))
    assert found["blessed"]
    assert found["reasons"][1].endswith(f"reaches the best baseline, {OWN_HISTORY} at 0.3000 times 0.9")
    assert not verdict(systems(0.26, 0.1, own=0.3, knn=0.2))["blessed"]
    assert not verdict(systems(0.26, 0.1, own=0.2, knn=0.3))["blessed"]
    assert not verdict(systems(0.5, 0.1, own=None))["blessed"]
    off = BlessOptions(baseline_ratio=0.0)
    assert verdict(systems(0.11, 0.1, own=0.3), thresholds=off)["blessed"]


def test_popularity_is_asked_for_once_where_it_is_the_best_baseline() -> None:
    assert len(verdict(systems(0.3, 0.2, own=0.1))["checks"]) == 3
    ten_times = BlessOptions(popularity_ratio=0.0, baseline_ratio=10.0)
    assert not verdict(systems(0.3, 0.2, own=0.1), thresholds=ten_times)["blessed"]


def test_what_loses_to_the_best_baseline_with_certainty_is_refused() -> None:
    refused = verdict(with_intervals((-0.0399, -0.0001)), users=30)
    assert refused["reasons"] == [
        f"nDCG of all test items: {WHOLE_PIPELINE} less the best baseline, {OWN_HISTORY}, loses with certainty: "
        "the 95 % interval, -0.0399 to -0.0001, is wholly below 0"
    ]


@pytest.mark.parametrize("ci", [(-0.05, 0.0), (-0.0682, 0.0465), (0.01, 0.02)])
def test_an_interval_that_reaches_0_leaves_the_loss_to_the_ratio(ci: tuple[float, float]) -> None:
    found = verdict(with_intervals(ci), users=30)
    assert found["blessed"]
    assert found["checks"][2]["passed"]
    assert found["checks"][2]["line"].endswith(f"{ci[0]:.4f} to {ci[1]:.4f}, is not wholly below 0")
    # 0.28 is less than 0.95 of 0.3.
    assert not verdict(with_intervals(ci), thresholds=BlessOptions(baseline_ratio=0.95), users=30)["blessed"]


def test_how_much_may_be_lost_with_certainty_is_a_share_of_the_baseline() -> None:
    # 0.1 of 0.3 is 0.03.
    tenth = BlessOptions(max_certain_loss=0.1)
    assert verdict(with_intervals((-0.05, -0.029)), thresholds=tenth, users=30)["blessed"]
    refused = verdict(with_intervals((-0.05, -0.031)), thresholds=tenth, users=30)
    assert refused["reasons"][0].endswith("is wholly below -0.0300 (bless.max_certain_loss=0.1)")
    off = verdict(with_intervals((-0.05, -0.04)), thresholds=BlessOptions(max_certain_loss=1), users=30)
    assert off["blessed"]
    assert len(off["checks"]) == 3


def test_few_users_make_nothing_certain() -> None:
    found = verdict(with_intervals((-0.05, -0.04)), users=29)
    assert found["blessed"]
    assert found["checks"][2]["passed"] is None
    assert "29 users or queries are too few" in found["checks"][2]["line"]


def test_the_best_baseline_is_the_one_that_is_compared() -> None:
    """Popularity's interval says nothing where own history is better, and the other way round."""
    worst = systems(0.28, 0.3, own=0.1)
    worst[1]["all"]["pipeline_gain"] = {"ndcg": -0.02, "ci": (-0.03, -0.01)}
    worst[2]["all"]["pipeline_gain"] = {"ndcg": 0.18, "ci": (0.1, 0.2)}
    given = verdict(worst, thresholds=BlessOptions(popularity_ratio=0.9), users=30)
    assert [check["passed"] for check in given["checks"]] == [True, False, None]


def test_a_missing_interval_refuses() -> None:
    refused = verdict(with_intervals(None), users=30)
    assert refused["reasons"][0].endswith("the 95 % interval is missing")


@pytest.mark.parametrize(("metric", "gain"), [("ndcg", "pipeline_gain"), ("recall", "recall_gain")])
def test_a_search_that_loses_to_bm25_with_certainty_is_refused(metric: str, gain: str) -> None:
    found = searches(0.79, 0.8, metric) | {"judged" if metric == "ndcg" else "clicked": 30}
    found["systems"][1][gain] = {metric: -0.01, "ci": (-0.02, -0.005)}
    lenient = BlessOptions(popularity_ratio=0.9)
    assert "loses with certainty" in verdict([], found, lenient)["reasons"][0]
    found["systems"][1][gain]["ci"] = (-0.02, 0.005)
    assert verdict([], found, lenient)["blessed"]


def test_a_least_value_can_be_set() -> None:
    assert verdict(systems(0.3, 0.2), thresholds=BlessOptions(min_ndcg=0.3))["blessed"]
    found = verdict(systems(0.3, 0.2), thresholds=BlessOptions(min_ndcg=0.31))
    assert found["reasons"] == [
        f"nDCG of all test items: {WHOLE_PIPELINE} at 0.3000 is below bless.min_ndcg=0.31"
    ]


def test_the_drop_from_the_last_blessed_model_is_bounded() -> None:
    good = systems(0.3, 0.1)
    assert verdict(good, before=last(0.3, 0.31))["blessed"]
    assert verdict(good, before=last(0.3, 0.2))["blessed"]
    refused = verdict(good, before=last(0.3, 0.32))
    assert refused["reasons"] == [
        f"nDCG: {WHOLE_PIPELINE} at 0.3000 is below the last blessed model at 0.3200 times 0.95"
    ]
    assert verdict(good, thresholds=BlessOptions(max_drop=0.1), before=last(0.3, 0.32))["blessed"]
    assert not verdict(good, before=last(None, 0.2))["blessed"]
    assert not verdict(good, before=last(0.3, float("nan")))["blessed"]
    assert (
        "both were given the users' latest histories"
        in verdict(good, before=last(0.3, 0.2, given=True))["reasons"][-1]
    )


def test_a_last_blessed_model_that_fails_refuses_and_one_that_is_not_there_does_not() -> None:
    first = verdict(systems(0.3, 0.1))
    assert first["blessed"]
    assert first["checks"][-1]["passed"] is None
    assert "no other model was blessed before" in first["reasons"][-1]
    broken = {"compared": False, "why": "it can't be asked", "failed": True}
    assert not verdict(systems(0.3, 0.1), before=broken)["blessed"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"popularity_ratio": 0.0, "baseline_ratio": 0.0}, "any model would be blessed"),
        ({"popularity_ratio": 0.0, "baseline_ratio": 0.0, "min_auc": 0.9}, "any model would be blessed"),
        ({"max_drop": 1.5}, "max_drop=1.5"),
        ({"max_certain_loss": 2}, "max_certain_loss=2"),
        ({"min_ndcg": -0.1}, "min_ndcg=-0.1"),
        ({"popularity_ratio": float("nan")}, "popularity_ratio=nan"),
        ({"baseline_ratio": float("inf")}, "baseline_ratio=inf"),
        ({"min_auc": "much"}, "min_auc='much'"),
    ],
)
def test_thresholds_that_bless_anything_or_nothing_are_refused_in_one_line(
    settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        BlessOptions.read(settings)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_threshold_that_does_not_apply_to_what_was_tested_blesses_nothing() -> None:
    only = BlessOptions(min_ndcg=0.1, popularity_ratio=0.0, baseline_ratio=0.0)
    assert verdict(systems(0.2, 0.3), thresholds=only)["blessed"]
    found = verdict([], searches(0.9, 0.1, "recall"), thresholds=only)
    assert found["reasons"] == ["no threshold is set for recall of searches, so nothing tells a good model"]


def test_thresholds_survive_json() -> None:
    thresholds = BlessOptions(min_ndcg=0.2, max_drop=0.1)
    assert BlessOptions.from_json(thresholds.to_json()) == thresholds


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
    assert not refused["blessed"]
    assert refused["reasons"] == ["the ranking head failed its own thresholds"]


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
    options = EvaluatorOptions(k=5, irrelevant_grade=1.0)
    assert EvaluatorOptions.from_json(options.to_json()) == options


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"depth": 3}', "unknown setting depth; there are: k, search_k"),
        ('{"k": 0}', "setting k=0 is wrong"),
        ('{"irrelevant_grade": "much"}', "setting irrelevant_grade='much' is wrong"),
        ("[1]", r"EvaluatorOptions=\[1\] is wrong"),
        ("{", "not JSON"),
    ],
)
def test_wrong_options_are_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        EvaluatorOptions.from_json(text)


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
