"""Charts as inline SVG that follow the page's colours and fonts, light or dark.

Matplotlib draws with stand-in colours, which become the style sheet's variables afterwards.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import markupsafe

from aisle.components.reports.page import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, REST = "#010203", "#010204", "#010205"
SERIES = ("#010301", "#010302", "#010303", "#010304")
_VARIABLES = {INK: "ink", FAINT: "line", REST: "rest", **{c: f"series-{i + 1}" for i, c in enumerate(SERIES)}}

FONT = 11
_LABEL_CHARACTERS = 20
_SIDES: tuple[Literal["left", "center", "right"], ...] = ("left", "center", "right")
_RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": FONT,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def label(text: Any, width: int = _LABEL_CHARACTERS) -> str:
    """Returns text fit for a chart: one line, without control characters, at most `width` long."""
    line = " ".join(str(visible(str(text))).split()) or "(empty)"
    return line if len(line) <= width else line[: width - 1] + "…"


def compact(value: float) -> str:
    """Formats a number in few characters: 1.2M, 34k, 0.05."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):.3g}{letter}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def histogram(buckets: Sequence[dict[str, float]], is_time: bool, title: str) -> markupsafe.Markup:
    """Draws equal-width buckets (`low`, `high`, `count`), times in microseconds as dates."""
    counts = [bucket["count"] for bucket in buckets]
    width = (buckets[0]["high"] - buckets[0]["low"]) or 1.0
    with blank_figure(300, 124, title) as (figure, drawing):
        axes: Axes = figure.add_axes((0.02, 0.2, 0.96, 0.72))
        axes.bar([b["low"] for b in buckets], counts, width * 0.94, align="edge", color=SERIES[0])
        frame_histogram(axes, buckets[0]["low"], buckets[0]["low"] + width * len(buckets), is_time)
    return drawing()


def frame_histogram(axes: Axes, low: float, high: float, is_time: bool) -> None:
    """Gives a histogram from `low` to `high` its only axis: the ends and the middle, times as dates."""
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlim(low, high)
    ticks = [low, (low + high) / 2, high]
    axes.set_xticks(ticks, [_date(tick) if is_time else compact(tick) for tick in ticks])
    for text, side in zip(axes.get_xticklabels(), _SIDES, strict=True):
        text.set_horizontalalignment(side)
    axes.tick_params(length=0)


def bars(values: Sequence[tuple[str, float]], title: str) -> markupsafe.Markup:
    """Draws labelled values as horizontal bars, the first on top."""
    height = 20 * len(values) + 6
    with blank_figure(300, height, title) as (figure, drawing):
        axes: Axes = figure.add_axes((0.44, 0, 0.4, 1))
        places = range(len(values))
        axes.barh(places, [value for _, value in values], 0.68, color=SERIES[0])
        axes.set_ylim(len(values) - 0.4, -0.6)
        most = max(value for _, value in values) or 1
        axes.set_xlim(0, most)
        axes.set_yticks(places, [label(text) for text, _ in values])
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        for place, (_, value) in enumerate(values):
            axes.text(value + most * 0.03, place, compact(value), va="center", fontsize=10)
    return drawing()


def intervals(
    rows: Sequence[tuple[str, float | None, tuple[float, float] | None]], title: str
) -> markupsafe.Markup:
    """Draws named values as bars with their confidence intervals; the best one stands out."""
    known = [value for _, value, _ in rows if value is not None]
    ends = [interval[1] for _, _, interval in rows if interval is not None]
    top = max([*known, *ends, 0.0]) or 1.0
    with blank_figure(360, 24 * len(rows) + 6, title) as (figure, drawing):
        axes: Axes = figure.add_axes((0.36, 0, 0.48, 1))
        for place, (_, value, interval) in enumerate(rows):
            if value is None:
                axes.text(top * 0.03, place, "–", va="center")
                continue
            axes.barh(place, value, 0.6, color=SERIES[0] if value == max(known) else REST)
            end = value
            if interval is not None:
                axes.plot(interval, (place, place), color=INK, linewidth=1.4, marker="|", markersize=6)
                end = max(value, interval[1])
            axes.text(end + top * 0.03, place, f"{value:.3f}", va="center", fontsize=10)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, top)
        axes.set_yticks(range(len(rows)), [label(name) for name, _, _ in rows])
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[["bottom", "left"]].set_visible(False)
    return drawing()


def curves(lines: dict[str, Sequence[float]], title: str) -> markupsafe.Markup:
    """Draws values by step, one line each, named at its end."""
    with blank_figure(360, 190, title) as (figure, drawing):
        axes: Axes = figure.add_axes((0.12, 0.14, 0.68, 0.8))
        longest = max(len(values) for values in lines.values())
        for colour, (name, values) in zip(SERIES, lines.items(), strict=False):
            steps = range(1, len(values) + 1)
            axes.plot(steps, values, color=colour, linewidth=2, marker="o", markersize=3)
            axes.text(len(values) + longest * 0.03, values[-1], label(name, 12), color=colour, va="center")
        axes.set_xticks(sorted({1, (1 + longest) // 2, longest}))
        axes.grid(axis="y", color=FAINT, linewidth=0.6)
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
    return drawing()


def _date(microseconds: float) -> str:
    try:
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=microseconds)
    except OverflowError:
        return compact(microseconds)
    return moment.date().isoformat()


@contextlib.contextmanager
def blank_figure(width: int, height: int, title: str) -> Iterator[tuple[Figure, Any]]:
    """Yields an empty figure of so many CSS pixels, and what draws it once it is filled."""
    # Imported here: matplotlib takes a second, and only who writes a report needs it.
    import matplotlib
    from matplotlib.figure import Figure

    # The salt keeps the ids of one page's charts apart, and one chart the same from run to run.
    with matplotlib.rc_context({**_RC, "svg.hashsalt": title}), warnings.catch_warnings():
        # Glyphs are the browser's business: the text stays text.
        warnings.simplefilter("ignore", UserWarning)
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        figure.patch.set_visible(False)
        drawn: list[str] = []
        yield figure, lambda: svg(drawn[0], width, title)
        for axes in figure.axes:
            axes.patch.set_visible(False)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None})
        drawn.append(stream.getvalue())


def svg(document: str, width: int, title: str) -> markupsafe.Markup:
    """Returns matplotlib's SVG document as an element for a page: its colours, fonts and width the page's."""
    body = document[document.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"(font: \d+(?:\.\d+)?px) [^;\"]*", r"\1 system-ui, sans-serif", body)
    for colour, name in _VARIABLES.items():
        body = re.sub(rf"(: ?){colour}\b", rf"\1var(--{name})", body)
    view_box = re.search(r'viewBox="[^"]*"', body)
    head = f'<svg class="chart" role="img" aria-label="{markupsafe.escape(visible(title))}" '
    head += f'style="max-width: {width * 1.35:.0f}px" {view_box.group(0) if view_box else ""}>'
    return markupsafe.Markup(re.sub(r"<svg[^>]*>", lambda _: head, body, count=1))
