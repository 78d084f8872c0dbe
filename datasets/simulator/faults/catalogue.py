"""The faults that items and users of a shop in some language can have."""

from __future__ import annotations

import numpy as np

from aisle.datasets.simulator.faults.kinds import (
    MISTYPED,
    NOT_NUMBERS,
    NOT_UTF8,
    Edit,
    FaultKind,
    Row,
    append,
    bad_price,
    draw,
    in_year,
    misplaced_point,
    noisy,
    number,
    one_of,
    whole_row,
)
from aisle.datasets.simulator.vocabulary import Vocabulary

SCRIPTS = ("<script>alert(1)</script>", "<b>SALE</b> ", "<img src=x onerror=alert(1)>")


def _older(row: Row, column: str) -> None:
    """Puts a copy a year before its original, so that "the latest wins" settles a draw."""
    row[column] = in_year(int(row[column][:4]) - 1, row[column])


def _conflicting_title(notes: tuple[str, ...]) -> Edit:
    def edit(row: Row, rng: np.random.Generator) -> str:
        _older(row, "available_at")
        row["title"] = draw(notes, rng)
        return "title"

    return edit


def _former_title(former: str) -> Edit:
    def edit(row: Row, rng: np.random.Generator) -> str:
        _older(row, "available_at")
        row["title"] = former + row["title"]
        return "title"

    return edit


def _former_country(country: str) -> Edit:
    def edit(row: Row, rng: np.random.Generator) -> str:
        _older(row, "joined_at")
        row["country"] = country
        return "country"

    return edit


def _script_in_title(row: Row, rng: np.random.Generator) -> str:
    row["title"] = draw(SCRIPTS, rng) + row["title"]
    return "title"


def _future_joined(row: Row, rng: np.random.Generator) -> str:
    row["joined_at"] = in_year(2000 + int(rng.integers(70, 99)), row["joined_at"])
    return "joined_at"


def item_faults(vocabulary: Vocabulary) -> tuple[FaultKind, ...]:
    """Returns the faults of items."""
    words = vocabulary.words[0]
    return (
        FaultKind("conflicting_title", _conflicting_title(words.notes), copy=True),
        FaultKind("former_title", _former_title(words.former), copy=True),
        FaultKind("exact_duplicate", whole_row, copy=True),
        FaultKind("title_noise", noisy("title", case=False, blank=vocabulary.blank)),
        FaultKind("category_noise", noisy("category")),
        FaultKind("script_in_title", _script_in_title),
        FaultKind("missing_required", one_of("title", "")),
        FaultKind("bad_price", bad_price),
        FaultKind("nan_price", one_of("price", *NOT_NUMBERS)),
        FaultKind("outlier_price", misplaced_point),
        FaultKind("bad_stock", number("stock", -500, 0)),
        FaultKind("epoch_timestamp", one_of("available_at", "1970-01-01 00:00:00")),
        FaultKind("wrong_type", one_of("price", *MISTYPED)),
        FaultKind("ragged_row", whole_row, ragged=True),
        FaultKind("invalid_utf8", append("description", NOT_UTF8)),
    )


def user_faults(vocabulary: Vocabulary) -> tuple[FaultKind, ...]:
    """Returns the faults of users."""
    return (
        FaultKind("exact_duplicate", whole_row, copy=True),
        FaultKind("former_country", _former_country(vocabulary.former_country), copy=True),
        FaultKind("country_noise", noisy("country")),
        FaultKind("wrong_type", one_of("age", *MISTYPED)),
        FaultKind("outlier_age", number("age", 150, 1_000)),
        FaultKind("bad_age", number("age", -50, 1)),
        FaultKind("epoch_timestamp", one_of("joined_at", "1970-01-01 00:00:00")),
        FaultKind("future_timestamp", _future_joined),
        FaultKind("ragged_row", whole_row, ragged=True),
        FaultKind("invalid_utf8", append("country", NOT_UTF8)),
    )
