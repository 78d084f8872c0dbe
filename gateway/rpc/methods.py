"""The gateway's methods: how each message is read, who answers it, and what becomes of the answer.

The contract is HTTP's: a message becomes the same pydantic model as a body of JSON, and the answer's model a message.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import pydantic
from google.protobuf import json_format
from google.protobuf.message import Message
from pydantic import BeforeValidator

from aisle.gateway.events import Events, Id, Strict
from aisle.gateway.items.updates import ItemUpdates
from aisle.gateway.questions import Explain, Listing, Merge, Rank, Recommend, Search, Similar, Slots, Texts
from aisle.gateway.rpc import gateway_pb2 as messages
from aisle.gateway.security import MAX_BODY_BYTES, MAX_UPLOAD_BYTES
from aisle.gateway.service import Gateway
from aisle.gateway.uploads.questions import SimilarByImage

TAKE_BACK = "take_back"
SERVICE = messages.DESCRIPTOR.services_by_name["Gateway"].full_name


class Record(Strict):
    """One event or a batch."""

    events: Events


def _with_nulls(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items as JSON has them: a message has no `null`, so it names what is taken back."""
    return [
        {
            **{name: value for name, value in item.items() if name != TAKE_BACK},
            **dict.fromkeys(item.get(TAKE_BACK, ())),
        }
        for item in items
    ]


class ToldItems(Strict):
    """One item or a batch."""

    items: Annotated[ItemUpdates, BeforeValidator(_with_nulls)]


class Forget(Strict):
    """A user who is to be forgotten."""

    user_id: Id


class ImageSent(SimilarByImage):
    """The question with its picture."""

    image: pydantic.Base64Bytes  # As a message's bytes are written in JSON.


@dataclasses.dataclass(frozen=True)
class Method:
    """One of the service's methods.

    Attributes:
        asked: how its request is read.
        call: answers it.
        keyed: whether it takes the key.
        most: bytes of a request.
    """

    asked: type[pydantic.BaseModel]
    call: Callable[[Gateway, Any], Awaitable[pydantic.BaseModel]]
    keyed: bool = False
    most: int = MAX_BODY_BYTES


def _showing(name: str) -> Callable[[Gateway, Any], Awaitable[pydantic.BaseModel]]:
    """Asks, and notes what is shown."""

    async def ask(gateway: Gateway, asked: Listing) -> pydantic.BaseModel:
        return await gateway.answer(name, asked)

    return ask


METHODS = {
    "Record": Method(Record, lambda gateway, asked: gateway.record(asked.events), keyed=True),
    "Merge": Method(Merge, lambda gateway, asked: gateway.merge(asked), keyed=True),
    "Forget": Method(Forget, lambda gateway, asked: gateway.forget(asked.user_id), keyed=True),
    "ChangeItems": Method(
        ToldItems, lambda gateway, asked: gateway.items.update(asked.items, whole=False), keyed=True
    ),
    "ReplaceItems": Method(
        ToldItems, lambda gateway, asked: gateway.items.update(asked.items, whole=True), keyed=True
    ),
    "Search": Method(Search, _showing("search")),
    "Recommend": Method(Recommend, _showing("recommend")),
    "Similar": Method(Similar, _showing("similar")),
    "SimilarByImage": Method(
        ImageSent,
        lambda gateway, asked: gateway.similar_by_image(asked, asked.image),
        most=MAX_UPLOAD_BYTES,
    ),
    "Sentiment": Method(Texts, lambda gateway, asked: gateway.asking.sentiment(asked)),
    "Ads": Method(Slots, lambda gateway, asked: gateway.advertise(asked)),
    "Rank": Method(Rank, lambda gateway, asked: gateway.asking.rank(asked)),
    "Explain": Method(Explain, lambda gateway, asked: gateway.asking.explain(asked)),
}
"""By the names of gateway.proto."""


def message_types(name: str) -> tuple[type[Message], type[Message]]:
    """The messages that a method takes and answers."""
    method = messages.DESCRIPTOR.services_by_name["Gateway"].methods_by_name[name]
    return getattr(messages, method.input_type.name), getattr(messages, method.output_type.name)


def read(name: str, data: bytes) -> pydantic.BaseModel:
    """A method's request.

    Raises:
        google.protobuf.message.DecodeError: the bytes are no such message.
        pydantic.ValidationError: it breaks the contract.
    """
    message = message_types(name)[0].FromString(data)
    return METHODS[name].asked.model_validate(
        json_format.MessageToDict(message, preserving_proto_field_name=True)
    )


def written(name: str, answer: pydantic.BaseModel) -> bytes:
    """A method's answer as its message's bytes."""
    message = json_format.ParseDict(answer.model_dump(mode="json"), message_types(name)[1]())
    return message.SerializeToString()
