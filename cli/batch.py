"""Answers for a whole file of queries, users or pairs."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence

from aisle.schema.csv_cells import read_cell, write_cell
from aisle.schema.errors import InputError
from aisle.schema.whole_files import whole_file
from aisle.serving.client.answers import ScoredItem
from aisle.serving.client.recommender import Recommender

ROWS_AT_ONCE = 64
"""Queries or users of one request."""
PAIRS_AT_ONCE = 256
"""Pairs of one request, which the ranking head reads one by one."""

Row = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Pair:
    """An item to score for a query, and perhaps a user."""

    query: str
    item_id: str
    user_id: str = ""


def read_values(path: str | pathlib.Path, column: str) -> list[str]:
    """The queries or users of a file.

    Args:
        path: `*.csv` with a header that has `column`; any other file is one value a line, and its empty
            lines are passed over.
        column: "query" or "user_id".

    Raises:
        InputError: the file can't be read, or holds no value.
    """
    if pathlib.Path(path).suffix.lower() == ".csv":
        values = [row[0] for row in _read_csv(path, (column,))]
    else:
        values = [line.rstrip("\r") for line in _read_text(path).split("\n") if line.strip()]
    if not values:
        raise InputError(f"{path} is empty; expected one {column} a line, or a .csv with a column {column!r}")
    return values


def read_pairs(path: str | pathlib.Path) -> list[Pair]:
    """The pairs of a CSV file with the columns `query`, `item_id` and perhaps `user_id`.

    Raises:
        InputError: the file can't be read, or holds no pair.
    """
    pairs = [Pair(*row) for row in _read_csv(path, ("query", "item_id"), ("user_id",))]
    if not pairs:
        raise InputError(f"{path} holds no pairs; expected rows below the header query,item_id")
    return pairs


def _read_text(path: str | pathlib.Path) -> str:
    try:
        # As bytes first: text mode would turn every line end into "\n".
        return pathlib.Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from None


def _read_csv(path: str | pathlib.Path, required: Row, optional: Row = ()) -> list[Row]:
    """The cells of the named columns, row by row; an optional column that is absent is ""."""
    # Not splitlines: a cell may hold characters that it would break a line at.
    rows = csv.reader(io.StringIO(_read_text(path), newline=""), strict=True)
    try:
        header = next(rows, [])
        missing = [name for name in required if name not in header]
        if missing:
            raise InputError(f"{path} has no column {missing[0]!r}; its header is {','.join(header)[:200]!r}")
        places = [header.index(name) if name in header else None for name in (*required, *optional)]
        found = []
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise InputError(f"{path}, line {rows.line_num}: {len(row)} cells; expected {len(header)}")
            found.append(tuple("" if place is None else read_cell(row[place]) for place in places))
    except csv.Error as error:
        raise InputError(f"{path}, line {rows.line_num}: {error}") from None
    return found


def search_rows(recommender: Recommender, queries: Sequence[str], k: int) -> Iterator[list[Row]]:
    """For each chunk of queries, the rows `query,rank,item_id,score`."""
    for chunk in _chunks(queries, ROWS_AT_ONCE):
        yield _ranked(chunk, recommender.search_batch(chunk, k=k))


def recommend_rows(
    recommender: Recommender, user_ids: Sequence[str], k: int, exclude_seen: bool
) -> Iterator[list[Row]]:
    """For each chunk of users, the rows `user_id,rank,item_id,score`."""
    for chunk in _chunks(user_ids, ROWS_AT_ONCE):
        yield _ranked(chunk, recommender.recommend_batch(chunk, exclude_seen=exclude_seen, k=k))


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


def write_csv(path: str | pathlib.Path, header: Row, chunks: Iterable[Sequence[Row]]) -> int:
    """Writes the rows, and the file's name only when all are there; returns their number.

    Raises:
        InputError: the file can't be written.
    """
    path = check_writable(path)
    count = 0
    try:
        with whole_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            for chunk in chunks:
                writer.writerows(chunk)
                count += len(chunk)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}") from None
    return count


def check_writable(path: str | pathlib.Path) -> pathlib.Path:
    """The path, if a file can be made there (its folder is, if need be): known before the model's slow load.

    Raises:
        InputError: it is a folder, or its folder can't be made or may not be written to.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected a file's name for --output")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}: {path.parent}") from error
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{path} can't be written: its folder is not writable")
    return path


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
