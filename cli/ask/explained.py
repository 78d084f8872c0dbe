"""A search's answer on the terminal, with what brought each item there."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import click

from aisle.cli.ask.answers import printable
from aisle.schema.contract import WORD_PARTS

if TYPE_CHECKING:
    from aisle.serving.client.answers import ScoredItem
    from aisle.serving.client.explanation import Explanation

STRONGEST = 6
"""So many reasons of an item are shown, the others as their sum."""


def print_explained_json(
    items: list[ScoredItem], explained: list[Explanation], titles: dict[str, str]
) -> None:
    """Prints a JSON list of objects: the item's `rank`, `score`, `title` where it is known, and `explanation`."""
    rows: list[dict[str, Any]] = []
    for place, (item, why) in enumerate(zip(items, explained, strict=True), start=1):
        title = {"title": titles[item.item_id]} if item.item_id in titles else {}
        row = {"rank": place, "item_id": item.item_id, "score": item.score, **title}
        fields = dataclasses.asdict(why)
        del fields["item_id"]
        rows.append({**row, "explanation": fields})
    click.echo(json.dumps(rows, ensure_ascii=False, indent=2))


def print_explained_table(
    items: list[ScoredItem], explained: list[Explanation], titles: dict[str, str]
) -> None:
    """Prints the items as a table whose last column sums its reasons up to the explained score."""
    if not items:
        click.echo("nothing found", err=True)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("Rank", "Item", "Score", "Why", show_lines=True)
    table.columns[2].justify = "right"
    for place, (item, why) in enumerate(zip(items, explained, strict=True), start=1):
        # Text, not str: a title or a query's word may hold what rich reads as markup.
        named = [printable(text) for text in (titles.get(item.item_id, ""), item.item_id) if text]
        why_text = Text(printable(reasons(why)))
        table.add_row(str(place), Text("\n".join(named)), f"{item.score:.4g}", why_text)
    Console().print(table)


def reasons(why: Explanation) -> str:
    """One line that sums up: `+2.10 = fridge ~ refrigerator +1.20, dense +0.90; found by dense #3`.

    Shown are the STRONGEST reasons and, as `others`, the sum of what is left. Where the score was split over the
    query's words, they stand for the parts of WORD_PARTS.
    """
    parts = [(part.name, part.contribution) for part in why.parts]
    if why.words:
        parts = [(name, adds) for name, adds in parts if name not in WORD_PARTS]
        parts += [(f"{match.word} ~ {match.matched or '-'}", match.contribution) for match in why.words]
    parts.sort(key=lambda part: -abs(part[1]))
    others = sum(adds for _, adds in parts[STRONGEST:])
    shown = [*parts[:STRONGEST], *([("others", others)] if len(parts) > STRONGEST else [])]
    found = ", ".join(f"{found.source} #{found.rank}" for found in why.found_by) or "no source"
    summed = ", ".join(f"{name} {adds:+.2f}" for name, adds in shown)
    return f"{why.score:+.2f} = {summed}; found by {found}"
