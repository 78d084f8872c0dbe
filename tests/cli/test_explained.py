"""The table that says why."""

from __future__ import annotations

import pytest

from aisle.cli.ask.explained import STRONGEST, print_explained_table, reasons
from aisle.serving import Explanation, FoundBy, Part, ScoredItem, WordMatch


def explanation(parts: dict[str, float], words: tuple[WordMatch, ...] = ()) -> Explanation:
    named = tuple(Part(name, adds) for name, adds in parts.items())
    return Explanation("i1", sum(parts.values()), named, words, (FoundBy("dense", 3), FoundBy("lexical", 12)))


def test_words_stand_for_their_parts_and_the_strongest_come_first() -> None:
    words = (WordMatch("mini", "mini", 0.9), WordMatch("fridge", "refrigerator", 1.2))
    why = explanation({"whole": 0.5, "words": 1.0, "weakest": 1.1, "dense": -0.8}, words)
    assert reasons(why) == (
        "+1.80 = fridge ~ refrigerator +1.20, mini ~ mini +0.90, dense -0.80, whole +0.50; "
        "found by dense #3, lexical #12"
    )


def test_what_is_not_shown_is_summed_up() -> None:
    why = explanation({f"feature.f{number}": float(number) for number in range(STRONGEST + 3)})
    assert "others +3.00" in reasons(why)
    assert reasons(why).startswith("+36.00 = feature.f8 +8.00, ")


def test_an_item_that_no_source_gave_says_so() -> None:
    why = Explanation("i1", 0.0, (Part("source.dense", 0.0),), (), ())
    assert reasons(why) == "+0.00 = source.dense +0.00; found by no source"


def test_nothing_a_terminal_obeys_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    words = (WordMatch("\x1b[31m[bold]x", "", 1.0),)
    why = explanation({"words": 1.0}, words)
    print_explained_table([ScoredItem("i1", 0.9)], [why], {"i1": "red\x07\nmug"})
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\x07" not in printed
    assert "[bold]x" in printed
