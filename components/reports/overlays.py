"""Charts of then and now drawn over each other, as shares: the row counts may differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import markupsafe

from aisle.components.reports.charts import REST, SERIES, blank_figure, frame_histogram, label
from aisle.components.reports.page import share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Buckets = Sequence[dict[str, float]]


def histograms(now: Buckets, before: Buckets, is_time: bool, title: str) -> markupsafe.Markup:
    """Draws two histograms over the same buckets: before filled, now as the line over it."""
    edges = [bucket["low"] for bucket in now] + [now[-1]["high"]]
    if edges[-1] == edges[0]:
        edges = [edges[0], edges[0] + 1.0]
    with blank_figure(300, 124, title) as (figure, drawing):
        axes: Axes = figure.add_axes((0.02, 0.2, 0.96, 0.72))
        axes.stairs(_shares(before), edges, fill=True, color=REST)
        axes.stairs(_shares(now), edges, color=SERIES[0], linewidth=1.8)
        axes.set_ylim(bottom=0)
        frame_histogram(axes, edges[0], edges[-1], is_time)
    return drawing()


def bars(now: Sequence[tuple[str, float]], before: Sequence[float], title: str) -> markupsafe.Markup:
    """Draws each value's share now, and below it the one before."""
    shares = _of_counts([count for _, count in now])
    earlier = _of_counts(before)
    most = max(*shares, *earlier) or 1
    with blank_figure(300, 28 * len(now) + 6, title) as (figure, drawing):
        axes: Axes = figure.add_axes((0.44, 0, 0.4, 1))
        places = range(len(now))
        axes.barh([place - 0.2 for place in places], shares, 0.36, color=SERIES[0])
        axes.barh([place + 0.2 for place in places], earlier, 0.36, color=REST)
        axes.set_ylim(len(now) - 0.4, -0.6)
        axes.set_xlim(0, most)
        axes.set_yticks(places, [label(text) for text, _ in now])
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        for place, pair in enumerate(zip(shares, earlier, strict=True)):
            for value, aside in zip(pair, (-0.2, 0.2), strict=True):
                axes.text(value + most * 0.03, place + aside, share(value), va="center", fontsize=9)
    return drawing()


def _shares(buckets: Buckets) -> list[float]:
    return _of_counts([bucket["count"] for bucket in buckets])


def _of_counts(counts: Sequence[float]) -> list[float]:
    total = sum(counts) or 1.0
    return [count / total for count in counts]
