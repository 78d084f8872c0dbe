"""What a shop's events tell of sponsored places: what was shown, what became of it, and what is still to come."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import polars as pl

from aisle.ads.calibration import SURFACES, Calibration, Surface
from aisle.ads.fitting import Shows, fit_rate
from aisle.ads.maturity import fit_delays
from aisle.schema.errors import InputError
from aisle.schema.events import CLICK, IMPRESSION, PURCHASE

KEY = ["request_id", "item_id"]
"""What names a show, and what follows it."""
COLUMNS = ("sponsored", "campaign_id", "ad_score", "position", "query", *KEY)
CLICKED, BOUGHT = "clicked_at", "bought_at"


@dataclasses.dataclass(frozen=True)
class Windows:
    """How long after a show a click and a purchase belong to it, in seconds."""

    click: float
    purchase: float


@dataclasses.dataclass(frozen=True)
class Learnt:
    """A calibration, and what it rests on.

    Attributes:
        calibration: of both surfaces; where nothing was sold a score stands for itself.
        counts: by surface, how many shows, clicks and purchases there were.
    """

    calibration: Calibration
    counts: dict[Surface, tuple[int, int, int]]


def learn(events: pl.DataFrame, advertisers: Mapping[str, str], windows: Windows) -> Learnt:
    """Learns what the scores of sponsored places mean.

    Args:
        events: the table, timestamps in microseconds.
        advertisers: who pays, by campaign.
        windows: what belongs to a show.

    Raises:
        InputError: the events tell of no sponsored place with a score.
    """
    shown, now = sold(events), int(events["timestamp"].max() or 0)  # type: ignore[arg-type]
    known = Calibration.identity()
    clicks, purchases, counts = dict(known.click_rates), dict(known.purchase_rates), {}
    for surface in SURFACES:
        part = shown.filter((pl.col("query").fill_null("") != "") == (surface == "search"))
        if part.is_empty():
            continue
        clicks[surface] = fit_rate(shows(part, CLICKED, advertisers, now, windows.click))
        after = part.filter(pl.col(CLICKED).is_not_null())
        if not after.is_empty():
            purchases[surface] = fit_rate(
                shows(after, BOUGHT, advertisers, now, windows.purchase), by_score=False
            )
        bought = after.height - after[BOUGHT].null_count()
        counts[surface] = (part.height, after.height, bought)
    return Learnt(Calibration(clicks, purchases), counts)


def sold(events: pl.DataFrame) -> pl.DataFrame:
    """The sponsored impressions, each once, with the first click and the first purchase that followed.

    Raises:
        InputError: there are none with a score.
    """
    missing = [name for name in COLUMNS if name not in events.columns]
    shown = events.head(0) if missing else events.filter(
        pl.col("event") == IMPRESSION.name, pl.col("sponsored") == 1, pl.col("ad_score").is_finite()
    ).unique(KEY, keep="first", maintain_order=True)  # fmt: skip
    if shown.is_empty():
        why = f"they have no column {', '.join(missing)}" if missing else "none is marked so"
        raise InputError(
            f"the events tell of no sponsored place that was sold by a score: {why}; the gateway notes them where it "
            "sells places (aisle gateway --campaigns FILE)"
        )
    return followed(events, shown)


def followed(events: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """What was shown, with when it was first clicked and first bought (`CLICKED`, `BOUGHT`), by `KEY`."""
    for kind, name in ((CLICK, CLICKED), (PURCHASE, BOUGHT)):
        first = (
            events.filter(pl.col("event") == kind.name)
            .group_by(KEY)
            .agg(pl.col("timestamp").min().alias(name))
        )
        shown = shown.join(first, on=KEY, how="left", maintain_order="left")
    return shown


def shows(shown: pl.DataFrame, what: str, advertisers: Mapping[str, str], now: int, window: float) -> Shows:
    """What was sold as `fit_rate` takes it.

    Args:
        shown: of `sold`.
        what: the column of when it happened.
        advertisers: who pays, by campaign; "" of one that isn't known.
        now: the end of the events, in microseconds.
        window: it belongs to a show at most so many seconds after it.
    """
    at = shown["timestamp"].to_numpy().astype(np.int64)
    delay = (shown[what].cast(pl.Float64).fill_null(np.inf).to_numpy() - at) / 1e6
    waited = (now - at) / 1e6
    come = fit_delays(waited, delay, window).come(waited)
    counts = come > 0
    names = np.array([advertisers.get(name or "", "") for name in shown["campaign_id"]], str)
    return Shows.of(
        shown["ad_score"].to_numpy(),
        np.maximum(shown["position"].fill_null(1).to_numpy().astype(np.int64), 1),
        names,
        shown["campaign_id"].fill_null("").to_numpy().astype(str),
        (delay <= np.minimum(waited, window)).astype(np.float64),
        at,
        come=come,
    ).take(counts)
