"""What the report on sponsored places says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from aisle.cli.ads.files import Sales

MICROS = 1_000_000
LISTED = 100
"""Campaigns and advertisers that the report lists, the greatest spend first."""
DECILES = 10


def summarise(sales: Sales) -> dict[str, Any]:
    """Returns the report `ads`, version 1 of docs/reports.md; money in units of the currency."""
    shows, said = sales.shows, sales.selling
    campaigns = _campaigns(sales)
    revenue = sum(one["spent"] for one in campaigns)
    told = [one["bids"] for one in campaigns if one["bids"] is not None]
    bids = sum(told) if told else None
    return {
        "version": 1,
        **{name: said[name] for name in ("source", "currency", "terms", "requests", "auctions")},
        **{"campaigns_in_all": len(campaigns), "bids": bids},
        **{
            "shows": len(shows),
            "clicks": int(shows["clicked"].sum()),
            "purchases": int(shows["purchased"].sum()),
            "revenue": revenue,
            "win_rate": len(shows) / bids if bids else None,
        },
        "prices": {
            "click": _mean_paid(campaigns, "click"),
            "purchase": _mean_paid(campaigns, "purchase"),
            "thousand_shows": 1_000 * revenue / len(shows) if len(shows) else None,
        },
        "spend": _spend(campaigns),
        "campaigns": campaigns[:LISTED],
        "calibration": _calibration(shows),
        "relevance": {
            "without": said["without"],
            "beside": said["beside"],
            "given_up": 1 - said["beside"] / said["without"] if said["without"] else 0.0,
        },
    }


def _campaigns(sales: Sales) -> list[dict[str, Any]]:
    """Each campaign's money and luck, the greatest spend first."""
    import polars as pl

    counted = sales.shows.group_by("campaign_id").agg(
        pl.len().alias("shows"),
        pl.col("clicked", "purchased").sum(),
        pl.col("charged").sum(),
        # What was paid for; of a log nobody knows which of it cost nothing.
        _paid_for().sum().alias("paid"),
    )
    by_id = {row["campaign_id"]: row for row in counted.to_dicts()}
    nothing = dict.fromkeys(("shows", "clicked", "purchased", "charged", "paid"), 0)
    found = []
    for one in sales.selling["campaigns"]:
        own = by_id.get(one["campaign_id"], nothing)
        charged = one.get("spent", own["charged"])
        found.append(
            {
                **{name: one[name] for name in ("campaign_id", "advertiser_id", "bid_kind", "bids")},
                **{name: one[name] / MICROS for name in ("bid", "budget", "planned")},
                "spent": charged / MICROS,
                "of_plan": charged / one["planned"] if one["planned"] else None,
                "shows": own["shows"],
                "win_rate": own["shows"] / one["bids"] if one["bids"] else None,
                **{"clicks": own["clicked"], "purchases": own["purchased"]},
                "paid": own["paid"],
                "price": charged / own["paid"] / MICROS if own["paid"] else None,
            }
        )
    return sorted(found, key=lambda one: (-one["spent"], one["campaign_id"]))


def _spend(campaigns: list[dict[str, Any]]) -> dict[str, Any]:
    planned, spent = (sum(one[name] for one in campaigns) for name in ("planned", "spent"))
    return {
        **{"planned": planned, "spent": spent, "of_plan": spent / planned if planned else None},
        "over_budget": sum(one["spent"] > one["budget"] for one in campaigns),
        "spent_out": sum(one["planned"] > 0 and one["spent"] >= 0.95 * one["planned"] for one in campaigns),
        "never_shown": sum(one["shows"] == 0 for one in campaigns),
    }


def _paid_for() -> pl.Expr:
    """Whether what a campaign pays for came of a show, and cost something where that is known."""
    import polars as pl

    came = pl.when(pl.col("bid_kind") == "click").then("clicked").otherwise("purchased")
    return came & (pl.col("charged").fill_null(1) > 0)


def _mean_paid(campaigns: list[dict[str, Any]], kind: str) -> float | None:
    """What was paid for one, on average; None where nothing was."""
    own = [one for one in campaigns if one["bid_kind"] == kind]
    paid = sum(one["paid"] for one in own)
    return sum(one["spent"] for one in own) / paid if paid else None


def _calibration(shows: pl.DataFrame) -> dict[str, Any]:
    """Chances of a click that won, against what was clicked: of all, by tenth of the chances, by advertiser."""
    import polars as pl

    known = shows.filter(pl.col("chance").is_not_null())
    tenth = (pl.col("chance").rank("ordinal") - 1) * DECILES // pl.len()
    told = known.with_columns(tenth.alias("tenth"), predicted=pl.col("chance") / MICROS)
    sums = [pl.len().alias("shows"), pl.col("predicted").sum(), pl.col("clicked").sum().alias("observed")]
    tenths = told.group_by("tenth").agg(sums).sort("tenth").drop("tenth").to_dicts()
    advertisers = (
        told.group_by("advertiser_id").agg(sums).sort(["shows", "advertiser_id"], descending=[True, False])
    )
    whole = told.select(sums).to_dicts()[0]
    apart = sum(abs(one["predicted"] - one["observed"]) for one in tenths)
    return {
        **_against(whole),
        "error": apart / len(known) if len(known) else None,
        "tenths": [_against(one) for one in tenths],
        "advertisers": [
            {"advertiser_id": one["advertiser_id"], **_against(one)}
            for one in advertisers.head(LISTED).to_dicts()
        ],
    }


def _against(counted: dict[str, Any]) -> dict[str, Any]:
    shows, predicted, observed = (
        counted["shows"],
        float(counted["predicted"] or 0.0),
        int(counted["observed"] or 0),
    )
    return {
        **{"shows": shows, "predicted": predicted, "observed": observed},
        "ratio": predicted / observed if observed else None,
    }
