"""What somebody paid for to be shown, and what came of it: the organic ranking doesn't learn from it.

A shop's rows may say so themselves (`sponsored`). Those that don't are told by the last touch, as clicks and purchases are
joined elsewhere (`attribution.py`): a click answers the last result of its item that the visitor was shown, and a cart or a
purchase the last click on it, or that result where there was no click.
"""

from __future__ import annotations

import polars as pl

from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.searches.attribution import MINUTE, answered, coded, last_before
from aisle.schema import events as kinds
from aisle.schema.tables import MICROSECONDS_PER_DAY

_SPONSORED, _PLACE = "sponsored", "place"


def marked(events: pl.DataFrame, options: LabelerOptions) -> pl.DataFrame:
    """Marks what ads led to, beside what is marked as sponsored.

    Args:
        events: canonical events, `sponsored` 1, 0 or null.
        options: the windows.

    Returns:
        The events, `sponsored` a boolean.
    """
    told = events.with_columns((pl.col(_SPONSORED).fill_null(0) == 1).alias(_SPONSORED))
    if not told[_SPONSORED].any():
        return told
    rows = coded(told.with_row_index(_PLACE), _PLACE).sort("timestamp", _SPONSORED, maintain_order=True)
    window = int(options.click_window_minutes * MINUTE)
    named = pl.col("session").is_not_null() | pl.col("user").is_not_null()
    shown = _numbered(rows.filter((pl.col("event") == kinds.IMPRESSION.name) & named))
    clicks = _numbered(rows.filter(pl.col("event") == kinds.CLICK.name))
    clicks = clicks.with_columns(pl.col(_SPONSORED) | _paid(answered(clicks, shown, window)["shown"], shown))
    others = _numbered(
        rows.filter(pl.col("event").is_in([*kinds.weights()]) & (pl.col("event") != kinds.CLICK.name))
    )
    led = last_before(others, clicks, int(options.conversion_window_days * MICROSECONDS_PER_DAY))
    unled = led.is_null() & _paid(answered(others, shown, window)["shown"], shown)
    others = others.with_columns(pl.col(_SPONSORED) | _paid(led, clicks) | unled)
    paid = pl.concat([part.filter(_SPONSORED)[_PLACE] for part in (clicks, others)])
    return told.with_columns(pl.col(_SPONSORED) | pl.int_range(pl.len()).is_in(paid.implode()))


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_row_index("row")


def _paid(found: pl.Series, among: pl.DataFrame) -> pl.Series:
    """Which of the rows that were found are sponsored; none was found where it is null."""
    return among[_SPONSORED].gather(found).fill_null(False) if len(among) else found.is_not_null()
