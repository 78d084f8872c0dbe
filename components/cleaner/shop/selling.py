"""How each id sells, before anything is cleaned: what tells a product from a fee, and a gift from a fault."""

from __future__ import annotations

import polars as pl

from aisle.schema import events as kinds

_OPTIONAL = {"price": pl.Float64, "quantity": pl.Float64, "user_id": pl.String}
SELLING_READS = ("item_id", "event", *_OPTIONAL)
"""The columns of the events that `selling` looks at."""
_COUNTS = ("sales", "prices", "singly", "customers", "returns", "free", "negative", "unpriced")
_SOME = 0.05
"""Where so large a share of the items costs nothing, it is how the shop sells."""


def selling(events: pl.DataFrame | None, twins: pl.DataFrame | None = None) -> pl.DataFrame:
    """Returns how each id sells.

    Args:
        events: as they were read, all of an item; None where the shop has none.
        twins: spellings of ids that became another one, `strange` and `item`.

    Returns:
        A row an `item_id`, with `sales` (purchases with a price above zero and no quantity that can't be), of
        which `singly` are of one piece and `customers` by a user who is known; their `prices` (different ones),
        the logarithm of their median `price`, and of the `factor` between their dearest and cheapest ones (a
        twentieth at either end left out), null without a sale; `returns`; purchases that are `free`, `unpriced`
        or at a `negative` price; whether anybody `looked` at it, and whether it was `noticed`: looked at or put into a cart,
        or a user who is known did anything with it.
    """
    rows = pl.DataFrame(schema={"event": pl.String, "item_id": pl.String}) if events is None else events
    if twins is not None and len(twins):
        rows = rows.with_columns(pl.col("item_id").replace(twins["strange"], twins["item"]))
    absent = {name: pl.lit(None, kind) for name, kind in _OPTIONAL.items() if name not in rows.columns}
    rows = rows.select("item_id", "event", *(name for name in _OPTIONAL if name not in absent))
    rows = rows.with_columns(**absent).filter(pl.col("item_id").is_not_null())
    price, event, known = pl.col("price"), pl.col("event"), pl.col("user_id").is_not_null()
    bought = (event == kinds.PURCHASE.name) & (pl.col("quantity") > 0).fill_null(True)
    sales = rows.filter(bought & price.is_finite() & (price > 0)).with_columns(price=price.log())
    of_sales = sales.group_by("item_id").agg(
        sales=pl.len(),
        prices=price.n_unique(),
        factor=price.quantile(0.95) - price.quantile(0.05),
        price=price.median(),
        singly=(pl.col("quantity") == 1).sum(),
        customers=known.sum(),
    )
    looked = event.is_in(kinds.looks())
    of_all = rows.group_by("item_id", maintain_order=True).agg(
        returns=(event == kinds.RETURN.name).sum(),
        free=(bought & (price == 0)).sum(),
        negative=((event == kinds.PURCHASE.name) & price.is_finite() & (price < 0)).sum(),
        unpriced=(bought & price.is_null()).sum(),
        looked=looked.any(),
        noticed=(looked | (event == kinds.CART.name) | known).any(),
    )
    table = of_all.join(of_sales, on="item_id", how="left", maintain_order="left")
    return table.with_columns(
        pl.col(_COUNTS).fill_null(0).cast(pl.Int64), pl.col("looked", "noticed").fill_null(False)
    )


def unsold(sold: pl.DataFrame) -> pl.Series:
    """Returns the ids that the events name, and that nobody noticed, or bought for a price."""
    nothing = (pl.col("sales") == 0) & (pl.col("unpriced") == 0)
    return sold.filter(nothing & ~pl.col("noticed"))["item_id"]


def free_items(items: pl.DataFrame, sold: pl.DataFrame) -> pl.Series:
    """Returns the ids of items that are given away: that cost nothing, and were taken for nothing.

    A price of zero is otherwise one that nobody entered.

    Args:
        items: the items, whose `price` may be absent.
        sold: how each id sells, see `selling`.
    """
    if "price" not in items.columns:
        return items["item_id"].clear()
    prices = items.group_by("item_id").agg(least=pl.col("price").min(), most=pl.col("price").max())
    at_nothing = prices.filter((pl.col("least") == 0) & (pl.col("most") == 0))
    free = at_nothing.join(sold, on="item_id").filter((pl.col("free") > 0) & (pl.col("sales") == 0))
    usual = len(free) >= _SOME * len(prices)
    return free.filter(pl.col("noticed") | usual)["item_id"]
