"""`aisle search`, `recommend`, `similar` and `rank`: one answer as a table, or a whole file of them."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from aisle.cli.answers import print_facets, print_json, print_table
from aisle.cli.explained import print_explained_json, print_explained_table
from aisle.schema.errors import InputError

if TYPE_CHECKING:
    from aisle.serving.client.answers import ScoredItems
    from aisle.serving.client.client import Client
    from aisle.serving.client.filters import Facets, Filters
    from aisle.serving.client.recommender import Recommender

DEFAULT_TARGET = "127.0.0.1:8500"
MAX_K = 1000
BATCH_SECONDS = 120.0
"""Timeout of one request of a batch, which holds many questions."""

_Command = Callable[..., Any]


def _options(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Several click options as one decorator, shown in their order."""

    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_K = click.option("-k", "k", default=10, show_default=True, type=int, help=f"Items at most, up to {MAX_K}.")
_TARGET = click.option(
    "--target", metavar="HOST:PORT", help=f"The server to ask. [default: {DEFAULT_TARGET}]"
)
_BATCH_TARGET = click.option(
    "--target", metavar="HOST:PORT", help="Ask this server instead of loading the pushed model."
)
_BOTH_TARGET = click.option(
    "--target",
    metavar="HOST:PORT",
    help=f"The server to ask. [default: {DEFAULT_TARGET}; for a file, the pushed model without a server]",
)
_OUT = click.option(
    "--out",
    default="out",
    show_default=True,
    type=click.Path(),
    help="For a file without --target: output folder of `aisle run`, whose pushed model answers.",
)
_OUTPUT = click.option("--output", metavar="FILE.csv", type=click.Path(), help="Where a file's answers go.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")

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
@_options(*_FILTERS, _OUTPUT, _K, _BOTH_TARGET, _OUT, _JSON)
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
    out: str,
    as_json: bool,
) -> None:
    """Search the shop for QUERY, or for a file of queries.

    An empty QUERY ("") with a filter lists what passes it by popularity.
    """
    _check_k(k)
    _check_one("a QUERY", query, "--queries", queries, output, as_json)
    filters = _filters(category, brand, (min_price, max_price), in_stock, facets)
    if explain:
        if filters is not None:
            raise InputError("--explain goes with a QUERY without filters and --facets")
        _explain(target, as_json, query, k)
        return
    if query is not None and filters is not None:
        _answer_filtered(target, as_json, facets, query, k, filters)
        return
    if query is not None:
        _answer(target, as_json, lambda model: model.search(query, k=k))
        return
    if filters is not None:
        raise InputError("filters and --facets go with one QUERY, not with --queries FILE")
    from aisle.cli import batch

    assert queries is not None and output is not None
    values = batch.read_values(queries, "query")
    header = ("query", "rank", "item_id", "score")
    steps = _steps(values, batch.ROWS_AT_ONCE)
    _batch(target, out, output, header, steps, lambda model: batch.search_rows(model, values, k))


@click.command()
@click.argument("user", required=False)
@click.option("--users", metavar="FILE", type=click.Path(), help="One user a line, or a .csv with `user_id`.")
@click.option("--exclude-seen", is_flag=True, help="Leave out what the user had before.")
@_options(_OUTPUT, _K, _BOTH_TARGET, _OUT, _JSON)
def recommend(
    user: str | None,
    users: str | None,
    exclude_seen: bool,
    output: str | None,
    k: int,
    target: str | None,
    out: str,
    as_json: bool,
) -> None:
    """Recommend items to USER, or to a file of users."""
    _check_k(k)
    _check_one("a USER", user, "--users", users, output, as_json)
    if user is not None:
        _answer(target, as_json, lambda model: model.recommend(user, exclude_seen=exclude_seen, k=k))
        return
    from aisle.cli import batch

    assert users is not None and output is not None
    values = batch.read_values(users, "user_id")
    header = ("user_id", "rank", "item_id", "score")
    steps = _steps(values, batch.ROWS_AT_ONCE)
    _batch(
        target, out, output, header, steps, lambda model: batch.recommend_rows(model, values, k, exclude_seen)
    )


@click.command()
@click.argument("item")
@_options(_K, _TARGET, _JSON)
def similar(item: str, k: int, target: str | None, as_json: bool) -> None:
    """List the items most like ITEM."""
    _check_k(k)
    _answer(target, as_json, lambda model: model.similar(item, k=k))


@click.command()
@click.option("--pairs", metavar="FILE.csv", type=click.Path(), help="Columns `query,item_id[,user_id]`.")
@_options(_OUTPUT, _BATCH_TARGET, _OUT)
def rank(pairs: str | None, output: str | None, target: str | None, out: str) -> None:
    """Score every pair of query and item in a file."""
    if pairs is None or output is None:
        raise InputError("expected --pairs FILE.csv and --output FILE.csv")
    from aisle.cli import batch

    values = batch.read_pairs(pairs)

    def rows(model: Recommender) -> Iterator[list[batch.Row]]:
        scores: dict[int, float] = {}
        for found in batch.rank_scores(model, values):
            scores.update(found)
            yield []  # A request is done: the progress moves, though rows keep the file's order.
        yield batch.rank_rows(values, scores)

    _batch(target, out, output, ("query", "item_id", "score"), None, rows)


