"""The judgement: from the rows' fates to what was lost, and whether the run may go on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from aisle.components.cleaner.keeping import keeping
from aisle.components.cleaner.losses.fates import BRAND, CATEGORY, DAY, EVENT
from aisle.components.cleaner.losses.options import LossOptions
from aisle.components.cleaner.losses.parts import Part, parts, reasons_of
from aisle.components.cleaner.losses.tally import EXAMPLES, WHOLE, Tally
from aisle.components.reports.page import share, visible
from aisle.schema import events as kinds
from aisle.schema.tables import EVENTS

PASSED, BLOCKED = "passed", "blocked"
ERROR, WARNING, ALLOWED = "ERROR", "WARNING", "ALLOWED"
_MOST = 5
"""Days, files, categories and brands of each table that are told though they are well; parts that the console names."""
_ORDER = (ERROR, WARNING, ALLOWED, None)


def weigh(tallies: Mapping[str, Tally], options: LossOptions) -> dict[str, Any]:
    """Weighs what was lost of what was read.

    Args:
        tallies: of each table's rows' fates.
        options: how much may be lost.

    Returns:
        `losses` of the report `cleaning` (docs/reports.md), its parts the worst first. Its `verdict` is `blocked`
        where one has severity ERROR.
    """
    goal = _goals(tallies)
    told = []
    for table, tally in tallies.items():
        others: Counter[str] = Counter()
        for part in parts(table, tally):
            severity, threshold = _severity(part, tally.rows, goal, options)
            common = part.by == WHOLE or _is_ours(part)
            others[part.by] += not common
            if common or severity or others[part.by] <= _MOST:
                told.append(_part(part, reasons_of(part, tally), severity, threshold, goal))
    told.sort(key=lambda part: (_ORDER.index(part["severity"]), not part["changes_goal"], -part["lost"]))
    counts = Counter(part["severity"] for part in told)
    return {
        "verdict": BLOCKED if counts[ERROR] else PASSED,
        "counts": {severity: counts[severity] for severity in (ERROR, WARNING, ALLOWED)},
        "goal": goal,
        "parts": told,
    }


def blocking_line(losses: Mapping[str, Any], path: str) -> str:
    """Returns the one line a stopped run ends with: what was lost, why, what would keep it, and the report's path."""
    blocking = [part for part in losses["parts"] if part["severity"] == ERROR]
    first, more = blocking[0], blocking[1:_MOST]
    reasons, others = first["reasons"][:EXAMPLES], first["reasons"][EXAMPLES:]
    why = ", ".join(_reason_line(reason) for reason in reasons)
    why += f", {sum(reason['rows'] for reason in others):,} for other reasons" if others else ""
    ways = list(dict.fromkeys(reason["keep"] for reason in reasons))
    rest = "".join(f"; {part['what']}" for part in more)
    left_out = len(blocking) - 1 - len(more)
    rest += f"; {left_out} more" if left_out else ""
    names = json.dumps([part["name"] for part in blocking[:_MOST]], ensure_ascii=False)
    line = (
        f"{first['what']}: {why}{rest}. To keep them: {'; '.join(ways)}. To go on without them: "
        f"--set 'losses.allowed={names}'. See {path}"
    )
    return str(visible(" ".join(line.split())))


def _reason_line(reason: Mapping[str, Any]) -> str:
    places = [f"{example['file']}:{example['line']}" for example in reason["examples"][:1]]
    column = f"{reason['column']} " if reason["column"] else ""
    where = f" ({places[0]}{' …' if reason['rows'] > 1 else ''})" if places else ""
    return f"{reason['rows']:,} × {column}'{reason['reason']}'{where}"


def _goals(tallies: Mapping[str, Tally]) -> dict[str, str | None]:
    """The goal that the events read give the models, and the one of those that are left; null for none."""
    if EVENTS.name not in tallies:
        return {"read": None, "used": None}
    happened = tallies[EVENTS.name].counts[EVENT]
    left = happened.filter(pl.col("rows") > pl.col("lost"))
    return {"read": kinds.goal(happened[EVENT].to_list()), "used": kinds.goal(left[EVENT].to_list())}


def _severity(
    part: Part, rows: int, goal: Mapping[str, str | None], options: LossOptions
) -> tuple[str | None, float]:
    """Returns how bad the loss of a part is, None where it isn't, and the share that it was held against."""
    limit = options.stops_above(part.name)
    enough = part.rows >= (options.min_items if part.by in (CATEGORY, BRAND) else options.min_rows)
    large = enough and part.share > limit
    if part.by == WHOLE:
        stops, warns = part.is_gone or large, part.share > options.warn_share
    elif part.by == EVENT and not _is_ours(part):
        # A name that isn't known is lost whole: what counts is how much of the table bears it.
        limit, stops = options.warn_share, False
        warns = part.lost > options.warn_share * rows
    elif part.by == EVENT:
        stops = _changes_goal(part, goal) or large or (enough and part.is_gone)
        warns = part.is_gone or part.share > options.warn_share
    else:
        stops, warns = enough and part.is_gone, large
    if not stops and not warns:
        return None, limit
    return ALLOWED if part.name in options.allowed else ERROR if stops else WARNING, limit


def _is_ours(part: Part) -> bool:
    return part.by == EVENT and part.value in kinds.names()


def _changes_goal(part: Part, goal: Mapping[str, str | None]) -> bool:
    """Whether the models learn something else because this kind of event is lost whole."""
    if goal["read"] == goal["used"] or part.by != EVENT or not part.is_gone:
        return False
    return part.value == goal["read"] if goal["used"] else part.value in kinds.weights()


def _part(
    part: Part,
    reasons: list[dict[str, Any]],
    severity: str | None,
    threshold: float,
    goal: Mapping[str, str | None],
) -> dict[str, Any]:
    changes = _changes_goal(part, goal)
    return {
        "name": part.name,
        "table": part.table,
        "by": part.by,
        "value": part.value,
        "rows": part.rows,
        "lost": part.lost,
        "share": part.share,
        "severity": severity,
        "threshold": threshold,
        "changes_goal": changes,
        "what": _what(part, goal if changes else {}),
        "reasons": _reasons(part.table, reasons),
    }


def _what(part: Part, goal: Mapping[str, str | None]) -> str:
    """Says what was lost in one sentence without a full stop."""
    called = {
        WHOLE: f"rows of {part.table}",
        EVENT: f"{part.value}s" if _is_ours(part) else f"events called '{part.value}'",
        DAY: f"{part.table} of {part.value}",
        CATEGORY: f"items of the category '{part.value}'",
        BRAND: f"items of the brand '{part.value}'",
    }.get(part.by, f"rows of {part.value}")
    if not part.is_gone:
        return f"{part.lost:,} of {part.rows:,} {called} were lost ({share(part.share)})"
    said = (
        f"all {part.rows:,} {called} were lost" if part.rows > 1 else f"the only one of the {called} was lost"
    )
    if goal:
        said += f", so that the models would learn {goal['used'] or 'nothing'} instead of {goal['read']}"
    return said


def _reasons(table: str, reasons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Why rows were lost, the commonest reason first."""
    return [
        {
            "reason": row["reason"],
            "column": row["column"],
            "rows": row["rows"],
            "keep": keeping(table, row["column"], row["reason"]),
            "examples": [_example(**example) for example in row["examples"]],
        }
        for row in sorted(reasons, key=lambda row: -row["rows"])
    ]


def _example(file: str, line: int, value: str | None) -> dict[str, Any]:
    return {"file": file, "line": line, "value": value or ""}
