"""An item's demand drawn as a fan, past and future, and its stock against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import markupsafe

from aisle.components.reports.charts import FAINT, INK, REST, SERIES, blank_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEMAND, STOCK, GONE = SERIES[0], SERIES[3], SERIES[2]


def fan(item: dict[str, Any], title: str) -> markupsafe.Markup:
    """Draws what an item sold by week, what was forecast of the last weeks, and what is of those to come.

    Where its stock is known, it is drawn below: what may be left, week by week, if nothing more is ordered.
    """
    stocked = item["on_hand"] is not None
    with blank_figure(360, 270 if stocked else 170, title) as (figure, drawing):
        demand: Axes = figure.add_axes((0.1, 0.47, 0.87, 0.47) if stocked else (0.1, 0.14, 0.87, 0.8))
        _demand(demand, item)
        if stocked:
            _left(figure.add_axes((0.1, 0.1, 0.87, 0.27)), item)
    return drawing()


def _demand(axes: Axes, item: dict[str, Any]) -> None:
    past, ahead = item["past"], item["weeks"]
    now = len(past)
    units = [float("nan") if week["quantity"] is None else week["quantity"] for week in past]
    _bands(axes, range(now - len(item["earlier"]), now), item["earlier"], REST, "--")
    _bands(axes, range(now, now + len(ahead)), ahead, DEMAND, "-")
    axes.plot(range(now), units, color=INK, linewidth=1.4, marker="o", markersize=2.2)
    axes.axvline(now - 0.5, color=FAINT, linewidth=1)
    axes.set_title("units a week", fontsize=10, loc="left", color=INK, pad=3)
    marked = [0, now - 1, now + len(ahead) - 1] if ahead else [0, now - 1]
    starts = [*(week["start"] for week in past), *(week["start"] for week in ahead)]
    axes.set_xticks(marked, [_short(starts[place]) for place in marked])
    _frame(axes, now + len(ahead))


def _left(axes: Axes, item: dict[str, Any]) -> None:
    """What is left at the end of each week, without another order; what is on its way is counted."""
    past, sums = len(item["past"]), item["sums"]
    start = item["on_hand"] + item["on_order"]
    places = [past - 0.5, *(past + 0.5 + place for place in range(len(sums)))]
    most = [start, *(start - one["quantiles"][0] for one in sums)]
    least = [start, *(start - one["quantiles"][-1] for one in sums)]
    middle = [start, *(start - one["mean"] for one in sums)]
    axes.fill_between(
        places, [max(v, 0) for v in least], [max(v, 0) for v in most], color=STOCK, alpha=0.25, linewidth=0
    )
    axes.plot(places, [max(v, 0) for v in middle], color=STOCK, linewidth=2)
    for place, value in zip(places, middle, strict=True):
        if value <= 0:
            axes.plot([place], [0], color=GONE, marker="x", markersize=7, markeredgewidth=2)
            break
    axes.axvline(past - 0.5, color=FAINT, linewidth=1)
    axes.set_title("stock left, if nothing more is ordered", fontsize=10, loc="left", color=INK, pad=3)
    axes.set_xticks([])
    _frame(axes, past + len(sums))


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


def _frame(axes: Axes, end: int) -> None:
    axes.set_xlim(-0.6, end - 0.4)
    axes.set_ylim(0, None)
    axes.locator_params(axis="y", nbins=3)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.tick_params(length=0, labelsize=10)
    axes.spines["left"].set_visible(False)


def _short(date: str) -> str:
    """`2011-10-09` as `9 Oct`."""
    import datetime

    day = datetime.date.fromisoformat(date)
    return f"{day.day} {day:%b}"
