"""Which campaigns can never sell, said before somebody wonders why nothing is sold."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence

from aisle.ads.campaign import Campaign

NAMED = 5
"""Items that are named at most."""
_LONG_AGO = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)


def unsold(campaigns: Sequence[Campaign], now: int) -> str:
    """What keeps campaigns from selling, whatever is asked, in one line; "" where nothing does.

    Args:
        campaigns: all of them.
        now: microseconds since the epoch.
    """
    ended = [one for one in campaigns if one.ends_at <= now]
    empty = [one for one in campaigns if one.ends_at > now and not (one.bid and one.budget)]
    why = [f"{len(ended)} ended, the last one at {_last_end(ended)}"] if ended else []
    why += [f"{len(empty)} have a bid or a budget of zero"] if empty else []
    return _told(len(campaigns), len(ended) + len(empty), why)


def of_unknown_items(campaigns: Sequence[Campaign], known: Collection[str], now: int) -> str:
    """The same of those whose item nobody knows.

    Args:
        campaigns: all of them.
        known: the items that may be shown.
        now: microseconds since the epoch.
    """
    strange = [
        one.item_id for one in campaigns if one.item_id and one.ends_at > now and one.item_id not in known
    ]
    named = ", ".join(sorted(set(strange))[:NAMED])
    why = f"{len(strange)} show items that the model doesn't know, or that are withdrawn ({named})"
    return _told(len(campaigns), len(strange), [why])


def _told(count: int, out: int, why: Sequence[str]) -> str:
    return f"of {count:,} campaigns {out:,} can't sell anything: {'; '.join(why)}" if out else ""


def _last_end(ended: Sequence[Campaign]) -> str:
    last = max(one.ends_at for one in ended)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    moment = epoch + datetime.timedelta(microseconds=max(last, 0))
    hint = (
        " (times are microseconds since the epoch, not seconds or milliseconds)" if moment < _LONG_AGO else ""
    )
    return f"{moment:%Y-%m-%d %H:%M} UTC{hint}"
