"""What a version knows of items beside their titles, and as of when."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from aisle.schema.contract import AS_OF, BRANDS, CATEGORIES, KNOWN, PRICES, SOLD_OUT
from aisle.serving.client.answers import read_output, version_of
from aisle.serving.client.inputs import Tensors


@dataclasses.dataclass(frozen=True)
class ItemFact:
    """What filters go by of an item.

    Attributes:
        price: None where it is unknown.
        sold_out: False where its stock is unknown.
        category: a path; "" where it is unknown.
        brand: "" where it is unknown.
    """

    price: float | None
    sold_out: bool
    category: str
    brand: str


@dataclasses.dataclass(frozen=True)
class Facts:
    """Of the items that were asked about and that the version knows.

    Attributes:
        items: by their ids.
        as_of: the moment that the version knows the shop as of, in microseconds UTC.
        version: as `ScoredItems` has it.
    """

    items: Mapping[str, ItemFact]
    as_of: int
    version: int | None = None


def read_facts(item_ids: Sequence[str], outputs: Tensors) -> Facts:
    """The answer to one request; raises BadAnswer."""
    names = (KNOWN, PRICES, SOLD_OUT, CATEGORIES, BRANDS)
    columns = [read_output(outputs, name, (1, len(item_ids)))[0].tolist() for name in names]
    items = {
        item: ItemFact(price if math.isfinite(price) else None, sold_out, _text(category), _text(brand))
        for item, known, price, sold_out, category, brand in zip(item_ids, *columns, strict=True)
        if known
    }
    return Facts(items, int(read_output(outputs, AS_OF, ())), version_of(outputs))


def _text(came: bytes) -> str:
    return came.decode(errors="replace")
