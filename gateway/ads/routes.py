"""What campaigns have spent, over HTTP."""

from __future__ import annotations

from typing import Annotated

import pydantic
from fastapi import APIRouter, Depends, Request
from pydantic import Field

from aisle.gateway.ads.service import Ads
from aisle.gateway.security import require_key

campaigns = APIRouter(prefix="/v1", dependencies=[Depends(require_key)], tags=["with the key"])


class CampaignMoney(pydantic.BaseModel):
    """A campaign's money, in micros."""

    campaign_id: str
    budget: int
    spent: int = Field(description="That was charged, by all gateways of the store.")
    held: int = Field(description="What open shows are expected to cost.")
    multiplier: float = Field(description="Of its bids, by pacing: from 0 to 1.")
    bids: int = Field(
        description="Answers for whose places it bid, those of other gateways up to half a minute ago."
    )


class CampaignsMoney(pydantic.BaseModel):
    """The campaigns of the table, in its order."""

    campaigns: list[CampaignMoney]
    stale: bool = Field(description="Whether the store is down, and this is what was known before.")


async def _ads(request: Request) -> Ads | None:
    found: Ads | None = request.app.state.gateway.ads
    return found


@campaigns.get("/campaigns")
async def tell_money(ads: Annotated[Ads | None, Depends(_ads)]) -> CampaignsMoney:
    """What each campaign has spent and holds; none where nothing is sold."""
    if ads is None:
        return CampaignsMoney(campaigns=[], stale=False)
    told, met = await ads.money()
    return CampaignsMoney(
        campaigns=[
            CampaignMoney(
                campaign_id=one.campaign.campaign_id,
                budget=one.campaign.budget,
                spent=one.account.spent,
                held=one.account.held,
                multiplier=one.multiplier,
                bids=one.bids,
            )
            for one in told
        ],
        stale=not met,
    )
