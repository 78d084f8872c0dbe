"""What is asked with a picture."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from aisle.gateway.questions import Listing
from aisle.gateway.uploads.body import FIELD, FORM, KINDS


class SimilarByImage(Listing):
    """What looks like a picture."""

    in_stock: bool = False


class Pictured(SimilarByImage):
    """The question with its picture, as `PictureReading` makes it."""

    image: bytes = Field(repr=False)


_FILE = {"type": "string", "format": "binary"}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {"schema": {"type": "object", "properties": {FIELD: _FILE}, "required": [FIELD]}},
            **{kind: {"schema": _FILE} for kind in KINDS},
        },
    }
}
"""How OpenAPI tells a route that takes a picture."""
