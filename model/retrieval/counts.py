"""How what a user took is counted."""

from __future__ import annotations

HALF_LIVES = (7.0, 15.0, 30.0, 60.0, 180.0)
"""Days after which a taken item counts half, for each of five ways to count it."""
SAME_ORDER_DAYS = 1.0
"""What was taken at most so long before a user's latest item is their latest order."""
COUNTS = ("count", *(f"repeat_{half_life:.0f}" for half_life in HALF_LIVES), "repeat_orders", "latest_order")
"""Of a user and an item they took, summed: its strength, whole and decayed by days, and by orders since
(`repeat_orders`); and whether it is in the latest order."""
SUMS = (*COUNTS, "last", "first")
"""With the days since the latest and the first time."""
