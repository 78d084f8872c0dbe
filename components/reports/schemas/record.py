"""What all records of a report have in common: no key but those named, no value of another type."""

from __future__ import annotations

from typing import Any

import pydantic


class Record(pydantic.BaseModel):
    """Strict; its fields' docstrings are the descriptions in the JSON Schema."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


def may_be_absent() -> Any:
    """A field whose key may be left out, and is never null."""
    return pydantic.Field(default_factory=lambda: None)