def _check_k(k: int) -> None:
    if not 1 <= k <= MAX_K:
        raise InputError(f"-k is {k}; expected 1 to {MAX_K}")


def _check_one(
    what: str, value: str | None, option: str, file: str | None, output: str | None, as_json: bool
) -> None:
    """Raises InputError unless there is either one question, or a file of them and where they go."""
    if (value is None) == (file is None):
        raise InputError(f"expected {what}, or {option} FILE with --output FILE.csv")
    if (file is None) != (output is None):
        raise InputError(f"{option} FILE and --output FILE.csv go together")
    if file is not None and as_json:
        raise InputError(f"--json prints one answer; with {option} the answers go to --output as CSV")


def _steps(values: list[str], size: int) -> int:
    return -(-len(values) // size)


def _answer(target: str | None, as_json: bool, ask: Callable[[Recommender], ScoredItems]) -> None:
    """Asks a server one question and prints the answer."""
    _print(target, as_json, lambda model: (ask(model), None))


def _print(
    target: str | None,
    as_json: bool,
    ask: Callable[[Recommender], tuple[ScoredItems, Facets | None]],
) -> None:
    with _client(target or DEFAULT_TARGET) as client:
        items, facets = ask(client)
        titles = _titles(client, items)
    if as_json:
        print_json(items, titles, facets)
        return
    print_table(items, titles)
    if facets is not None:
        print_facets(facets)


def _titles(client: Client, items: ScoredItems) -> dict[str, str]:
    """The titles that the version which answered has of its items; none where it can't be asked for them.

    They only make an answer easier to read, so an answer never fails for want of them.
    """
    from aisle.serving.client.errors import ServingError

    if items.version is None:
        return {}
    try:
        return client.titles([item.item_id for item in items], items.version)
    except ServingError:
        return {}


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


def _answer_filtered(
    target: str | None, as_json: bool, facets: bool, query: str, k: int, filters: Filters
) -> None:
    """Asks a server for what passes filters and prints it, with its facets if they are asked for."""

    def ask(model: Recommender) -> tuple[ScoredItems, Facets | None]:
        from aisle.serving.client.answers import ScoredItems

        found = model.search(query, k=k, filters=filters)
        return ScoredItems(found.items, version=found.version), found.facets if facets else None

    _print(target, as_json, ask)


def _explain(target: str | None, as_json: bool, query: str | None, k: int) -> None:
    """Asks a server for a search's items and why it ranks them so, and prints both."""
    if query is None:
        raise InputError("--explain goes with one QUERY, not with --queries FILE")
    with _client(target or DEFAULT_TARGET) as client:
        items = client.search(query, k=k)
        explained = client.explain(query, [item.item_id for item in items])
        titles = _titles(client, items)
    (print_explained_json if as_json else print_explained_table)(items, explained, titles)


def _batch(
    target: str | None,
    out: str,
    output: str,
    header: tuple[str, ...],
    steps: int | None,
    ask: Callable[[Recommender], Iterable[list[tuple[str, ...]]]],
) -> None:
    """Asks many questions, of a server or of the pushed model, and writes the answers."""
    from rich.console import Console
    from rich.progress import track

    from aisle.cli import batch

    batch.check_writable(output)
    console = Console(file=sys.stderr)
    chunks = track(
        ask(_recommender(target, out)),
        "asking",
        total=steps,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    count = batch.write_csv(output, header, chunks)
    click.echo(f"wrote {count} rows to {output}", err=True)


def _client(target: str, timeout: float = 10.0, messages: int = 1) -> Client:
    """A client for who waits at a terminal: that there is no server is told at once, not at the timeout.

    Args:
        target: HOST:PORT.
        timeout: seconds.
        messages: the largest message, in gRPC's default ones.
    """
    from aisle.serving.client.client import Client
    from aisle.serving.client.transport import MAX_MESSAGE_BYTES, Retry

    return Client(
        target, timeout=timeout, retry=Retry(attempts=4), max_message_bytes=messages * MAX_MESSAGE_BYTES
    )


def _recommender(target: str | None, out: str) -> Recommender:
    if target is not None:
        return _client(target, BATCH_SECONDS, 4)
    from aisle.cli.quiet import quieten_tensorflow
    from aisle.pipeline.paths import Layout
    from aisle.serving.local import LocalModel
    from aisle.serving.releases.folders import require_version

    base = pathlib.Path(Layout(out).serving)
    require_version(base)
    click.echo(f"loading the newest version in {base}", err=True)
    quieten_tensorflow()
    return LocalModel(base)
