"""Whether a model may be pushed, and why."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from aisle.components.evaluator.blessing.thresholds import BlessOptions
from aisle.components.evaluator.measures.search import BM25_TITLES
from aisle.components.evaluator.measures.systems import BASELINES, POPULARITY, WHOLE_PIPELINE

UNTOLD = (
    "nothing was judged: the shop has neither events nor judgements, and the model is as good as what another shop taught it; "
    "run again once there are some"
)


@dataclasses.dataclass(frozen=True)
class Check:
    """One condition of the blessing, in words with its figures; `passed` is None where it wasn't asked."""

    passed: bool | None
    line: str


@dataclasses.dataclass(frozen=True)
class Figure:
    """The figure that decides.

    Attributes:
        label: what it is.
        is_ndcg: whether it is an nDCG.
        values: by system.
        floor: the baseline that is easy to beat.
        baselines: all there are.
        gains: the paired 95 % interval of the whole pipeline's less a baseline's, by baseline.
        count: over how many users or queries.
    """

    label: str
    is_ndcg: bool
    values: Mapping[str, Any]
    floor: str
    baselines: tuple[str, ...]
    gains: Mapping[str, Any]
    count: int


def bless(
    systems: list[dict[str, Any]],
    search: dict[str, Any] | None,
    thresholds: BlessOptions,
    ranking: dict[str, Any] | None,
    last: dict[str, Any],
    *,
    ranking_given: bool,
    ranking_blessed: bool | None,
    index: dict[str, Any] | None = None,
    users: int,
    enough: int,
    untold: bool = False,
) -> dict[str, Any]:
    """Judges a model; a missing metric refuses it.

    Args:
        systems: of `systems.compare`; empty without test users, and then the search is judged by.
        search: of `search.compare_searches`.
        thresholds: what must be reached.
        ranking: `auc` and `log_loss` of the ranking head, None where there are none.
        last: of `last_blessed.compare_with_last`.
        ranking_given: whether the ranking head was evaluated, so that its figures must be there.
        ranking_blessed: the ranking head's own blessing; None where it wasn't asked for.
        index: what the model says of its index, None where it says nothing.
        users: how many were tested.
        enough: fewer users or queries than this make no difference certain.
        untold: whether another shop taught the model all, so that nothing of this shop's own can judge.

    Returns:
        `blessed`; `checks`, each with `passed` (None: not asked) and its `line`; and `reasons`: the lines
        of what failed, or where nothing did, all.
    """
    figure = _figure(systems, search, users)
    if untold:
        checks = [Check(None, UNTOLD)]
    elif figure is None:
        line = "no data: no known user has a test item and no test query was judged or taken from"
        checks = [Check(False, line)]
    else:
        checks = [
            *_of_value(figure, thresholds),
            *_of_certainty(figure, thresholds.max_certain_loss, enough),
            _of_change(last, thresholds.max_drop),
        ]
    if ranking_given:
        checks.append(_of_ranking(ranking or {}))
    if ranking_blessed is not None:
        verb = "passed" if ranking_blessed else "failed"
        checks.append(Check(ranking_blessed, f"the ranking head {verb} its own thresholds"))
    if index is not None and index["kind"] != "exact":
        checks.append(_of_index(index, thresholds.index_recall))
    failed = [check.line for check in checks if check.passed is False]
    return {
        "blessed": not failed,
        "reasons": failed or [check.line for check in checks],
        "checks": [dataclasses.asdict(check) for check in checks],
    }


def _of_ranking(ranking: dict[str, Any]) -> Check:
    """Whether the ranking head was measured at all."""
    missing = [name for name in ("auc", "log_loss") if not _is_number(ranking.get(name))]
    lacks = f"lacks {' and '.join(missing)}" if missing else "has its metrics"
    return Check(not missing, f"the ranking head's evaluation {lacks}")


def _figure(systems: list[dict[str, Any]], search: dict[str, Any] | None, users: int) -> Figure | None:
    """The figure of whatever was tested; None where nothing was."""
    if systems:
        values = {one["name"]: (one["all"] or {}).get("ndcg") for one in systems}
        there = tuple(name for name in BASELINES if name in values)
        gains = {one["name"]: _interval((one["all"] or {}).get("pipeline_gain")) for one in systems}
        return Figure("nDCG of all test items", True, values, POPULARITY, there, gains, users)
    if search is None:
        return None
    judged = bool(search["judged"])
    values = {one["name"]: one.get("ndcg" if judged else "recall") for one in search["systems"]}
    # Popularity is asked for what was taken only.
    there = tuple(
        name for name in (BM25_TITLES, POPULARITY) if name in values and not (judged and name == POPULARITY)
    )
    label = "nDCG of judged searches" if judged else "recall of searches"
    gain = "pipeline_gain" if judged else "recall_gain"
    gains = {one["name"]: _interval(one.get(gain)) for one in search["systems"]}
    count = search["judged" if judged else "clicked"]
    return Figure(label, judged, values, BM25_TITLES, there, gains, count)


