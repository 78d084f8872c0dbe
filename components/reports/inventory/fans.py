"""An item's demand drawn as a fan, past and future, and its stock against it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import markupsafe
import numpy as np

from aisle.components.reports.charts import FAINT, INK, REST, SERIES, blank_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEMAND, STOCK, GONE = SERIES[0], SERIES[3], SERIES[2]
_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right", "right")


def fan(item: dict[str, Any], title: str) -> markupsafe.Markup:
    """Draws what an item sold by week, what was forecast of the last weeks, and what is of those to come.

    Where its stock is known, it is drawn below: what may be left, week by week, if nothing more is ordered.
    """
    stocked = item["on_hand"] is not None
    with blank_figure(360, 250 if stocked else 170, title) as (figure, drawing):
        demand: Axes = figure.add_axes((0.1, 0.46, 0.87, 0.48) if stocked else (0.1, 0.14, 0.87, 0.8))
        _demand(demand, item)
        if stocked:
            _left(figure.add_axes((0.1, 0.03, 0.87, 0.29)), item)
    return drawing()


def _demand(axes: Axes, item: dict[str, Any]) -> None:
    past, ahead = item["past"], item["weeks"]
    now = len(past)
    units = [float("nan") if week["quantity"] is None else week["quantity"] for week in past]
    _bands(axes, range(now - len(item["earlier"]), now), item["earlier"], REST, "--")
    _bands(axes, range(now, now + len(ahead)), ahead, DEMAND, "-")
    axes.plot(range(now), units, color=INK, linewidth=1.4, marker="o", markersize=2.2)
    axes.axvline(now - 0.5, color=FAINT, linewidth=1)
    _name(axes, "units a week")
    marked = [0, *([now - 1] if len(ahead) > 2 else []), now + len(ahead) - 1]
    starts = [*(week["start"] for week in past), *(week["start"] for week in ahead)]
    axes.set_xticks(marked, [_short(starts[place]) for place in marked])
    for text, side in zip(axes.get_xticklabels(), _SIDES, strict=False):
        text.set_horizontalalignment(side)
    _frame(axes, -0.6, now + len(ahead) - 0.4)


def _left(axes: Axes, item: dict[str, Any]) -> None:
    """What is left at the end of each week to come, without another order; what is on its way is counted."""
    sums, start = item["sums"], item["on_hand"] + item["on_order"]
    places = np.linspace(0, len(sums), 40 * len(sums) + 1)

    def left(taken: Sequence[float]) -> np.ndarray:
        return np.maximum(start - np.interp(places, range(len(sums) + 1), [0.0, *taken]), 0)

    most, least = (left([one["quantiles"][nth] for one in sums]) for nth in (0, -1))
    middle = left([one["mean"] for one in sums])
    axes.fill_between(places, least, most, color=STOCK, alpha=0.25, linewidth=0)
    axes.plot(places, middle, color=STOCK, linewidth=2)
    if not middle.all():
        gone = places[int(np.argmin(middle > 0))]
        axes.plot([gone], [0], color=GONE, marker="x", markersize=7, markeredgewidth=2, clip_on=False)
    _name(
        axes,
        "stock left, if nothing more is ordered" if start > 0 else "nothing is in stock, and nothing comes",
    )
    axes.set_xticks([])
    _frame(axes, 0.0, float(len(sums)))
    if start <= 0:
        axes.set_ylim(0, 1)
        axes.set_yticks([0])


def _bands(
    axes: Axes, places: Sequence[int], weeks: Sequence[dict[str, Any]], colour: str, line: str
) -> None:
    """The outer and the inner quantiles as bands, the mean as a line."""
    if not weeks:
        return
    edges = [places[0] - 0.5, *(place + 0.5 for place in places)]
    quantiles = list(zip(*(week["quantiles"] for week in weeks), strict=True))
    for nth in range(len(quantiles) // 2):
        low, high = quantiles[nth], quantiles[-1 - nth]
        axes.fill_between(
            edges, [*low, low[-1]], [*high, high[-1]], step="post", color=colour, alpha=0.22, linewidth=0
        )
    axes.plot(places, [week["mean"] for week in weeks], color=colour, linewidth=2, linestyle=line)


def _name(axes: Axes, name: str) -> None:
    axes.set_title(name, fontsize=10, loc="left", color=INK, pad=3)


def _frame(axes: Axes, low: float, high: float) -> None:
    axes.set_xlim(low, high)
    axes.set_ylim(0, None)
    axes.locator_params(axis="y", nbins=3)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.tick_params(length=0, labelsize=10)
    axes.spines["left"].set_visible(False)


def _short(date: str) -> str:
    """`2011-10-09` as `9 Oct`."""
    day = datetime.date.fromisoformat(date)
    return f"{day.day} {day:%b}"
