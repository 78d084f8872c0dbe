"""Answers for a whole file of queries, users or pairs."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

import click

from aisle.cli.ask.files import Pair, Row, check_writable, write_csv
from aisle.cli.ask.model import answering
from aisle.schema.csv_cells import write_cell
from aisle.serving.client.answers import ScoredItem
from aisle.serving.client.recommender import Recommender

ROWS_AT_ONCE = 64
"""Queries or users of one request."""
PAIRS_AT_ONCE = 256
"""Pairs of one request, which the ranking head reads one by one."""


def answer_file(
    target: str | None,
    out: str | None,
    output: str,
    header: Row,
    steps: int | None,
    ask: Callable[[Recommender], Iterable[list[Row]]],
) -> None:
    """Asks many questions, of a server or of the pushed model, and writes the answers.

    Args:
        target: see `answering`.
        out: see `answering`.
        output: the file to write.
        header: its columns.
        steps: how many chunks of rows `ask` yields; None where that isn't known.
        ask: asks a model.
    """
    from rich.console import Console
    from rich.progress import track

    check_writable(output)  # Known before the model's slow load.
    console = Console(file=sys.stderr)
    with answering(target, out, batch=True) as model:
        chunks = track(
            ask(model),
            "asking",
            total=steps,
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        count = write_csv(output, header, chunks)
    click.echo(f"wrote {count} rows to {output}", err=True)


def steps(values: int) -> int:
    """The number of requests for so many queries or users."""
    return -(-values // ROWS_AT_ONCE)


def search_rows(recommender: Recommender, queries: Sequence[str], k: int) -> Iterator[list[Row]]:
    """For each chunk of queries, the rows `query,rank,item_id,score`."""
    for chunk in _chunks(queries, ROWS_AT_ONCE):
        yield _ranked(chunk, recommender.search_batch(chunk, k=k))


def recommend_rows(
    recommender: Recommender, user_ids: Sequence[str], k: int, exclude_seen: bool, domain: str = ""
) -> Iterator[list[Row]]:
    """For each chunk of users, the rows `user_id,rank,item_id,score`."""
    for chunk in _chunks(user_ids, ROWS_AT_ONCE):
        yield _ranked(
            chunk, recommender.recommend_batch(chunk, exclude_seen=exclude_seen, k=k, domain=domain)
        )


def rank_scores(recommender: Recommender, pairs: Sequence[Pair]) -> Iterator[dict[int, float]]:
    """For each request's pairs, their scores by the pair's place in `pairs`.

    Pairs of one query and user go together, and requests hold groups of about one size: the model pads
    them to the longest.
    """
    places: dict[tuple[str, str], list[int]] = {}
    for place, pair in enumerate(pairs):
        places.setdefault((pair.query, pair.user_id), []).append(place)
    groups = [(key, piece) for key, found in places.items() for piece in _chunks(found, PAIRS_AT_ONCE)]
    groups.sort(key=lambda group: len(group[1]))
    for request in _requests(groups):
        answers = recommender.rank_batch(
            [query for (query, _), _ in request],
            [user for (_, user), _ in request],
            [[pairs[place].item_id for place in piece] for _, piece in request],
        )
        yield {
            place: scored.score
            for (_, piece), answer in zip(request, answers, strict=True)
            for place, scored in zip(piece, answer, strict=True)
        }


_Group = tuple[tuple[str, str], list[int]]


def _requests(groups: Iterable[_Group]) -> Iterator[list[_Group]]:
    """Groups, ascending by size, cut where a request would hold more than PAIRS_AT_ONCE when padded."""
    request: list[_Group] = []
    for group in groups:
        if request and (len(request) + 1) * len(group[1]) > PAIRS_AT_ONCE:
            yield request
            request = []
        request.append(group)
    if request:
        yield request


def rank_rows(pairs: Sequence[Pair], scores: dict[int, float]) -> list[Row]:
    """The rows `query,item_id,score`, in the order of the pairs."""
    return [
        (write_cell(pair.query), write_cell(pair.item_id), _number(scores[place]))
        for place, pair in enumerate(pairs)
    ]


def _chunks(values: Sequence, size: int) -> Iterator[list]:
    iterator = iter(values)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


def _ranked(keys: Sequence[str], answers: Iterable[Iterable[ScoredItem]]) -> list[Row]:
    return [
        (write_cell(key), str(place), write_cell(scored.item_id), _number(scored.score))
        for key, answer in zip(keys, answers, strict=True)
        for place, scored in enumerate(answer, start=1)
    ]


def _number(score: float) -> str:
    """Nine digits hold a float32 exactly."""
    return f"{score:.9g}"
