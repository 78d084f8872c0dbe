"""What was sold, as files: written by a simulation or a replay, and read for the report."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import TYPE_CHECKING, Any

from aisle.schema.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from aisle.ads.market import Market
    from aisle.ads.requests import Terms
    from aisle.ads.selling import Selling

SOLD, SELLING = "sold.parquet", "selling.json"
COLUMNS = (
    *("request", "timestamp", "campaign_id", "advertiser_id", "item_id", "place", "bid_kind", "price"),
    *("chance", "clicked", "purchased", "charged"),
)


@dataclasses.dataclass(frozen=True)
class Sales:
    """What was sold, and how.

    Attributes:
        shows: a row for each show, `COLUMNS`: prices and charges in micros, the chance of a click in millionths; null where a
            log doesn't tell them.
        selling: `source`, `currency`, `terms`, `requests`, `auctions`, the mean nDCG `without` ads and `beside` them, and
            the `campaigns` with their `budget`, `planned`, `bids`, and, where charges are known of the whole alone, `spent`.
    """

    shows: pl.DataFrame
    selling: dict[str, Any]


def sales_of(source: str, market: Market, terms: Terms, found: Selling) -> Sales:
    """What a simulation or a replay found."""
    import polars as pl

    rows = []
    for show in found.shows:
        campaign = market.campaigns[show.campaign]
        about = campaign.campaign_id, campaign.advertiser_id, show.item_id, show.place, campaign.bid_kind
        rows.append(
            (
                show.request,
                show.at,
                *about,
                show.price,
                show.chance,
                show.clicked,
                show.purchased,
                show.charged,
            )
        )
    kinds = {
        name: pl.String if name.endswith("_id") or name == "bid_kind" else pl.Int64 for name in COLUMNS
    } | {"clicked": pl.Boolean, "purchased": pl.Boolean}
    campaigns = [
        {
            **{
                name: getattr(one, name)
                for name in ("campaign_id", "advertiser_id", "bid_kind", "bid", "budget")
            },
            "planned": int(planned),
            "bids": int(bids),
        }
        for one, planned, bids in zip(market.campaigns, found.planned, found.bids, strict=True)
    ]
    told = {name: value for name, value in dataclasses.asdict(terms).items() if name != "looks"}
    selling = {
        **{"source": source, "currency": market.currency, "terms": {**told, "places": list(terms.places)}},
        **{"requests": len(found.bidders), "auctions": int((found.bidders > 0).sum())},
        "without": float(found.without.mean()) if len(found.without) else 1.0,
        "beside": float(found.beside.mean()) if len(found.beside) else 1.0,
        "campaigns": campaigns,
    }
    return Sales(pl.DataFrame(rows, schema=kinds, orient="row"), selling)


def write_sales(sales: Sales, folder: str) -> pathlib.Path:
    """Writes both files, and returns the path of the shows."""
    path = pathlib.Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    (path / SELLING).write_text(json.dumps(sales.selling, indent=1, ensure_ascii=False), encoding="utf-8")
    sales.shows.write_parquet(path / SOLD)
    return path / SOLD


def read_sales(folder: str) -> Sales:
    """Reads what `write_sales` wrote.

    Raises:
        InputError: it isn't there, or isn't of this version.
    """
    import polars as pl

    path = pathlib.Path(folder)
    try:
        selling = json.loads((path / SELLING).read_text(encoding="utf-8"))
        shows = pl.read_parquet(path / SOLD)
    except FileNotFoundError:
        raise InputError(
            f"nothing was sold in {folder}: expected {SELLING} and {SOLD}; `aisle ads simulate` or `aisle ads replay` write them"
        ) from None
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise InputError(f"what was sold can't be read in {folder}: {error}") from error
    if not isinstance(selling, dict) or set(COLUMNS) - set(shows.columns):
        raise InputError(f"{path / SOLD} isn't of this version; simulate or replay again")
    return Sales(shows, selling)
