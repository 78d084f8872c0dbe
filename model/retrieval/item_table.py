"""The catalogue's columns that search reads, in the order of the two-tower's items."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl

from aisle.model.retrieval.tower import Tower


@dataclasses.dataclass(frozen=True)
class ItemTable:
    """What is known of each item, in the tower's order.

    Example:
        >>> items = {"item_id": ["lamp", "mug"], "title": ["Red lamp", "Blue mug"], "price": [9.0, None]}
        >>> table = item_table(bundle.retriever.tower, pl.DataFrame(items))
        >>> table.titles[2], float(table.prices[2]), table.brands[2]  # The tower's third item is the mug.
        ('Blue mug', nan, '')

    Attributes:
        titles, descriptions, categories, brands: "" where unknown, [n].
        prices: NaN where unknown, float64 [n].
        stock: NaN where unknown, float64 [n].
        domains: "" where unknown, [n]; empty where the shop names none.
    """

    titles: list[str]
    descriptions: list[str]
    categories: list[str]
    brands: list[str]
    prices: np.ndarray
    stock: np.ndarray
    domains: list[str] = dataclasses.field(default_factory=list)


def item_table(tower: Tower, items: pl.DataFrame) -> ItemTable:
    """The columns of the tower's items.

    Args:
        tower: a loaded TwoTowerModule.
        items: the Labeler's items; columns beside `item_id` and `title` may be absent.
    """
    return table_of([item.decode() for item in tower.item_ids.numpy()], items)


def table_of(ids: list[str], items: pl.DataFrame) -> ItemTable:
    """The columns of some items, as `item_table`, by their ids [n].

    Example:
        >>> table_of(["mug"], pl.DataFrame({"item_id": ["lamp", "mug"], "title": ["Red lamp", "Blue mug"]})).titles
        ['Blue mug']
    """
    order = pl.DataFrame({"item_id": ids}, schema={"item_id": pl.String})
    joined = order.join(items, on="item_id", how="left", maintain_order="left")

    def texts(name: str) -> list[str]:
        return joined[name].fill_null("").to_list() if name in joined.columns else [""] * len(order)

    def numbers(name: str) -> np.ndarray:
        if name not in joined.columns:
            return np.full(len(order), np.nan)
        return joined[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()

    return ItemTable(
        texts("title"),
        texts("description"),
        texts("category"),
        texts("brand"),
        numbers("price"),
        numbers("stock"),
        texts("domain") if "domain" in joined.columns else [],
    )
