"""What a demo asks of a shop: questions made of the shop's own tables, the same for the same tables."""

from __future__ import annotations

import dataclasses
import pathlib
import re

import polars as pl

SHOWN = 5
"""Items of the user that are shown."""
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
"""A letter of Thai, Lao, Burmese, Khmer, Kana or Han."""
_MATCHES = 3
"""Titles that hold all words of a good query: with fewer, nobody can see that what a search finds is right."""


@dataclasses.dataclass(frozen=True)
class Questions:
    """What is asked, and what shows whether the answers are right.

    Attributes:
        query: to search for.
        user: to recommend to.
        purchases: items that user bought, the last one first: `item_id`, `title`, `category`, `price` and `bought`, a time.
        item: what others are similar to: `item_id`, `title`, `category`, `price` and `sold`, how often; one row.
    """

    query: str
    user: str
    purchases: pl.DataFrame
    item: pl.DataFrame


def make_questions(tables: pathlib.Path) -> Questions:
    """Makes the questions of the folder of the cleaner's tables, in which somebody bought something."""
    items, events = (pl.read_parquet(tables / f"{name}.parquet") for name in ("items", "events"))
    described = items.select("item_id", "title", "category", "price")
    purchases = (
        events.filter(pl.col("event") == "purchase")
        .select("user_id", "item_id", pl.from_epoch("timestamp", time_unit="us").alias("bought"))
        .join(described, on="item_id")
        .sort("bought", "item_id", descending=True)
    )
    sold = purchases.group_by("item_id").agg(pl.len().alias("sold"))
    best = described.join(sold, on="item_id").sort("sold", "item_id", descending=[True, False]).head(1)
    user = telling_user(purchases)
    bought = purchases.filter(pl.col("user_id") == user).unique("item_id", keep="first", maintain_order=True)
    query = frequent_query(events, items["title"].to_list()) or best["title"][0]
    return Questions(query, user, bought.select(*described.columns, "bought").head(SHOWN), best)


def frequent_query(events: pl.DataFrame, titles: list[str]) -> str:
    """The query of the most visits, of those whose words all stand in several titles if there are such; "" of none.

    Args:
        events: with `query` and `session_id`.
        titles: of the items.
    """
    asked = events.filter(pl.col("query").fill_null("") != "")
    visits = asked.group_by("query").agg(pl.col("session_id").n_unique().alias("visits"))
    words = [words_of(title) for title in titles]

    def matches(query: str) -> int:
        return min(_MATCHES, sum(words_of(query) <= title for title in words))

    best = min(((-matches(query), -count, query) for query, count in visits.iter_rows()), default=(0, 0, ""))
    return best[2]


def words_of(text: str) -> set[str]:
    """The words of a text in lower case; of scripts that put no space between words, the characters."""
    spaced = _UNSPACED.sub(lambda found: f" {found[0]} ", text.lower().replace(",", " "))
    return set(spaced.split())


def telling_user(purchases: pl.DataFrame) -> str:
    """The user whose purchases tell most of a taste: many items of one department, few of others.

    A department is the first level of the category. Items of the user's favourite one count for, the others against.

    Args:
        purchases: `user_id`, `item_id` and `category`; some user is known.
    """
    known = purchases.filter(pl.col("user_id").fill_null("") != "").unique(["user_id", "item_id"])
    department = pl.col("category").fill_null("").str.split("/").list.first().alias("department")
    bought = known.group_by("user_id", department).len()
    taste = bought.group_by("user_id").agg(
        (2 * pl.col("len").max().cast(int) - pl.col("len").sum()).alias("taste")
    )
    return str(taste.sort("taste", "user_id", descending=[True, False])["user_id"][0])


def print_items(items: pl.DataFrame) -> None:
    """Prints the rows as a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from aisle.cli.ask.answers import printable

    table = Table()
    for name, kind in items.schema.items():
        table.add_column(
            name.replace("_id", "").capitalize(),
            justify="right" if kind.is_numeric() else "left",
            overflow="fold",
        )
    for row in items.with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%d")).iter_rows():
        table.add_row(*(Text(printable("" if cell is None else str(cell))) for cell in row))
    Console().print(table)
