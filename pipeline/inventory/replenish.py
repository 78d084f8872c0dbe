"""What a shop should order now, item by item."""

from __future__ import annotations

import dataclasses
import datetime

import numpy as np
import polars as pl

from aisle.components.inventory.calibration import Calibration, calibrate
from aisle.components.inventory.policy import propose
from aisle.components.inventory.reasons import reasons
from aisle.components.inventory.rule import Rule
from aisle.components.inventory.stock import Stock, read_stock
from aisle.components.inventory.terms import Terms, read_terms
from aisle.model.demand.rows import Span
from aisle.pipeline.config import Config
from aisle.pipeline.inventory.ahead import LEARNT, looked_back, parts, sample
from aisle.pipeline.inventory.forecaster import Earlier, Forecaster, shares
from aisle.pipeline.inventory.shop import Shop
from aisle.schema.demand import Series

PERIOD = 7
"""Days: orders are found from weeks."""
_FAR = 36_500.0
"""Days: what lasts a century never runs out."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is proposed for every item that ever sold and whose stock is known.

    Attributes:
        lines: a row an item, what matters most first; see `docs/inventory.md`.
        calibration: what past weeks say of the levels; None where the goal asks for none.
        stock_table: which table says what is in stock.
        defaulted: by column of `supply`, of how many items the settings say it.
        uncounted: items that sell, and whose stock nothing says.
        items: that ever sold.
        expected: units of all of them in the weeks to come.
    """

    lines: pl.DataFrame
    calibration: Calibration | None
    stock_table: str
    defaulted: dict[str, int]
    uncounted: int
    items: int
    expected: float


def order_spans(shop: Shop, config: Config) -> list[Span]:
    """The horizons that orders must last for, of all items; that of the calibration first.

    Raises:
        InputError: nothing says what is in stock, which is told before anything slow.
    """
    items = shop.sold["item_id"].unique().to_numpy().astype(str)
    read_stock(items, shop.items, shop.stock)
    terms = read_terms(items, shop.items, shop.supply, config.inventory, shop.end)
    return [Span(_lead(terms) + 1), *(Span(periods) for periods in shares(terms.horizon_days / PERIOD))]


def plan(shop: Shop, config: Config, now: Forecaster, before: Earlier | None, weeks: int) -> Plan:
    """Proposes orders for all items.

    Args:
        shop: whose they are.
        config: the goal, and what the tables don't say.
        now: of all that is known.
        before: of what was known before the weeks that are replayed; None replays none.
        weeks: to come, whose demand is summed up.

    Raises:
        InputError: nothing says what is in stock.
    """
    calibration = (
        None if before is None or config.inventory.goal != "fill" else _calibration(shop, config, before)
    )
    rule = Rule(config.inventory.service) if calibration is None else calibration.rule
    lines, defaulted, table, uncounted = list[pl.DataFrame](), dict[str, int](), "", 0
    items, expected = 0, 0.0
    for past in parts(shop, config.demand):
        stock = read_stock(past.item_ids, shop.items, shop.stock)
        terms = read_terms(past.item_ids, shop.items, shop.supply, config.inventory, shop.end)
        counted = np.isfinite(stock.on_hand)
        frame = _lines(shop, past, terms, stock, config, rule, now)
        lines.append(frame.filter(pl.Series(counted)))
        for name, count in terms.defaulted.items():
            defaulted[name] = defaulted.get(name, 0) + count
        table, uncounted = stock.table, uncounted + int((~counted).sum())
        items, expected = items + len(past), expected + float(now.of(past, weeks).mean.sum())
    everything = pl.concat(lines).sort("lost_value", "value", descending=True, maintain_order=True)
    return Plan(everything, calibration, table, defaulted, uncounted, items, expected)


def _calibration(shop: Shop, config: Config, before: Earlier) -> Calibration:
    options = config.inventory
    past = sample(shop, config.demand, LEARNT)
    terms = read_terms(past.item_ids, shop.items, shop.supply, options, shop.end)
    lost = options.shortage == "lost"
    weeks = options.calibration_weeks
    return calibrate(past, before.of, terms.price, options.service, _lead(terms), weeks, lost)


def replayed(shop: Shop, config: Config, weeks: int, with_backtest: bool) -> int:
    """How many of the last weeks are replayed or forecast again, and so must not be learnt from."""
    past = sample(shop, config.demand, LEARNT)
    back = looked_back(past, weeks) if with_backtest else 0
    if config.inventory.goal != "fill":
        return back
    return max(back, min(config.inventory.calibration_weeks, len(past.starts) // 2))


def _lead(terms: Terms) -> int:
    """The periods of the usual lead time."""
    return max(round(float(np.median(terms.lead_days)) / PERIOD), 0)


def _lines(
    shop: Shop, past: Series, terms: Terms, stock: Stock, config: Config, rule: Rule, now: Forecaster
) -> pl.DataFrame:
    options = config.inventory
    demand = now.over_days(past, terms.horizon_days)
    position = np.nan_to_num(stock.position(options.shortage == "lost"))
    orders = propose(demand, terms, position, options, rule)
    on_hand = np.maximum(np.nan_to_num(stock.on_hand), 0)
    per_day = np.maximum(demand.mean / np.maximum(terms.horizon_days, 1), 1e-12)
    left = np.minimum(on_hand / per_day, _FAR)
    days = [shop.end + datetime.timedelta(days=float(one)) if one < _FAR else None for one in left]
    return pl.DataFrame(
        {
            "item_id": past.item_ids,
            "title": shop.titles(past.item_ids),
            "order": orders.order,
            "value": orders.order * terms.unit_cost,
            "on_hand": stock.on_hand,
            "on_order": stock.on_order,
            "expected": orders.expected,
            "days": terms.horizon_days,
            "point": orders.point,
            "order_up_to": orders.up_to,
            "cover_days": np.where(np.isfinite(orders.cover_days), orders.cover_days, np.nan),
            "runs_out": pl.Series(days, dtype=pl.Date),
            "low": (left < options.runs_out_days) & (demand.mean > 0),
            "chance_out": orders.chance_out,
            "lacks_without": orders.lacks_without,
            "lost_value": (orders.lacks_without - orders.lacks_with) * terms.price,
            "expected_value": orders.expected * terms.price,
            "reason": reasons(orders, terms, np.nan_to_num(stock.on_hand), stock.on_order),
        }
    ).with_columns(pl.col("cover_days").fill_nan(None))
