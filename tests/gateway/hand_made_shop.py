"""A model of a few items that answers as a served one does, made by hand: what the gateway makes of it is known."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Item:
    """An item as a version knows it."""

    title: str
    category: str = ""
    brand: str = ""
    price: float | None = None
    stock: int | None = None


SHOP = {
    "i1": Item("red mug", "Home/Mugs", "Acme", 4.0, 3),
    "i2": Item("blue mug", "Home/Mugs", "Ajax", 8.0, 0),
    "i3": Item("mug rack", "Home", "Acme", 12.0, None),
    "i4": Item("green mug", "Home/Mugs", "", None, 5),
    "i5": Item("lamp", "Light", "Ajax", 6.0, 1),
    "i6": Item("tiny mug", "Toys", "Ajax", 2.0, 0),
}
"""By id, the best first: each question lists them in this order, whatever is filtered."""
AS_OF = 1_000
"""Microseconds that the version knows the shop as of."""


def _lists(shop: Mapping[str, Item], found: Sequence[str], k: int) -> dict[str, np.ndarray]:
    ids = np.full((1, k), b"", object)
    scores = np.full((1, k), -np.inf, np.float32)
    ids[0, : len(found)] = [item.encode() for item in found][:k]
    scores[0, : len(found)] = [-list(shop).index(item) for item in found][:k]
    return {"item_ids": ids, "scores": scores}


def _facts(shop: Mapping[str, Item], as_of: int, asked: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    ids = [[item.decode() for item in row] for row in asked["item_ids"]]
    unknown = Item("")

    def told(of: Callable[[Item], object], dtype: type) -> np.ndarray:
        values = [[of(shop.get(item, unknown)) for item in row] for row in ids]
        return np.array(values, dtype).reshape(asked["item_ids"].shape)

    return {
        "known": np.array([[item in shop for item in row] for row in ids], bool),
        "prices": told(lambda one: math.nan if one.price is None else one.price, np.float32),  # type: ignore[arg-type]
        "sold_out": told(lambda one: one.stock is not None and one.stock <= 0, bool),
        "categories": told(lambda one: one.category.encode(), object),
        "brands": told(lambda one: one.brand.encode(), object),
        "as_of": np.array(as_of, np.int64),
    }


def answers(shop: Mapping[str, Item] = SHOP, as_of: int = AS_OF) -> dict[str, Callable]:
    """What `FakeTransport` is to answer."""

    lists = functools.partial(_lists, shop)

    def search(asked: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        queries = [query.decode() for query in asked["query"]]
        rows = [
            lists([item for item in shop if matches(one, shop[item])], int(asked["k"])) for one in queries
        ]
        return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}

    def filtered_search(asked: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        low, high = float(asked["price_min"][0]), float(asked["price_max"][0])
        query, category = _text(asked["query"]), _text(asked["category"])
        brands = [brand.decode() for brand in asked["brand"][0]]
        narrows = category or brands or math.isfinite(low) or math.isfinite(high) or asked["in_stock"]
        found = [
            item
            for item, one in shop.items()
            if (matches(query, one) if query else narrows)
            and passes(one, category, brands, low, high, bool(asked["in_stock"]))
        ]
        told = {}
        for name, counts in zip(("category", "brand"), facets(shop[item] for item in found), strict=True):
            values = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
            told[f"{name}_facets"] = np.array([[value.encode() for value, _ in values]], object)
            told[f"{name}_counts"] = np.array([[count for _, count in values]], np.int32)
        return {**lists(found, int(asked["k"])), **told}

    def similar(asked: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        of = asked["item_id"][0].decode()
        return lists([item for item in shop if item != of] if of in shop else [], int(asked["k"]))

    return {
        "search": search,
        "filtered_search": filtered_search,
        "recommend": lambda asked: lists(list(shop), int(asked["k"])),
        "similar": similar,
        "rank": lambda asked: {"scores": np.ones(asked["item_ids"].shape, np.float32)},
        "titles": lambda asked: {
            "titles": np.array(
                [[shop.get(item.decode(), Item("")).title.encode() for item in asked["item_ids"][0]]], object
            )
        },
        "facts": functools.partial(_facts, shop, as_of),
    }


def matches(query: str, item: Item) -> bool:
    return any(word in item.title.split() for word in query.split())


def passes(item: Item, category: str, brands: Sequence[str], low: float, high: float, in_stock: bool) -> bool:
    priced = math.isfinite(low) or math.isfinite(high)
    within = item.price is not None and item.price >= (low if math.isfinite(low) else 0)
    within = within and item.price <= (high if math.isfinite(high) else math.inf)  # type: ignore[operator]
    return bool(
        (not priced or within)
        and not (in_stock and item.stock is not None and item.stock <= 0)
        and (not brands or item.brand in brands)
        and f"{item.category}/".startswith(f"{category}/" if category else "")
    )


def facets(items: Iterable[Item]) -> tuple[Counter[str], Counter[str]]:
    """Of categories, each level a value, and of brands."""
    categories: Counter[str] = Counter()
    brands: Counter[str] = Counter()
    for item in items:
        levels = item.category.split("/") if item.category else []
        categories.update("/".join(levels[: depth + 1]) for depth in range(len(levels)))
        brands.update([item.brand] if item.brand else [])
    return categories, brands


def _text(values: np.ndarray) -> str:
    return str(values[0].decode())
