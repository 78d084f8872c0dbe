"""`aisle search`: one query's answer on the terminal, narrowed and explained if asked for, or a whole file of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aisle.cli.ask.answers import print_answer, titles_of
from aisle.cli.ask.explained import print_explained_json, print_explained_table
from aisle.cli.ask.model import answering
from aisle.cli.ask.options import JSON, OUT, OUTPUT, TARGET, K, check_k, check_one, options
from aisle.schema.errors import InputError

if TYPE_CHECKING:
    from aisle.serving.client.answers import ScoredItems
    from aisle.serving.client.filters import Facets, Filters
    from aisle.serving.client.recommender import Recommender

_FILTERS = (
    click.option("--category", default="", metavar="PATH", help="Only this category and those below it."),
    click.option("--brand", multiple=True, help="Only this brand; may be given again for others."),
    click.option("--min-price", type=float, metavar="PRICE", help="Only items of this price or more."),
    click.option("--max-price", type=float, metavar="PRICE", help="Only items of this price or less."),
    click.option("--in-stock", is_flag=True, help="Leave out what is sold out."),
    click.option("--facets", is_flag=True, help="Count all that is found by category and brand, too."),
)


@click.command()
@click.argument("query", required=False)
@click.option(
    "--queries", metavar="FILE", type=click.Path(), help="One query a line, or a .csv with `query`."
)
@click.option(
    "--explain", is_flag=True, help="Say of each answer which words, numbers and sources brought it there."
)
@options(*_FILTERS, OUTPUT, K, TARGET, OUT, JSON)
def search(
    query: str | None,
    queries: str | None,
    category: str,
    brand: tuple[str, ...],
    min_price: float | None,
    max_price: float | None,
    in_stock: bool,
    facets: bool,
    explain: bool,
    output: str | None,
    k: int,
    target: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Search the shop for QUERY, or for a file of queries.

    An empty QUERY ("") with a filter lists what passes it by popularity.
    """
    check_k(k)
    check_one("a QUERY", query, "--queries", queries, output, as_json)
    filters = _filters(category, brand, (min_price, max_price), in_stock, facets)
    if explain and (query is None or filters is not None):
        raise InputError("--explain goes with one QUERY, without filters, --facets and --queries FILE")
    if query is None and filters is not None:
        raise InputError("filters and --facets go with one QUERY, not with --queries FILE")
    if query is None:
        assert queries is not None and output is not None
        _search_file(queries, output, k, target, out)
    elif explain:
        _explain(target, out, as_json, query, k)
    elif filters is not None:
        print_answer(target, out, as_json, lambda model: _filtered(model, query, k, filters, facets))
    else:
        print_answer(target, out, as_json, lambda model: (model.search(query, k=k), None))


def _filters(
    category: str,
    brands: tuple[str, ...],
    price: tuple[float | None, float | None],
    in_stock: bool,
    facets: bool,
) -> Filters | None:
    """The filters that the options name, None where they name nothing and no facets are asked for."""
    from aisle.serving.client.filters import Filters

    filters = Filters(category, brands, price, in_stock)
    return filters if facets or filters != Filters() else None


def _filtered(
    model: Recommender, query: str, k: int, filters: Filters, facets: bool
) -> tuple[ScoredItems, Facets | None]:
    """What passes the filters, with its facets if they are asked for."""
    from aisle.serving.client.answers import ScoredItems

    found = model.search(query, k=k, filters=filters)
    return ScoredItems(found.items, version=found.version), found.facets if facets else None


def _explain(target: str | None, out: str | None, as_json: bool, query: str, k: int) -> None:
    """Asks for a search's items and why it ranks them so, and prints both."""
    with answering(target, out) as model:
        items = model.search(query, k=k)
        explained = model.explain(query, [item.item_id for item in items])
        titles = titles_of(model, items)
    (print_explained_json if as_json else print_explained_table)(items, explained, titles)


def _search_file(queries: str, output: str, k: int, target: str | None, out: str | None) -> None:
    from aisle.cli.ask import batch
    from aisle.cli.ask.files import read_values

    values = read_values(queries, "query")
    header = ("query", "rank", "item_id", "score")
    steps = batch.steps(len(values))
    batch.answer_file(target, out, output, header, steps, lambda model: batch.search_rows(model, values, k))
