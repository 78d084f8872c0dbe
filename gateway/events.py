"""An event as the gateway receives it: what it may say, and how its time is taken.

- Late: it counts by its own time, and is written to the hour in which it came. The recent events leave out what is
  older than their lifetime.
- From the future: it counts as of its arrival, since nothing happens after it was told; clocks differ.
- Reordered: the recent events are in the order of their times, not of their arrivals.
- Duplicate: the same `event_id` counts once, as it came first.
"""

from __future__ import annotations

import datetime
import uuid
from typing import Annotated, Any

import pydantic
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from aisle.schema import events
from aisle.schema.tables import EVENTS, Column, Kind

MAX_ID = 256
MAX_TEXT = 4_096
MAX_BATCH = 500
OF_ANSWERS = ("source", "version", "sponsored", "campaign_id", "ad_score")
"""Columns that the gateway alone fills, of what it answered."""
_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"

AnyId = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_ID, pattern=_PRINTABLE)]
"""An id, "" where there is none."""
Id = Annotated[AnyId, StringConstraints(min_length=1)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]


class Strict(pydantic.BaseModel):
    """Base of all that is received: unknown names are refused, since a mistyped one would be lost in silence."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _kind(name: str) -> str:
    kind = events.canonical(name)
    if kind is None:
        raise ValueError(f"no kind of event; expected one of {', '.join(events.names())}")
    return kind


def _utc(time: datetime.datetime) -> datetime.datetime:
    """The time in UTC, which it is in where it names no zone."""
    try:
        utc = datetime.timezone.utc
        return time.replace(tzinfo=utc) if time.tzinfo is None else time.astimezone(utc)
    except OverflowError:
        raise ValueError(
            "beyond the years that can be told; expected a time such as 2026-03-01T12:30:00Z"
        ) from None


Time = Annotated[datetime.datetime, AfterValidator(_utc)]


class Event(Strict):
    """What the gateway itself reads of an event; `EVENT` has the table's other columns, too."""

    event_id: Id = Field(
        default_factory=lambda: uuid.uuid4().hex, description="Tells a repeat from another event."
    )
    timestamp: Time | None = Field(None, description="When it happened; now where it is absent.")
    event: Annotated[Id, AfterValidator(_kind)] = Field(
        description="Its kind, by our name or a usual tool's.", examples=list(events.names())
    )
    item_id: Id
    user_id: AnyId = ""
    session_id: AnyId = Field("", description="Of an anonymous visitor, or of a user's visit.")
    request_id: AnyId = Field("", description="Of the answer that it follows.")
    experiment: AnyId = Field("", description="That the visitor was part of.")
    arm: AnyId = Field("", description="Of the experiment.")

    def at(self, now: datetime.datetime) -> datetime.datetime:
        """When it happened, by the rule of late and future events."""
        return min(self.timestamp or now, now)

    def row(self, now: datetime.datetime) -> dict[str, Any]:
        """It as a row of the log: values by column, the time in microseconds since 1970, without what is empty."""
        values = self.model_dump() | {"timestamp": microseconds(self.at(now))}
        return {name: value for name, value in values.items() if value not in (None, "")}


_TYPES: dict[Kind, Any] = {
    Kind.STRING: Text,
    Kind.INTEGER: Annotated[int, Field(ge=-(2**63), lt=2**63)],
    Kind.NUMBER: float,
    Kind.TIMESTAMP: Time,
    Kind.BOOLEAN: bool,
}


def _field(column: Column) -> Any:
    kind = AnyId if column.identifier else _TYPES[column.kind]
    return (kind, ...) if column.required else (kind | None, None)


EVENT: type[Event] = pydantic.create_model(
    "Event",
    __base__=Event,
    __doc__="Something that happened to an item: a row of the table `events`.",
    **{
        column.name: _field(column)
        for column in EVENTS.columns
        if column.name not in {*Event.model_fields, *OF_ANSWERS}
    },
)
"""The model of the columns of the table `events`, each as `schema/tables.py` has it, but of `OF_ANSWERS`."""

Events = Annotated[
    list[EVENT],  # type: ignore[valid-type]
    BeforeValidator(
        lambda came: came if isinstance(came, list) else [came],
        json_schema_input_type=EVENT | list[EVENT],  # type: ignore[valid-type]
    ),
    Field(min_length=1, max_length=MAX_BATCH),
]
"""One event or a batch; one that is wrong has the batch refused whole."""


def microseconds(time: datetime.datetime) -> int:
    """Of a time since 1970, exactly."""
    return (time - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(
        microseconds=1
    )
