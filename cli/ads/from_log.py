"""What a gateway sold, by its log and by what its campaigns have spent."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from aisle.ads.calibration import SURFACES, Calibration
from aisle.ads.campaign import MILLION, Campaign, whole
from aisle.ads.market import Market
from aisle.ads.selling import plans
from aisle.cli.ads.files import COLUMNS, Sales
from aisle.cli.ads.logged import click_rates, shown_pages
from aisle.cli.ads.sold import BOUGHT, CLICKED, Windows, followed
from aisle.schema.errors import InputError

if TYPE_CHECKING:
    import polars as pl

SECOND = 1_000_000


class Spent(NamedTuple):
    """What a campaign has spent, in micros, and how often it bid; None where the gateway doesn't tell."""

    micros: int
    bids: int | None


def sales_of_log(
    events: pl.DataFrame, campaigns: Sequence[Campaign], spent: Mapping[str, Spent], calibration: Calibration,
    windows: Windows,
) -> Sales:  # fmt: skip
    """What was sold by a log: shows, what came of them, and what was charged by campaign.

    Args:
        events: canonical ones, `timestamp` in microseconds.
        campaigns: whose they are.
        spent: what the gateway told of each campaign.
        calibration: by which the gateway sold.
        windows: after a show, in which a click and a purchase belong to it.

    Raises:
        InputError: the events tell of no sponsored place, or of a campaign that isn't known.
    """
    import polars as pl

    pages = shown_pages(events)
    shows = pages.filter("sponsored")
    _refuse_unknown(shows, campaigns, spent)
    market = Market(campaigns)
    start, end = int(pages["timestamp"].min()), int(pages["timestamp"].max()) + 1  # type: ignore[arg-type]
    about = pl.DataFrame([{name: getattr(one, name) for name in ("campaign_id", "advertiser_id", "bid_kind")} for one in campaigns])  # fmt: skip
    known = (
        events
        if "request_id" in events.columns
        else events.with_columns(pl.lit(None, pl.String).alias("request_id"))
    )
    told = followed(known, shows).join(about, on="campaign_id", how="left", maintain_order="left")
    waited = {name: (pl.col(name) - pl.col("timestamp")) / SECOND for name in (CLICKED, BOUGHT)}
    sold = told.with_columns(
        pl.col("page").rank("dense").cast(pl.Int64).alias("request"),
        pl.Series("chance", _chances(told, calibration), pl.Int64, nan_to_null=True),
        _came(waited[CLICKED] <= windows.click, "clicked"),
        _came(waited[BOUGHT] <= windows.purchase, "bought").alias("purchased"),
        *(pl.lit(None, pl.Int64).alias(name) for name in ("price", "charged")),
    )
    without, beside = relevance_of(pages)
    return Sales(
        sold.select(COLUMNS),
        {
            **{"source": "log", "currency": market.currency, "terms": None, "auctions": None},
            **{"requests": pages["page"].n_unique(), "without": without, "beside": beside},
            "campaigns": [
                {
                    **{name: getattr(one, name) for name in ("campaign_id", "advertiser_id", "bid_kind", "bid", "budget")},
                    **{"planned": int(planned), "bids": told.bids, "spent": told.micros},
                }
                for one, planned in zip(campaigns, plans(market, start, end), strict=True)
                for told in [spent.get(one.campaign_id, Spent(0, None))]
            ],
        },
    )  # fmt: skip


def _refuse_unknown(shows: pl.DataFrame, campaigns: Sequence[Campaign], spent: Mapping[str, Spent]) -> None:
    """Raises InputError: there are no shows, or campaigns or what they spent aren't known of some."""
    if shows.is_empty():
        raise InputError(
            "the events tell of no sponsored place: none is marked as sponsored; the gateway notes them where it sells places"
            " (aisle gateway --campaigns FILE)"
        )
    known = {one.campaign_id for one in campaigns}
    if strange := sorted({*shows["campaign_id"].fill_null("")} - known):
        raise InputError(
            f"the events name campaigns that the table lacks: {', '.join(strange[:5])}; give the campaigns of that time"
        )
    if untold := sorted({*shows["campaign_id"]} - spent.keys()):
        raise InputError(
            f"--spent doesn't tell of the campaigns {', '.join(untold[:5])}, which the events show; give what the gateway of"
            " these events answers to GET /v1/campaigns, by a table that has them still"
        )


