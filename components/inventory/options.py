"""What replenishment may be told: the goal, and what holds of an item that the table `supply` says nothing of."""

from __future__ import annotations

import datetime
from typing import Literal

from aisle.schema.options import Amount, AtLeastOne, Days, Options, Positive, Rate, Share


class InventoryOptions(Options):
    """Options of replenishment; the costs are in the shop's currency.

    Attributes:
        goal: `fill` sells `service` of the demand's value from stock, by what was learnt of the shop's past weeks;
            `cycle` lets no stock-out happen in `service` of an item's cycles; `cost` weighs a unit kept against a unit
            that lacks, and asks for no service.
        service: the share that `fill` and `cycle` ask for.
        shortage: what a customer does who finds nothing: the sale is `lost`, or `backorder`ed and owed.
        order_cost: of an order line, whatever its size. Above 0 an item is ordered only where its stock falls to the
            reorder point, and then for as long as is cheapest: (s,S) for (R,S).
        backorder_cost: of a unit owed for a year, as a share of its price.
        lead_time_days: from an order to its arrival.
        lead_time_sd: the standard deviation of that, in days.
        review_days: between one look at the stock and the next.
        pack_size: orders are multiples of it.
        min_order: and at least so large.
        cost_share: a unit's cost, as a share of its price.
        holding_rate: what a unit's stock costs a year, as a share of its cost.
        seasons: items that are ordered once, by item or category, such as `{"Christmas" = "2025-12-24"}`: the last day
            of their season. They are ordered by the newsvendor's rule: what is left over then is sold off.
        salvage_share: what a unit left over still brings, as a share of its cost.
        calibration_weeks: of the past, replayed to learn which quantile meets `service`.
        runs_out_days: an item that may run out within so many days is low on stock.
        report_items: how many items the report draws, those of the greatest value first.
    """

    goal: Literal["fill", "cycle", "cost"] = "fill"
    service: Rate = 0.95
    shortage: Literal["lost", "backorder"] = "lost"
    order_cost: Amount = 0.0
    backorder_cost: Positive = 1.0
    lead_time_days: Days = 7.0
    lead_time_sd: Amount = 0.0
    review_days: Positive = 7.0
    pack_size: Positive = 1.0
    min_order: Amount = 0.0
    cost_share: Rate = 0.5
    holding_rate: Positive = 0.25
    seasons: dict[str, datetime.date] = {}
    salvage_share: Share = 0.3
    calibration_weeks: AtLeastOne = 13
    runs_out_days: Days = 14.0
    report_items: AtLeastOne = 12
