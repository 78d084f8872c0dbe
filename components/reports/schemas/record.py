"""What all records of a report have in common: no key but those named, no value of another type."""

from __future__ import annotations

from typing import TypeVar

import pydantic

_Record = TypeVar("_Record")

_CONFIG = pydantic.ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


def record(kind: type[_Record]) -> type[_Record]:
    """Makes a TypedDict strict, and its fields' docstrings the descriptions in the JSON Schema."""
    return pydantic.with_config(_CONFIG)(kind)
