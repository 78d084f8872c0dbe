"""A search's explanation in words."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from aisle.gateway.pages.languages.chosen import chosen
from aisle.gateway.pages.why import reasons
from aisle.gateway.questions import Why
from aisle.serving import FoundBy, Part, WordMatch


def _why(score: float = 1.0, parts: tuple = (), words: tuple = (), found_by: tuple = ()) -> Why:
    return Why(
        item_id="mug",
        score=score,
        parts=[Part(*part) for part in parts],
        words=[WordMatch(*word) for word in words],
        found_by=[FoundBy(*found) for found in found_by],
    )


def _reasons(why: Why, accepted: str = "") -> list[str]:
    return reasons(why, chosen(accepted, ""))


def test_a_word_that_is_there_one_that_is_near_and_one_that_met_a_sign() -> None:
    words = (
        ("mini", "Mini,", 0.5),
        ("fridge", "refrigerator", 1.2),
        ("the", "g", 0.1),
        ("cool", "hot", -0.2),
    )
    assert _reasons(_why(words=words)) == [
        "It says “mini”.",
        "The model reads its “refrigerator” as near to your “fridge”.",
    ]


def test_the_strongest_parts_are_told_once_and_what_hardly_counts_is_not() -> None:
    parts = (
        ("bias", 9.0),
        ("words", 8.0),
        ("feature.popularity_7", 2.0),
        ("feature.popularity_28", 1.9),
        ("feature.ease_recent", 3.0),
        ("whole", 0.1),
        ("dense_near", -4.0),
        ("feature.something_new", 5.0),
    )
    assert _reasons(_why(parts=parts)) == ["It goes with what you took.", "It sells well."]


def test_the_sources_that_found_it_come_last() -> None:
    found = (("dense", 3), ("lexical", 12), ("unknown", 1))
    assert _reasons(_why(parts=(("whole", 1.0),), found_by=found)) == [
        "Its title as a whole means what you searched for.",
        "It was found by its meaning in place 3 and by its words in place 12, before all of this was weighed.",
    ]


def test_nothing_is_said_of_an_item_that_the_model_does_not_know() -> None:
    assert _reasons(_why(-math.inf, words=(("mug", "mug", 1.0),))) == []


def test_reasons_are_in_the_language_of_the_page() -> None:
    why = _why(
        parts=(("feature.popularity_7", 2.0),), words=(("mug", "mug", 1.0),), found_by=(("dense", 1_200),)
    )
    assert _reasons(why, "de") == [
        "Es steht „mug“ darin.",
        "Er verkauft sich gut.",
        "Nach der Bedeutung stand er auf Platz 1.200, ehe all dies gewogen wurde.",
    ]
