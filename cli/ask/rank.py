"""`aisle rank`: scores for a file of pairs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from aisle.cli.ask.options import FILE_TARGET, OUT, OUTPUT, options
from aisle.schema.errors import InputError

if TYPE_CHECKING:
    from aisle.cli.ask.files import Row
    from aisle.serving.client.recommender import Recommender


@click.command()
@click.option("--pairs", metavar="FILE.csv", type=click.Path(), help="Columns `query,item_id[,user_id]`.")
@options(OUTPUT, FILE_TARGET, OUT)
def rank(pairs: str | None, output: str | None, target: str | None, out: str | None) -> None:
    """Score every pair of query and item in a file."""
    if pairs is None or output is None:
        raise InputError("expected --pairs FILE.csv and --output FILE.csv")
    from aisle.cli.ask import batch
    from aisle.cli.ask.files import read_pairs

    values = read_pairs(pairs)

    def rows(model: Recommender) -> Iterator[list[Row]]:
        scores: dict[int, float] = {}
        for found in batch.rank_scores(model, values):
            scores.update(found)
            yield []  # A request is done: the progress moves, though rows keep the file's order.
        yield batch.rank_rows(values, scores)

    batch.answer_file(target, out, output, ("query", "item_id", "score"), None, rows)
