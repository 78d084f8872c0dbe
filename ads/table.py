"""Rows of the table `campaigns` as campaigns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aisle.ads.campaign import Campaign
from aisle.schema.errors import InputError
from aisle.schema.tables import CAMPAIGNS


def campaigns(rows: Iterable[Mapping[str, Any]], currency: str = "") -> list[Campaign]:
    """Campaigns, in the order of their rows.

    Args:
        rows: of the table, as a run exports it: amounts in whole micros, moments in microseconds since the epoch. What
            else a row holds is left aside.
        currency: of the rows that name none.

    Raises:
        InputError: a row lacks what every campaign has, or says what none can, see `Campaign`.
    """
    return [_campaign(row, place, currency) for place, row in enumerate(rows, start=1)]


def _campaign(row: Mapping[str, Any], place: int, currency: str) -> Campaign:
    said = {column.name: row.get(column.name) for column in CAMPAIGNS.columns}
    lacking = [
        column.name for column in CAMPAIGNS.columns if column.required and said[column.name] in (None, "")
    ]
    if lacking:
        raise InputError(
            f"row {place} of campaigns lacks {', '.join(lacking)}: give each campaign an id, an advertiser, a bid in"
            " whole micros, a budget, its start and its end"
        )
    given = {name: value for name, value in said.items() if value not in (None, "")}
    return Campaign(**{"currency": currency, **given})
