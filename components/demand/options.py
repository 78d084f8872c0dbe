"""What may be set of how events become demand."""

from __future__ import annotations

from typing import Literal

from aisle.schema.options import Factor, Options, Positive


class DemandOptions(Options):
    """How events become demand.

    Attributes:
        days: the length of a period, a day or a week.
        settled: whether the purchases that returns undo were taken out already (`cleaner.keep_undone_purchases=false`).
        bulk: a line that orders so many times the item's usual line is a one-off: what it has above that is no sign of more.
        closed: a period without a sale counts as closed where the shop has so many lines in a period on average; a shop that
            sells less has such periods by chance.
    """

    days: Literal[1, 7] = 7
    settled: bool = False
    bulk: Factor = 20.0
    closed: Positive = 8.0
