"""Whether a model may be pushed, and why."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, TypeGuard

from aisle.components.evaluator.search import BM25_TITLES
from aisle.components.evaluator.systems import POPULARITY, WHOLE_PIPELINE


@dataclasses.dataclass(frozen=True)
class Check:
    """One condition of the blessing, in words with its figures."""

    passed: bool
    line: str


def bless(
    systems: list[dict[str, Any]],
    search: dict[str, Any] | None,
    ratio: float,
    ranking: dict[str, Any] | None,
    *,
    ranking_given: bool,
    ranking_blessed: bool | None,
) -> dict[str, Any]:
    """Judges a model; a missing metric refuses it.

    Args:
        systems: of `systems.compare`; empty without test users, and then the search is judged by.
        search: of `search.compare_searches`.
        ratio: the multiple of the baseline that the model must reach.
        ranking: `auc` and `log_loss` of the ranking head, None where there are none.
        ranking_given: whether the ranking head was evaluated, so that its figures must be there.
        ranking_blessed: the ranking head's own blessing; None where it wasn't asked for.

    Returns:
        `blessed`, and `reasons`: what failed, or where nothing did, what passed.
    """
    checks = [_own(systems, search, ratio)]
    if ranking_given:
        missing = [name for name in ("auc", "log_loss") if not _is_number((ranking or {}).get(name))]
        checks.append(
            Check(
                not missing,
                f"the ranking head's evaluation lacks {' and '.join(missing)}"
                if missing
                else "the ranking head's evaluation has its metrics",
            )
        )
    if ranking_blessed is not None:
        verb = "passed" if ranking_blessed else "failed"
        checks.append(Check(ranking_blessed, f"the ranking head {verb} its own thresholds"))
    failed = [check.line for check in checks if not check.passed]
    return {"blessed": not failed, "reasons": failed or [check.line for check in checks]}


def _own(systems: list[dict[str, Any]], search: dict[str, Any] | None, ratio: float) -> Check:
    """The model against the baseline of whatever was tested."""
    if systems:
        values = {one["name"]: (one["all"] or {}).get("ndcg") for one in systems}
        return _against("nDCG of all test items", values, POPULARITY, ratio)
    if search is None:
        return Check(
            False, "no data: no known user has a test item and no test query was judged or taken from"
        )
    figures = {one["name"]: one for one in search["systems"]}
    metric = "ndcg" if search["judged"] else "recall"
    values = {name: one.get(metric) for name, one in figures.items()}
    label = "nDCG of judged searches" if search["judged"] else "recall of searches"
    return _against(label, values, BM25_TITLES, ratio)


def _against(metric: str, values: dict[str, Any], baseline: str, ratio: float) -> Check:
    ours, theirs = values.get(WHOLE_PIPELINE), values.get(baseline)
    if not (_is_number(ours) and _is_number(theirs)):
        return Check(False, f"{metric} is missing for {WHOLE_PIPELINE if not _is_number(ours) else baseline}")
    passed = bool(ours >= theirs * ratio)
    times = "" if ratio == 1.0 else f" times {ratio:g}"
    word = "reaches" if passed else "is below"
    return Check(passed, f"{metric}: {WHOLE_PIPELINE} at {ours:.4f} {word} {baseline} at {theirs:.4f}{times}")


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
