"""The faults that campaigns can have."""

from __future__ import annotations

import numpy as np

from aisle.datasets.simulator.faults.kinds import NOT_NUMBERS, Edit, FaultKind, Row, one_of, whole_row


def _no_time(row: Row, rng: np.random.Generator) -> str:
    row["ends_at"] = row["starts_at"]
    return "ends_at"


def _shows(item_id: str, category: str, column: str) -> Edit:
    def edit(row: Row, rng: np.random.Generator) -> str:
        row["item_id"], row["category"] = item_id, category
        return column

    return edit


def _both(row: Row, rng: np.random.Generator) -> str:
    row["item_id"], row["category"] = row["item_id"] or "i00001", row["category"] or "Home"
    return "category"


def campaign_faults() -> tuple[FaultKind, ...]:
    """Returns the faults of campaigns."""
    return (
        FaultKind("exact_duplicate", whole_row, copy=True),
        FaultKind("bad_bid", one_of("bid", "-1", "-500000", str(10**13), str(2**62))),
        FaultKind("nan_bid", one_of("bid", *NOT_NUMBERS, "0.5", "1.25")),
        FaultKind("integer_overflow", one_of("bid", str(2**63), str(10**20))),
        FaultKind("bad_budget", one_of("budget", "-1", "-80000000")),
        FaultKind("bad_bid_kind", one_of("bid_kind", "view", "cpm", "?")),
        FaultKind("bad_cap", one_of("frequency_cap", "0", "-3")),
        FaultKind("no_time", _no_time),
        FaultKind("no_target", _shows("", "", "item_id")),
        FaultKind("two_targets", _both),
        FaultKind("unknown_item", _shows("X-0", "", "item_id")),
        FaultKind("unknown_category", _shows("", "No/Such", "category")),
        FaultKind("other_currency", one_of("currency", "USD", "chf")),
        FaultKind("missing_required", one_of("advertiser_id", "")),
        FaultKind("ragged_row", whole_row, ragged=True),
    )