def _interval(gain: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """The paired interval of a gain; None where it was not measured."""
    low, high = (gain or {}).get("ci") or (None, None)
    return (low, high) if _is_number(low) and _is_number(high) else None


def _of_value(figure: Figure, thresholds: BlessOptions) -> list[Check]:
    """The checks that hold the figure against a number or a baseline; never none."""
    ours = figure.values.get(WHOLE_PIPELINE)
    if not _is_number(ours):
        return [Check(False, f"{figure.label} is missing for {WHOLE_PIPELINE}")]
    checks = list(_against_baselines(figure, ours, thresholds))
    if thresholds.min_ndcg and figure.is_ndcg:
        word = "reaches" if ours >= thresholds.min_ndcg else "is below"
        line = f"{figure.label}: {WHOLE_PIPELINE} at {ours:.4f} {word} bless.min_ndcg={thresholds.min_ndcg:g}"
        checks.append(Check(ours >= thresholds.min_ndcg, line))
    return checks or [Check(False, f"no threshold is set for {figure.label}, so nothing tells a good model")]


def _against_baselines(figure: Figure, ours: float, thresholds: BlessOptions) -> Iterator[Check]:
    if thresholds.popularity_ratio:
        yield _against(figure, ours, figure.floor, thresholds.popularity_ratio)
    if not thresholds.baseline_ratio:
        return
    missing = next((name for name in figure.baselines if not _is_number(figure.values[name])), None)
    if missing is not None:
        yield Check(False, f"{figure.label} is missing for {missing}")
    elif figure.baselines:
        best = max(figure.baselines, key=lambda name: float(figure.values[name]))
        if best != figure.floor or thresholds.baseline_ratio > thresholds.popularity_ratio:
            yield _against(figure, ours, best, thresholds.baseline_ratio, "the best baseline, ")


def _against(figure: Figure, ours: float, baseline: str, ratio: float, what: str = "") -> Check:
    theirs = figure.values.get(baseline)
    if not _is_number(theirs):
        return Check(False, f"{figure.label} is missing for {baseline}")
    times = "" if ratio == 1.0 else f" times {ratio:g}"
    word = "reaches" if ours >= theirs * ratio else "is below"
    line = f"{figure.label}: {WHOLE_PIPELINE} at {ours:.4f} {word} {what}{baseline} at {theirs:.4f}{times}"
    return Check(bool(ours >= theirs * ratio), line)


def _of_certainty(figure: Figure, most: float, enough: int) -> list[Check]:
    """Refuses what is certainly worse than the best baseline, whose lead others may owe to chance."""
    values = {name: value for name in figure.baselines if _is_number(value := figure.values[name])}
    if most >= 1 or not values or not _is_number(figure.values.get(WHOLE_PIPELINE)):
        return []  # Off, or refused already for what is missing.
    best = max(values, key=values.__getitem__)
    what = f"{figure.label}: {WHOLE_PIPELINE} less the best baseline, {best}"
    if figure.count < enough:
        line = f"{what}: {figure.count} users or queries are too few for a certain loss, {enough} are needed"
        return [Check(None, line)]
    interval = figure.gains.get(best)
    if interval is None:
        return [Check(False, f"{what}: the 95 % interval is missing")]
    low, high = interval
    bound = -most * values[best]
    said = "loses with certainty" if high < bound else "is no certain loss"
    limit = f"below {bound:.4f} (bless.max_certain_loss={most:g})" if most else "below 0"
    why = f"wholly {limit}" if high < bound else f"not wholly {limit}"
    return [Check(high >= bound, f"{what}, {said}: the 95 % interval, {low:.4f} to {high:.4f}, is {why}")]


def _of_change(last: Mapping[str, Any], max_drop: float) -> Check:
    """The new model against the last blessed one on the same test."""
    if not last["compared"]:
        return Check(
            False if last["failed"] else None, f"not compared with a last blessed model: {last['why']}"
        )
    ours, theirs = last["pipeline"], last["last"]
    if not (_is_number(ours) and _is_number(theirs)):
        whose = WHOLE_PIPELINE if not _is_number(ours) else "the last blessed model"
        return Check(False, f"{last['figure']} is missing for {whose} where the two are compared")
    passed = bool(ours >= theirs * (1.0 - max_drop))
    word = "reaches" if passed else "is below"
    times = f" times {1.0 - max_drop:g}" if max_drop else ""
    given = "; both were given the users' latest histories" if last["given"] else ""
    line = f"{last['figure']}: {WHOLE_PIPELINE} at {ours:.4f} {word} the last blessed model at {theirs:.4f}"
    return Check(passed, line + times + given)


def _of_index(index: dict[str, Any], least: float) -> Check:
    """What the approximate index finds of the nearest items, against `bless.index_recall`."""
    recall = index.get("recall")
    if not _is_number(recall):
        return Check(False, "the recall of the approximate index is missing")
    passed = bool(recall >= least)
    line = (
        f"recall@{index['recall_at']} of the approximate index against the exact one: {recall:.4f} "
        f"{'reaches' if passed else 'is below'} bless.index_recall={least:g}"
    )
    hint = "" if passed else f"; bundle.exact_items={index['items']} compares every item"
    return Check(passed, line + hint)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
