"""What is looked up by its hash is known if, and only if, it is among what is known."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.anomaly_gate.findings.references import Known

TEXTS = st.lists(st.one_of(st.none(), st.text("aé花 ", max_size=3)), max_size=12)


def _few(texts: pl.Series, seed: int) -> pl.Series:
    """A hash of 7 bits: many texts share theirs, but under some seed the known ones do not."""
    return texts.hash(seed) % 128


@pytest.mark.parametrize("hashed", [pl.Series.hash, _few])
@settings(max_examples=150, deadline=None)
@given(known=TEXTS, asked=TEXTS)
def test_texts_are_known_as_a_set_knows_them(
    hashed: object, known: list[str | None], asked: list[str | None]
) -> None:
    held = Known(pl.Series("k", known, pl.String), hashed).hold(pl.Series("a", asked, pl.String))  # type: ignore[arg-type]
    assert held.to_list() == [text is not None and text in {*known} for text in asked]


def test_known_texts_are_hashed_once_however_often_others_are_looked_up() -> None:
    hashed: list[int] = []

    def counting(texts: pl.Series, seed: int) -> pl.Series:
        hashed.append(len(texts))
        return texts.hash(seed)

    known = Known(pl.Series([str(number) for number in range(1_000)]), counting)
    assert known.hold(pl.Series([str(number) for number in range(999, 2_999)])).sum() == 1
    assert not hashed, "more than is known"
    pieces = [known.hold(pl.Series([str(number), "x", None])).to_list() for number in (0, 999, 1_000)]
    assert pieces == [[True, False, False], [True, False, False], [False, False, False]]
    assert hashed == [1_000, 3, 3, 3]
