"""What the report on inventory says."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import polars as pl

from aisle.components.inventory.calibration import Calibration
from aisle.components.inventory.options import InventoryOptions
from aisle.components.inventory.stock import read_stock
from aisle.components.reports import write_inventory
from aisle.model.demand.forecasts import Forecasts
from aisle.pipeline.config import Config
from aisle.pipeline.inventory.ahead import backtest, most_sold
from aisle.pipeline.inventory.forecaster import Earlier, Forecaster
from aisle.pipeline.inventory.replenish import Plan
from aisle.pipeline.inventory.shop import Shop
from aisle.schema.demand import Series

LEVELS = (0.05, 0.25, 0.75, 0.95)
"""Of the fans drawn."""
LISTED = 100
CHOSEN = 5_000
"""Items that are looked at for those drawn, and in the backtest."""
_PAST = 26
_LINE = (
    "item_id", "title", "on_hand", "on_order", "expected", "days", "runs_out", "chance_out", "order",
    "lost_value", "reason",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a report shows.

    Attributes:
        weeks: to come.
        now: forecasts of all that is known.
        before: of what was known some weeks ago; None where nothing earlier is shown.
        backtest: whether to say how it did.
        items: that ever sold.
        expected: units of all of them.
    """

    weeks: int
    now: Forecaster
    before: Earlier | None
    backtest: bool
    items: int
    expected: float


def orders_of(made: Plan, options: InventoryOptions) -> dict[str, Any]:
    """What is proposed in all: the record `Orders` of the report."""
    lines = made.lines
    wanted = lines.filter(pl.col("order") > 0)
    return {
        **{"goal": options.goal, "service": options.service, "shortage": options.shortage},
        **{"stock_table": made.stock_table, "counted": len(lines), "uncounted": made.uncounted},
        **{
            "orders": len(wanted),
            "units": float(wanted["order"].sum()),
            "value": float(wanted["value"].sum()),
        },
        "lost_value": float(wanted["lost_value"].sum()),
        "low": int(lines["low"].sum()),
        "out": lines.filter((pl.col("on_hand") <= 0) & pl.col("low")).height,
        "low_days": options.runs_out_days,
        "calibration": None if made.calibration is None else _calibrated(made.calibration),
        "defaulted": made.defaulted,
    }


def low_lines(made: Plan) -> list[dict[str, Any]]:
    """The items that may run out, the greatest loss first."""
    return _as_lines(made.lines.filter("low").head(LISTED))


def drawn(shop: Shop, past: Series, asked: Asked, made: Plan | None, most: int) -> list[dict[str, Any]]:
    """The items of the greatest expected value, week by week.

    Args:
        shop: whose titles and stock are shown.
        past: of the items to choose from.
        asked: the weeks, and the models of now and before.
        made: the orders; None where only forecasts are shown.
        most: how many items.
    """
    weeks, total = range(asked.weeks), asked.now.of(past, asked.weeks)
    price = np.nansum(past.revenue, axis=1) / np.maximum(np.nansum(past.quantity, axis=1), 1e-9)
    best = np.argsort(-total.mean * price, kind="stable")[:most]
    ahead = [_taken(asked.now.of(past, 1, nth), best) for nth in weeks]
    sums = [_taken(asked.now.of(past, nth + 1), best) for nth in weeks]
    earlier = list[Forecasts]()
    if asked.before is not None and len(past.starts) > 2 * asked.weeks:
        known = past.before(len(past.starts) - asked.weeks)
        earlier = [_taken(asked.before.of(known, 1, nth), best) for nth in weeks]
    chosen = past.of(best)
    stock = _stock(shop, chosen.item_ids)
    lines = {line["item_id"]: line for line in _lines_of(made, chosen.item_ids)}
    starts = [str(past.starts[-1] + past.days * (nth + 1)) for nth in weeks]
    return [
        {
            "item_id": str(item),
            "title": title,
            "past": _weeks_of(chosen, at),
            "earlier": _fan(earlier, at, [str(day) for day in past.starts[-asked.weeks :]]),
            "weeks": _fan(ahead, at, starts),
            "sums": _fan(sums, at, starts[:1] * asked.weeks),
            "on_hand": stock[str(item)][0],
            "on_order": stock[str(item)][1],
            "line": lines.get(str(item)),
        }
        for at, (item, title) in enumerate(zip(chosen.item_ids, shop.titles(chosen.item_ids), strict=True))
    ]


def _taken(found: Forecasts, items: np.ndarray) -> Forecasts:
    return dataclasses.replace(
        found, item_ids=found.item_ids[items], mean=found.mean[items], quantiles=found.quantiles[items]
    )


def _fan(found: list[Forecasts], at: int, starts: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "start": start,
            "mean": float(one.mean[at]),
            "quantiles": [float(one.at(level)[at]) for level in LEVELS],
        }
        for one, start in zip(found, starts, strict=False)
    ]


def _weeks_of(past: Series, at: int) -> list[dict[str, Any]]:
    units = past.quantity[at, -_PAST:]
    return [
        {"start": str(start), "quantity": float(value) if np.isfinite(value) else None}
        for start, value in zip(past.starts[-_PAST:], units, strict=True)
    ]


def _stock(shop: Shop, item_ids: np.ndarray) -> dict[str, tuple[float | None, float]]:
    """By item what is there and on its way; None where it isn't known."""
    if shop.stock is None and "stock" not in shop.items.column_names:
        return {str(item): (None, 0.0) for item in item_ids}
    stock = read_stock(item_ids, shop.items, shop.stock)
    return {
        str(item): (float(there) if np.isfinite(there) else None, float(coming))
        for item, there, coming in zip(item_ids, stock.on_hand, stock.on_order, strict=True)
    }


def _lines_of(made: Plan | None, item_ids: np.ndarray) -> list[dict[str, Any]]:
    if made is None:
        return []
    return _as_lines(made.lines.filter(pl.col("item_id").is_in(item_ids.tolist())))


def _as_lines(lines: pl.DataFrame) -> list[dict[str, Any]]:
    return lines.select(_LINE).with_columns(pl.col("runs_out").cast(pl.String)).to_dicts()


def _calibrated(found: Calibration) -> dict[str, Any]:
    rules = [
        {
            **dataclasses.asdict(rule),
            **{"fill": gave.fill, "in_stock": gave.in_stock, "weeks_of_stock": gave.periods_of_stock},
        }
        for rule, gave in zip(found.rules, found.replays, strict=True)
    ]
    return {"weeks": found.periods, **dataclasses.asdict(found.rule), "rules": rules}


def report(shop: Shop, config: Config, asked: Asked, made: Plan | None, folder: str) -> str:
    """Writes the report.

    Args:
        shop: whose it is.
        config: the settings.
        asked: the weeks, and the models of now and before.
        made: the orders; None where only forecasts were asked for.
        folder: where to.

    Returns:
        The path of the page.
    """
    past = most_sold(shop, config.demand, CHOSEN)
    return write_inventory(
        {
            "version": 1,
            "first_day": str(past.starts[-1] + past.days),
            "weeks": asked.weeks,
            "items": asked.items,
            "expected": asked.expected,
            "levels": list(LEVELS),
            "backtest": backtest(past, asked.weeks, asked.before)
            if asked.backtest and asked.before
            else None,
            "orders": None if made is None else orders_of(made, config.inventory),
            "low": [] if made is None else low_lines(made),
            "drawn": drawn(shop, past, asked, made, config.inventory.report_items),
        },
        folder,
    )
