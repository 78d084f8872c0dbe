"""What is said of what went wrong, in one line: over HTTP by a status, over gRPC by a code."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from aisle.gateway.recents.store import StoreDown
from aisle.gateway.spool import NotWritten
from aisle.schema.errors import AisleError, InputError
from aisle.serving import (
    DeadlineExceeded,
    MessageTooLarge,
    Overloaded,
    RequestRefused,
    ServingError,
    Unreachable,
)

_SHOWN = 80
WRONG_KEY = "the key is missing or wrong; send it as Authorization: Bearer KEY"


class KeyNeeded(AisleError):
    """What was asked takes the key."""


class WrongKind(InputError):
    """The body is of another kind than the route takes."""


STATUS: tuple[tuple[type[AisleError], int, str], ...] = (
    (MessageTooLarge, 413, ""),
    (KeyNeeded, 401, ""),
    (WrongKind, 415, ""),
    (InputError, 422, ""),
    (RequestRefused, 422, ""),
    (DeadlineExceeded, 504, "the model didn't answer in time"),
    (Unreachable, 503, "the model's server is away; ask again"),
    (Overloaded, 503, "the model's server has too much to do; ask again later"),
    (ServingError, 502, "the model's server failed"),
    (StoreDown, 503, "the store of recent events is away; ask again"),
    (NotWritten, 503, "the disk takes no more, and nothing was recorded; ask again later"),
)
"""The first that fits; "" says what the error says. Of the others that is for the log: it names machines and folders."""


def of_ours(error: AisleError) -> tuple[int, str]:
    """The HTTP status of an error of `STATUS`, and what is said of it."""
    status, said = next((status, said) for kind, status, said in STATUS if isinstance(error, kind))
    if said:
        logging.getLogger(__name__).warning("answered %d: %s", status, error)
    return status, said or (error.details if isinstance(error, ServingError) else str(error))


def of_contract(error: Mapping[str, Any]) -> str:
    """Says one of pydantic's errors: where, what came, and what was expected; in ASCII, since what came may be no text."""
    where = ".".join(str(part) for part in error["loc"])
    came = ascii(error.get("input"))
    came = came if len(came) <= _SHOWN else f"{came[:_SHOWN]}…"
    return f"{where} is {came}: {error['msg'].removeprefix('Value error, ')}".removeprefix(" is ")


def too_often(seconds: float) -> str:
    """Says that an address asks too often."""
    return f"too many requests; ask again in {seconds:.1f} s"
