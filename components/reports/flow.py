"""The flow of a table's rows as a picture: one band in, a band out for each thing that became of them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import markupsafe

from aisle.components.reports.charts import REST, SERIES, blank_figure, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"used": SERIES[0], "merged": SERIES[1], "quarantined": SERIES[2]}
_WIDTH, _BAND_LEFT, _BAND_RIGHT = 400, 70, 158
_ROW, _SPACE = 34, 10
_THINNEST = 1.5
_REASON, _LINE = 38, 13
"""Characters of a reason that fit beside its band; a longer one takes a second line, so much lower."""
_NUMBER: dict[str, Any] = {"fontweight": "bold", "fontsize": 12}


def flow(read: int, outcomes: Sequence[tuple[str, str, int]], title: str) -> markupsafe.Markup:
    """Draws how the rows read divide.

    Args:
        read: rows that came in.
        outcomes: what became of them: outcome (`used`, `merged` or `quarantined`), why, rows.
        title: said to a screen reader.
    """
    total = max(read, 1)
    thickness = 110.0
    spans = [max(thickness * rows / total, _THINNEST) for _, _, rows in outcomes]
    reasons = [textwrap.wrap(label(why, 2 * _REASON), _REASON)[:2] for _, why, _ in outcomes]
    heights = [_ROW + _LINE * (len(lines) - 1) for lines in reasons]
    steps = [max(span + _SPACE, height) for span, height in zip(spans, heights, strict=True)]
    height = int(max(sum(steps), thickness + 2 * _SPACE)) + 4
    with blank_figure(_WIDTH, height, title) as (figure, drawing):
        axes: Axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, _WIDTH)
        axes.set_ylim(height, 0)
        axes.axis("off")
        left = (height - thickness) / 2
        axes.text(_BAND_LEFT - 8, height / 2 - 8, f"{read:,}", ha="right", va="center", **_NUMBER)
        axes.text(_BAND_LEFT - 8, height / 2 + 8, "read", ha="right", va="center")
        axes.fill_between([_BAND_LEFT - 5, _BAND_LEFT], left, left + thickness, color=REST, linewidth=0)
        top = (height - sum(steps)) / 2
        for (outcome, _, rows), lines, span, step in zip(outcomes, reasons, spans, steps, strict=True):
            colour = COLOURS[outcome]
            middle = top + step / 2
            _band(axes, left, thickness * rows / total, middle - span / 2, span, colour)
            first = middle - 7 - _LINE / 2 * (len(lines) - 1)
            axes.text(_BAND_RIGHT + 12, first, f"{rows:,} {outcome}", va="center", color=colour, **_NUMBER)
            for nth, line in enumerate(lines):
                axes.text(_BAND_RIGHT + 12, first + 14 + _LINE * nth, line, va="center")
            left += thickness * rows / total
            top += step
    return drawing()


def _band(axes: Axes, left: float, left_span: float, right: float, right_span: float, colour: str) -> None:
    """Draws a band from the left edge at `left` to the right edge at `right`, bending smoothly between."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    middle = (_BAND_LEFT + _BAND_RIGHT) / 2
    points = [
        (_BAND_LEFT, left),
        (middle, left),
        (middle, right),
        (_BAND_RIGHT, right),
        (_BAND_RIGHT, right + right_span),
        (middle, right + right_span),
        (middle, left + left_span),
        (_BAND_LEFT, left + left_span),
        (_BAND_LEFT, left),
    ]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    axes.add_patch(PathPatch(Path(points, codes), facecolor=colour, alpha=0.45, linewidth=0))
    axes.fill_between([_BAND_RIGHT, _BAND_RIGHT + 5], right, right + right_span, color=colour, linewidth=0)
