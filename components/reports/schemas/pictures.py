"""The report `pictures`, as `components/pictures` gives it."""

from __future__ import annotations

from typing import Literal

from aisle.components.reports.schemas.record import Record


class Finding(Record):
    """Why pictures can't be used."""

    reason: str
    """As docs/pictures.md has it."""
    items: int
    """That are without a picture for it."""
    examples: list[str]
    """The first of them."""


class Pictures(Record):
    """What was found of the items' pictures."""

    version: Literal[1]
    items: int
    """Of the cleaned table."""
    named: int
    """That name a picture."""
    pictures: int
    """That have one which can be used."""
    different: int
    """Pictures, by their content."""
    findings: list[Finding]
    """The commonest reason first."""
