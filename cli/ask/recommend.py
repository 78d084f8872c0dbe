"""`aisle recommend`, for a user or a whole file of them, and `aisle similar`."""

from __future__ import annotations

import click

from aisle.cli.ask.answers import print_answer
from aisle.cli.ask.options import (
    JSON,
    OUT,
    OUTPUT,
    RECENT,
    TARGET,
    K,
    check_k,
    check_one,
    options,
    read_recents,
)
from aisle.schema.errors import InputError


@click.command()
@click.argument("user", required=False)
@click.option("--users", metavar="FILE", type=click.Path(), help="One user a line, or a .csv with `user_id`.")
@click.option("--exclude-seen", is_flag=True, help="Leave out what the user had before.")
@click.option("--domain", default="", help="Only items of this domain, of a shop that has several.")
@options(RECENT, OUTPUT, K, TARGET, OUT, JSON)
def recommend(
    user: str | None,
    users: str | None,
    exclude_seen: bool,
    domain: str,
    recent: tuple[str, ...],
    output: str | None,
    k: int,
    target: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Recommend items to USER, or to a file of users."""
    check_k(k)
    check_one("a USER", user, "--users", users, output, as_json)
    if user is not None:
        recents = read_recents(recent)
        print_answer(
            target,
            out,
            as_json,
            lambda model: (
                model.recommend(user, exclude_seen=exclude_seen, k=k, recents=recents, domain=domain),
                None,
            ),
        )
        return
    if recent:
        raise InputError("--recent goes with one USER, not with --users FILE")
    from aisle.cli.ask import batch
    from aisle.cli.ask.files import read_values

    assert users is not None and output is not None
    values = read_values(users, "user_id")
    header = ("user_id", "rank", "item_id", "score")
    steps = batch.steps(len(values))
    batch.answer_file(
        target,
        out,
        output,
        header,
        steps,
        lambda model: batch.recommend_rows(model, values, k, exclude_seen, domain),
    )


@click.command()
@click.argument("item")
@options(RECENT, K, TARGET, OUT, JSON)
def similar(
    item: str, recent: tuple[str, ...], k: int, target: str | None, out: str | None, as_json: bool
) -> None:
    """List the items most like ITEM."""
    check_k(k)
    recents = read_recents(recent)
    print_answer(target, out, as_json, lambda model: (model.similar(item, k=k, recents=recents), None))
