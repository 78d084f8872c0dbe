"""How a campaign's budget is made to last from its start to its end: its pace moves once a minute, by adaptive dual pacing.

Every gateway on a store sees the same accounts, and whoever is first moves a pace: the others find it moved. What is paced is
what was spent and what is held, so that a click that comes late doesn't look like none.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import math
from collections.abc import Mapping, Sequence

from aisle.ads.campaign import Campaign
from aisle.ads.pacing import DualPacing
from aisle.gateway.ads.ledger import MOST_MONEY, Account

STEP = 60_000_000
"""Microseconds after which a pace moves."""
AT_ONCE = 50
"""Campaigns after which answers may go on."""


@dataclasses.dataclass(frozen=True)
class Pace:
    """Of a campaign's budget.

    Attributes:
        logarithm: of what its bids are multiplied with.
        steps: how often it moved.
        committed: what was spent and held then, in micros.
        at: when that was, in microseconds since 1970; 0 for never.
    """

    logarithm: float = 0.0
    steps: int = 0
    committed: int = 0
    at: int = 0

    @property
    def multiplier(self) -> float:
        """From above 0 to 1."""
        return math.exp(min(self.logarithm, 0.0))

    @classmethod
    def of(cls, text: str) -> Pace:
        """Reads what `text` says; of "" that of a campaign that was never paced."""
        return cls(*json.loads(text)) if text else cls()

    @property
    def text(self) -> str:
        """It as a ledger keeps it."""
        return json.dumps(dataclasses.astuple(self))

    def after(self, campaign: Campaign, account: Account, now: int) -> Pace:
        """The next pace, by an even plan over the campaign's time; the same one where it is too early to tell.

        Of thousands of campaigns most sell nothing most of the time: one that bids in full waits until it sells.

        A clock that was set back waits until it is where it was.
        """
        since = max(self.at, campaign.starts_at)
        if not self.at:
            return Pace(self.logarithm, 0, account.spent + account.held, now)
        idle = account.spent + account.held == self.committed and self.logarithm >= 0
        if now - since < STEP or idle:
            return self
        lasts, committed = campaign.ends_at - campaign.starts_at, account.spent + account.held
        budget = min(campaign.budget, MOST_MONEY)
        before = DualPacing(
            budget,
            min(self.committed, budget),
            self.logarithm,
            min((since - campaign.starts_at) / lasts, 1.0),
            self.steps,
        )
        # What open shows held and didn't cost is given back: then less is committed than before.
        after = before.after(max(0, committed - self.committed), min((now - since) / lasts, 1.0))
        return Pace(after.logarithm, after.auctions, committed, now)


async def moved(
    campaigns: Sequence[Campaign], accounts: Mapping[str, Account], now: int
) -> dict[str, tuple[str, str]]:
    """The paces that move now, each with the one before, by campaign; of those that run."""
    found: dict[str, tuple[str, str]] = {}
    for place, campaign in enumerate(campaigns):
        if place % AT_ONCE == 0:
            await asyncio.sleep(0)
        if campaign.starts_at <= now < campaign.ends_at:
            account = accounts.get(campaign.campaign_id, Account())
            before = Pace.of(account.pace)
            after = before.after(campaign, account, now)
            if after != before:
                found[campaign.campaign_id] = (account.pace, after.text)
    return found
