"""What the gate behind the Cleaner found, in a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aisle.components.reports.page import visible

_MOST = 2


def severe(losses: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Returns the parts that lost more than they may, the worst first."""
    return [part for part in losses["parts"] if part["severity"]]


def headline(losses: Mapping[str, Any]) -> str:
    """Returns whether the run goes on, and what the worst losses are: `blocked: all 564 purchases were lost`.

    Args:
        losses: of the report `cleaning`.
    """
    found = severe(losses)
    if not found:
        return "nothing large was lost"
    said = [str(part["what"]) for part in found[:_MOST]]
    said += [f"{len(found) - _MOST} more"] if len(found) > _MOST else []
    blocked = losses["verdict"] == "blocked"
    verdict = "blocked" if blocked else "much was lost"
    return str(visible(" ".join(f"{verdict}: {'; '.join(said)}".split())))
