"""What an experiment found, in a word and in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from aisle.experiments.analysis.rows import Row
from aisle.experiments.statistics.estimate import Interval

Outcome = Literal["untrusted", "harmed", "better", "worse", "no difference"]


def verdict(
    distrust: Sequence[str], rows: Sequence[Row], refused: Iterable[str], early: bool
) -> tuple[Outcome, str]:
    """Distrust first, then harm, then what became better or worse.

    Args:
        distrust: why the data can't be trusted; nothing where they can.
        rows: judged.
        refused: the names of metrics that can't be, such as a guardrail that is 0 for all.
        early: whether this is one of several looks.
    """
    if distrust:
        return "untrusted", untrusted(distrust)
    outcome, said = _found(rows, early)
    unsaid = ", ".join(refused)
    return outcome, f"{said} Not judged: {unsaid}." if unsaid else said


def _found(rows: Sequence[Row], early: bool) -> tuple[Outcome, str]:
    guardrails = [row for row in rows if row.declared.guardrail]
    asked = [row for row in rows if not row.declared.guardrail]
    if harmed := [row for row in guardrails if row.found == "worse"]:
        return "harmed", f"A guardrail is harmed: {_said(harmed)}."
    worse = [row for row in asked if row.found == "worse"]
    better = [row for row in asked if row.found == "better"]
    if worse:
        also = f" And better: {_said(better)}." if better else ""
        return "worse", f"Worse: {_said(worse)}.{also}"
    if better:
        return "better", f"Better: {_said(better)}."
    look = " at this look" if early else ""
    return "no difference", f"No difference was found{look}: {_said(asked) or 'no guardrail is harmed'}."


def untrusted(distrust: Sequence[str]) -> str:
    """Why no figure is to be believed."""
    return f"The data can't be trusted: {'; '.join(distrust)}. No figure below says anything of the arms."


def size(row: Row) -> tuple[float, Interval, bool]:
    """The difference and its interval as they are to be told: over the control's value where that is known, else as they are.

    Returns:
        The value, the interval, and whether they are relative.
    """
    if row.relative is None or row.effect.relative is None:
        return row.effect.difference.value, row.interval, False
    return row.effect.relative.value, row.relative, True


def _said(rows: Sequence[Row]) -> str:
    """`revenue a user +3.1% (+1.0% to +5.2%) in new`, of each."""
    return ", ".join(f"{row.declared.name} {told(row)} in {row.arm}{_alone(row)}" for row in rows)


def told(row: Row) -> str:
    """`+3.1% (+1.0% to +5.2%)`."""
    value, (low, high), relative = size(row)
    form = "{:+.1%}" if relative else "{:+.3g}"
    return f"{form.format(value)} ({form.format(low)} to {form.format(high)})"


def _alone(row: Row) -> str:
    """That an interval is apart from 0 and is no finding all the same, because several things were asked."""
    if row.found != "nothing" or row.apart == "nothing" or row.holm is None:
        return ""
    return f" (apart from 0 by itself, not among all that was compared: p = {row.holm:.2g})"
