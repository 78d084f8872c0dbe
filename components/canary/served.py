"""A served model, as the canary asks it."""

from __future__ import annotations

import dataclasses

from aisle.schema.contract import MODEL_NAME


@dataclasses.dataclass(frozen=True)
class Served:
    """Where a model answers.

    Attributes:
        address: HOST:PORT of the server.
        name: the model's, there.
        version: that must answer; a server that has taken up another one answers NOT_FOUND.
    """

    address: str
    name: str = MODEL_NAME
    version: int = 1
