"""What the report `experiment` holds, version 1 of docs/reports.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aisle.experiments.analysis.analyze import Analysis
from aisle.experiments.analysis.bots import Bots
from aisle.experiments.analysis.interleaved import Interleaved, Preferred
from aisle.experiments.analysis.rows import Row
from aisle.experiments.analysis.slices import Part


def report_of(found: Analysis) -> dict[str, Any]:
    """Of an A/B test."""
    ratio = found.sample_ratio
    return {
        **_said(found),
        "held": {
            "statistic": ratio.statistic,
            "p_value": ratio.p_value,
            "alarm": ratio.alarm,
            "arms": [
                {"arm": arm, "users": users, "planned": ratio.planned[arm]}
                for arm, users in ratio.users.items()
            ],
        },
        "metrics": [_metric(row) for row in found.rows],
        "refused": _refused(found.refused),
        "slices": [_part(part) for part in found.parts],
        "differing": [
            {
                "by": one.by, "metric": one.metric, "arm": one.arm,
                "p_value": one.p_value, "benjamini_hochberg": one.adjusted,
            }
            for one in found.differing
        ],
        "interleaved": None,
    }  # fmt: skip


def report_of_interleaved(found: Interleaved) -> dict[str, Any]:
    """Of interleaved answers."""
    return {
        **_said(found),
        "held": None,
        "metrics": [],
        "refused": [],
        "slices": [],
        "differing": [],
        "interleaved": {
            "control": found.arms[0],
            "treatment": found.arms[1],
            "users": found.users,
            "answers_with_more_of_control": found.uneven[0],
            "answers_with_more_of_treatment": found.uneven[1],
            "preferences": [_preference(one) for one in found.preferred],
        },
    }


def _said(found: Analysis | Interleaved) -> dict[str, Any]:
    """What both kinds of experiment have."""
    return {
        "version": 1,
        "experiment": found.experiment,
        "outcome": found.outcome,
        "verdict": found.verdict,
        "distrust": found.distrust,
        "left_out": _counts(found.left_out),
        "late": found.late,
        "noted": _counts(found.noted),
        "bots": _bots(found.bots),
    }


def _counts(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"reason": reason, "count": count} for reason, count in counts.items()]


def _bots(found: Bots) -> dict[str, Any]:
    return {"users": len(found.units), "rule": str(found.rule), "kept": found.kept}


def _refused(refused: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"metric": metric, "reason": reason} for metric, reason in refused.items()]


def _part(part: Part) -> dict[str, Any]:
    return {
        "by": part.by,
        "value": part.value,
        "arms": [{"arm": arm, "users": users} for arm, users in part.users.items()],
        "metrics": [_metric(row) for row in part.rows],
        "refused": _refused(part.refused),
    }


def _metric(row: Row) -> dict[str, Any]:
    effect = row.effect
    return {
        "metric": row.declared.name,
        "arm": row.arm,
        "better": row.declared.better,
        "guardrail": row.declared.guardrail,
        "control": effect.control,
        "treatment": effect.treatment,
        "difference": effect.difference.value,
        "interval": list(row.interval),
        "relative": effect.relative.value if effect.relative else None,
        "relative_interval": list(row.relative) if row.relative else None,
        "p_value": effect.difference.p_value,
        "holm": row.holm,
        "benjamini_hochberg": row.benjamini_hochberg,
        "found": row.found,
        "variance_kept": effect.variance_kept,
        "bound": row.bound,
    }


def _preference(one: Preferred) -> dict[str, Any]:
    return {
        "event": one.event,
        "prefer_control": one.preference.wins[0],
        "prefer_treatment": one.preference.wins[1],
        "as_many_of_both": one.preference.ties,
        "credited_by_item": one.by_item,
        "share": one.preference.share,
        "interval": list(one.interval),
        "p_value": one.preference.p_value,
        "holm": one.holm,
        "found": one.found,
    }
