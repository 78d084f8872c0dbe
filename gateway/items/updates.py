"""What a shop tells of its items, and the values that it becomes: of each the latest counts, in whichever order they come."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, NamedTuple

import pydantic
from pydantic import BeforeValidator, Field

from aisle.gateway.events import MAX_BATCH, Id, Strict, Text, Time
from aisle.gateway.questions import Price

FIELDS = ("title", "description", "category", "brand", "price", "stock", "withdrawn")
"""What may be told of an item."""


class Entry(NamedTuple):
    """A value that was told; the greater one counts, so that repeats and late ones change nothing.

    Attributes:
        at: since when it holds, in microseconds since 1970.
        text: the value as JSON in ASCII; `null` takes back what was told.
    """

    at: int
    text: str

    @property
    def value(self) -> str | float | int | bool | None:
        """As Python has it."""
        value: str | float | int | bool | None = json.loads(self.text)
        return value


class Key(NamedTuple):
    """What an entry is of."""

    item_id: str
    field: str


Entries = dict[Key, Entry]


class ItemUpdate(Strict):
    """What is so of an item now. For one that the model knows it is `price`, `stock` and `withdrawn` that count."""

    item_id: Id
    timestamp: Time | None = Field(None, description="Since when it is so; now where it is absent.")
    title: Text | None = None
    description: Text | None = None
    category: Text | None = Field(None, description="A path, `/` between levels.")
    brand: Text | None = None
    price: Price | None = None
    stock: int | None = Field(None, ge=-(2**63), lt=2**63, description="0 or less is sold out.")
    withdrawn: bool | None = Field(None, description="Never shown, until it is told as false.")

    def entries(self, at: int, whole: bool) -> Entries:
        """Its values.

        Args:
            at: since when they hold, in microseconds since 1970.
            whole: whether what it doesn't name is taken back.
        """
        names = FIELDS if whole else [name for name in FIELDS if name in self.model_fields_set]
        return {Key(self.item_id, name): Entry(at, json.dumps(getattr(self, name))) for name in names}


ItemUpdates = Annotated[
    list[ItemUpdate],
    BeforeValidator(
        lambda came: came if isinstance(came, list) else [came],
        json_schema_input_type=ItemUpdate | list[ItemUpdate],
    ),
    Field(min_length=1, max_length=MAX_BATCH),
]
"""One item or a batch; one that is wrong has the batch refused whole."""


class Updated(pydantic.BaseModel):
    """The updates are safe."""

    items: int
    stale: bool = Field(
        description="Whether other gateways may not know them yet: the store is down, or one takes its time."
    )


def newest(many: Iterable[Entries]) -> Entries:
    """Of each key the entry that counts."""
    found: Entries = {}
    for entries in many:
        for key, entry in entries.items():
            if key not in found or entry > found[key]:
                found[key] = entry
    return found
