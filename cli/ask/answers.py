"""One question of a command, and its answer on the terminal."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from aisle.cli.ask.model import answering

if TYPE_CHECKING:
    from aisle.serving.client.answers import ScoredItem, ScoredItems
    from aisle.serving.client.filters import Facets
    from aisle.serving.client.recommender import Recommender


def print_answer(
    target: str | None,
    out: str | None,
    as_json: bool,
    ask: Callable[[Recommender], tuple[ScoredItems, Facets | None]],
) -> None:
    """Asks one question of a server or of the pushed model (see `answering`), and prints the answer."""
    with answering(target, out) as model:
        items, facets = ask(model)
        titles = titles_of(model, items)
    if as_json:
        print_json(items, titles, facets)
        return
    print_table(items, titles)
    if facets is not None:
        print_facets(facets)


def titles_of(model: Recommender, items: ScoredItems) -> dict[str, str]:
    """The titles that the version which answered has of its items; none where it can't be asked for them.

    They only make an answer easier to read, so an answer never fails for want of them.
    """
    from aisle.serving.client.errors import ServingError

    if items.version is None:
        return {}
    try:
        return model.titles([item.item_id for item in items], items.version)
    except ServingError:
        return {}


def print_json(items: list[ScoredItem], titles: dict[str, str], facets: Facets | None = None) -> None:
    """Prints the items as a JSON list of objects; `title` is there where it is known.

    With facets it is an object of `items` and, as lists of `value` and `count`, `categories` and `brands`.
    """
    rows = []
    for place, item in enumerate(items, start=1):
        row: dict[str, Any] = {"rank": place, "item_id": item.item_id, "score": item.score}
        if item.item_id in titles:
            row["title"] = titles[item.item_id]
        rows.append(row)
    answer: Any = rows if facets is None else {"items": rows, **dataclasses.asdict(facets)}
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def print_table(items: list[ScoredItem], titles: dict[str, str]) -> None:
    """Prints the items as a table, with a title's column where any title is known."""
    if not items:
        click.echo("nothing found", err=True)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("Rank", "Item")
    table.columns[1].overflow = "fold"
    known = any(item.item_id in titles for item in items)
    if known:
        table.add_column("Title", overflow="fold")
    table.add_column("Score", justify="right")
    for place, item in enumerate(items, start=1):
        # Text, not str: a title may hold what rich reads as markup.
        title = [Text(printable(titles.get(item.item_id, "")))] if known else []
        table.add_row(str(place), Text(printable(item.item_id)), *title, f"{item.score:.4g}")
    Console().print(table)


def print_facets(facets: Facets) -> None:
    """Prints a table of each facet that has a value."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    for name, values in (("Category", facets.categories), ("Brand", facets.brands)):
        if values:
            table = Table(name, "Items")
            for facet in values:
                table.add_row(Text(printable(facet.value)), str(facet.count))
            Console().print(table)


def printable(text: str) -> str:
    """The text without what a terminal obeys instead of showing."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
