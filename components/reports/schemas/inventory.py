"""The report `inventory`, as `pipeline/inventory` gives it."""

from __future__ import annotations

from typing import Literal

from aisle.components.reports.schemas.record import Record


class Replayed(Record):
    """What a rule would have given in the weeks replayed."""

    level: float
    """Of the quantile that is stocked ..."""
    stretch: float
    """... and how many times it."""
    fill: float
    """The share of the demand's value that is sold from stock."""
    in_stock: float
    """Of the items' weeks with demand, the share that met all of it."""
    weeks_of_stock: float
    """The value left at the end of a week, in weeks of demand."""


class Calibrated(Record):
    """Which rule meets the service asked for, by the shop's past."""

    weeks: int
    """Replayed; 0 where the past is too short."""
    level: float
    stretch: float
    rules: list[Replayed]


class Orders(Record):
    """What is proposed, and what it rests on."""

    goal: Literal["fill", "cycle", "cost"]
    service: float
    shortage: Literal["lost", "backorder"]
    stock_table: Literal["stock", "items"]
    """Which table says what is in stock."""
    counted: int
    """Items that ever sold, and whose stock is known."""
    uncounted: int
    """Items that ever sold, and whose stock nothing says: nothing is proposed for them."""
    orders: int
    """Items to order."""
    units: float
    value: float
    """What the orders cost."""
    lost_value: float
    """What isn't sold without them, expected."""
    low: int
    """Items that may run out soon."""
    out: int
    """Items of which nothing is left, and some is expected to be asked for."""
    low_days: float
    """How soon that is."""
    calibration: Calibrated | None
    """Null where the goal isn't the fill."""
    defaulted: dict[str, int]
    """By column of the table supply, of how many items the settings say it."""


class Line(Record):
    """An item that may run out, or is to be ordered."""

    item_id: str
    title: str
    on_hand: float
    on_order: float
    expected: float
    """Until an order that comes after the next one could be there."""
    days: float
    """How long that is."""
    runs_out: str | None
    """YYYY-MM-DD, at the mean demand; null for never."""
    chance_out: float
    """That what is there and on its way doesn't last for those days."""
    order: float
    lost_value: float
    reason: str


class Past(Record):
    """A week that is over."""

    start: str
    """YYYY-MM-DD."""
    quantity: float | None
    """Units; null where it isn't known, as while the item was out of stock."""


class Ahead(Record):
    """A forecast of one week, or of the sum of several."""

    start: str
    """YYYY-MM-DD, the first day."""
    mean: float
    quantiles: list[float]
    """At the report's `levels`."""


class Drawn(Record):
    """An item whose demand is drawn."""

    item_id: str
    title: str
    past: list[Past]
    earlier: list[Ahead]
    """What was forecast of the last weeks before them, week by week."""
    weeks: list[Ahead]
    """The weeks to come."""
    sums: list[Ahead]
    """From the first of them up to each: the quantiles of sums, which don't add up from those of weeks."""
    on_hand: float | None
    """Null where it isn't known."""
    on_order: float
    line: Line | None
    """What is proposed; null without orders."""


class Covered(Record):
    """How often the demand stayed within a quantile."""

    level: float
    covered: float


class Backtest(Record):
    """How the same forecasts did at earlier origins."""

    origins: list[str]
    """YYYY-MM-DD, the first day forecast."""
    bias: float
    """Of the means' sum, as a share of the demand: below zero is too little."""
    wape: float
    """The absolute errors of the means, by the demand."""
    coverage: list[Covered]


class Inventory(Record):
    """How much of what will be asked for, and what to order."""

    version: Literal[1]
    first_day: str
    """YYYY-MM-DD, of the forecast."""
    weeks: int
    items: int
    """That ever sold."""
    expected: float
    """Units of all items over all weeks."""
    levels: list[float]
    """Of the quantiles drawn."""
    backtest: Backtest | None
    """Null where none was asked for, or the past is too short."""
    orders: Orders | None
    """Null where only forecasts were asked for."""
    low: list[Line]
    """The items that may run out, the greatest loss first; at most 100."""
    drawn: list[Drawn]
    """The items of the greatest expected value."""
