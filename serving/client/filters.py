"""What a search may be narrowed by, and the facets of what it found."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from aisle.schema.contract import BRAND_COUNTS, BRAND_FACETS, CATEGORY_COUNTS, CATEGORY_FACETS
from aisle.schema.errors import InputError
from aisle.serving.client.inputs import utf8


@dataclasses.dataclass(frozen=True)
class Filters:
    """What a search is narrowed by; all of it must hold.

    Example:
        >>> Filters(category="Home/Kitchen", brands=("Acme", "Ajax"), price=(None, 20.0))

    Attributes:
        category: a path; what lies below it matches, too. "" is any.
        brands: any of them; none is any.
        price: the lowest and the highest, both inclusive; None is open. An item of unknown price matches
            only if both are open.
        in_stock: leaves out what is sold out; an item of unknown stock is in stock.

    Raises:
        InputError: a price is below 0 or no number, the lowest is above the highest, or what must be text is not.
    """

    category: str = ""
    brands: tuple[str, ...] = ()
    price: tuple[float | None, float | None] = (None, None)
    in_stock: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.category, str):
            raise InputError(f"category is {self.category!r}; expected text, such as 'Home/Kitchen'")
        if isinstance(self.brands, str) or not all(isinstance(brand, str) for brand in self.brands):
            raise InputError(f"brands is {self.brands!r}; expected a tuple of texts")
        if not isinstance(self.price, tuple) or len(self.price) != 2:
            raise InputError(f"price is {self.price!r}; expected (lowest, highest), None where open")
        low, high = (_price(value) for value in self.price)
        if low is not None and high is not None and low > high:
            raise InputError(f"the lowest price is {low:g}, above the highest, {high:g}; swap them")

    def tensors(self) -> dict[str, np.ndarray]:
        """The contract's inputs of one request."""
        low, high = (math.nan if value is None else value for value in self.price)
        brands = np.empty((1, len(self.brands)), object)
        brands[0] = [utf8("brands", brand) for brand in self.brands]
        category = np.empty(1, object)
        category[0] = utf8("category", self.category)
        return {
            "category": category,
            "brand": brands,
            "price_min": np.array([low], np.float32),
            "price_max": np.array([high], np.float32),
            "in_stock": np.array(bool(self.in_stock)),
        }


@dataclasses.dataclass(frozen=True)
class Facet:
    """A value, and how many of the items that were found have it."""

    value: str
    count: int


@dataclasses.dataclass(frozen=True)
class Facets:
    """Of all items that were found, not of the k best alone; most frequent first, at most 20 of each.

    Attributes:
        categories: each level of a path is a value, which counts what lies below it, too.
        brands: as the catalogue writes them.
    """

    categories: tuple[Facet, ...]
    brands: tuple[Facet, ...]


FACET_NAMES = ((CATEGORY_FACETS, CATEGORY_COUNTS), (BRAND_FACETS, BRAND_COUNTS))
"""Outputs of the signature: the values and their counts."""


def read_facets(values: np.ndarray, counts: np.ndarray) -> tuple[Facet, ...]:
    """A request's facets, string [c] and int32 [c], without the empty places."""
    return tuple(
        Facet(value.decode(errors="replace"), int(count))
        for value, count in zip(values, counts, strict=True)
        if count
    )


def _price(value: Any) -> float | None:
    if value is None:
        return None
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not 0 <= value < math.inf:
        raise InputError(
            f"a price to filter by is {value!r}; expected a number from 0 up, or None where open"
        )
    return float(value)