def _came(in_time: pl.Expr, otherwise: str) -> pl.Expr:
    """What followed a show by the answer's id; by the last touch where a shop logs no such ids."""
    import polars as pl

    return (
        pl.when(pl.col("request_id").is_null())
        .then(otherwise)
        .otherwise(in_time.fill_null(False))
        .alias(otherwise)
    )


def read_spent(path: str) -> dict[str, Spent]:
    """What campaigns have spent: a file of what `GET /v1/campaigns` of the gateway answered.

    Raises:
        InputError: it can't be read, or tells something else.
    """
    try:
        told: Any = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        return {str(one["campaign_id"]): _spent(one) for one in told["campaigns"]}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path} doesn't tell what campaigns have spent ({type(error).__name__}: {error}); expected what the gateway "
            "answers to GET /v1/campaigns"
        ) from error


def _spent(told: Mapping[str, Any]) -> Spent:
    bids = told.get("bids")
    micros = whole(told["spent"], "spent", 2**63 - 1)
    return Spent(micros, None if bids is None else whole(bids, "bids", 2**63 - 1))


def _chances(shows: pl.DataFrame, calibration: Calibration) -> list[int | None]:
    """[shows] of a click at its place, in millionths; None of what was sold by no score that is noted."""
    found: list[int | None] = [None] * len(shows)
    known = shows["ad_score"].is_finite().fill_null(False).to_numpy()
    searched = (shows["query"].fill_null("") != "").to_numpy()
    for surface in SURFACES:
        rows = np.flatnonzero(known & (searched == (surface == "search")))
        part = shows[rows]
        names = (part[name].to_list() for name in ("advertiser_id", "campaign_id"))
        chances = calibration.click_rates[surface].at(
            part["ad_score"].to_numpy(), part["place"].to_numpy(), *names
        )
        for row, chance in zip(rows.tolist(), chances.tolist(), strict=True):
            found[row] = max(round(chance * MILLION), 1)
    return found


def relevance_of(pages: pl.DataFrame) -> tuple[float, float]:
    """The mean nDCG of the pages' own items, and of the pages as they were shown, cut to as many.

    An item is worth how often it is clicked where it is looked at, by the same log.
    """
    import polars as pl

    told = pages.with_columns(gain=pl.Series(click_rates(pages)[0])).with_columns(
        own=pl.when(~pl.col("sponsored")).then((~pl.col("sponsored")).cum_sum().over("page")),
        depth=(~pl.col("sponsored")).sum().over("page"),
        best=pl.col("gain").rank("ordinal", descending=True).over("page"),
    )
    pages_of = (
        told.filter(pl.col("depth") > 0)
        .group_by("page", maintain_order=True)
        .agg(
            _dcg(pl.col("own")).alias("without"),
            _dcg(pl.col("place")).alias("beside"),
            _dcg(pl.col("best")).alias("ideal"),
        )
    )
    # Slots of their own, where all is sponsored, are no page of the shop's.
    if pages_of.is_empty():
        return 1.0, 1.0
    means = pages_of.select((pl.col(name) / pl.col("ideal")).mean() for name in ("without", "beside"))
    without, beside = means.row(0)
    return without, beside


def _dcg(place: pl.Expr) -> pl.Expr:
    """Of what stands at these places, down to `depth`."""
    import polars as pl

    discount = (place.cast(pl.Float64) + 1).log(2)
    return pl.when(place <= pl.col("depth")).then(pl.col("gain") / discount).otherwise(0.0).sum()
