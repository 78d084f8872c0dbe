"""How often a user was shown each campaign within a day."""

from __future__ import annotations

import collections
from collections.abc import Iterable

from aisle.schema.tables import MICROSECONDS_PER_DAY


def shown_within(
    shown: Iterable[tuple[str, int]], now: int, window: int = MICROSECONDS_PER_DAY
) -> collections.Counter[str]:
    """Counts what one user was shown, by campaign: what `Market.offers` holds against the caps.

    Args:
        shown: campaign and moment of each show, in microseconds since the epoch, in any order. One that lies ahead, as
            after a clock was set back, counts: a cap is never passed.
        now: the moment of the request.
        window: how long a show counts, in microseconds.
    """
    return collections.Counter(campaign for campaign, at in shown if at > now - window)
