"""What is wrong with what came, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHOWN = 80


def said_wrong(error: Mapping[str, Any]) -> str:
    """Says one of pydantic's errors: where, what came, and what was expected; in ASCII, since what came may be no text."""
    where = ".".join(str(part) for part in error["loc"])
    came = ascii(error.get("input"))
    came = came if len(came) <= _SHOWN else f"{came[:_SHOWN]}…"
    return f"{where} is {came}: {error['msg'].removeprefix('Value error, ')}".removeprefix(" is ")
