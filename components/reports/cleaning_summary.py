"""The ledger as Markdown: short enough for a pull request or a chat, everything from the data escaped."""

from __future__ import annotations

import re
from typing import Any

from aisle.components.reports.losses import headline, severe
from aisle.components.reports.page import number, share, visible

_MAX_STEPS = 12
_MAX_REASONS = 3
_SPECIAL = re.compile(r"([\\`*_{}\[\]#!|~])")


def summary(ledger: dict[str, Any]) -> str:
    """Returns the Markdown of a ledger.

    Args:
        ledger: version 1 of docs/reports.md, with `losses` where they were weighed.
    """
    tables = ledger["tables"]
    off = [name for name, table in tables.items() if _accounted(table) != table["read"]]
    verdict = (
        f"**The ledger does not add up: {escaped(', '.join(off))}**" if off else "Every row is accounted for."
    )
    lines = ["# Cleaning", "", verdict, "", *_totals(tables)]
    if "losses" in ledger:
        lines += ["", *_lost(ledger["losses"])]
    for name, table in tables.items():
        if table["steps"]:
            lines += ["", f"## {escaped(name)}", "", *_steps(table)]
    return "\n".join(lines) + "\n"


def escaped(text: Any) -> str:
    """Returns text as one line that Markdown shows as it is: no markup, no link, no mention, no HTML."""
    line = " ".join(str(visible(str(text))).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _SPECIAL.sub(r"\\\1", line)
    # Addresses become links, and names mentions, without any markup.
    for mark, shown in (("://", ":&#47;&#47;"), ("www.", "www&#46;"), ("@", "&#64;")):
        line = line.replace(mark, shown)
    return line


def _accounted(table: dict[str, Any]) -> int:
    return int(table["used"] + table["quarantined"] + table["merged"])


def _totals(tables: dict[str, Any]) -> list[str]:
    lines = ["| table | read | used | quarantined | merged | used |", "|---|--:|--:|--:|--:|--:|"]
    for name, table in tables.items():
        counts = [number(table[count]) for count in ("read", "used", "quarantined", "merged")]
        part = share(table["used"] / table["read"] if table["read"] else 0.0)
        lines.append("| " + " | ".join([escaped(name), *counts, escaped(part)]) + " |")
    return lines


def _lost(losses: dict[str, Any]) -> list[str]:
    """What the gate behind the Cleaner has to say: each part, its first reasons, and what would keep it."""
    lines = ["## What was lost", "", f"**{escaped(headline(losses))}**", ""]
    for part in severe(losses)[:_MAX_STEPS]:
        why = [
            f"{number(reason['rows'])} × {reason['column']} '{reason['reason']}' ({reason['keep']})"
            for reason in part["reasons"][:_MAX_REASONS]
        ]
        lines.append(f"- {part['severity']} {escaped(part['what'])}: {escaped('; '.join(why))}")
    return lines


def _steps(table: dict[str, Any]) -> list[str]:
    """The steps that touched most rows, in the order they were done."""
    largest = sorted(table["steps"], key=lambda step: -step["rows"])[:_MAX_STEPS]
    shown = [step for step in table["steps"] if any(step is one for one in largest)]
    lines = ["| step | reason | outcome | rows | first at |", "|---|---|---|--:|---|"]
    for step in shown:
        first = step["examples"][0] if step["examples"] else None
        place = escaped(f"{first['file']}:{first['line']}") if first else ""
        cells = [escaped(step["step"]), escaped(step["reason"]), escaped(step["outcome"])]
        lines.append("| " + " | ".join([*cells, number(step["rows"]), place]) + " |")
    if len(shown) < len(table["steps"]):
        lines += ["", f"{len(table['steps']) - len(shown)} smaller steps are in the report."]
    return lines
