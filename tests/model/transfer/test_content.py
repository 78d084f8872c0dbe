"""What sells by what it is, learnt in one shop and foretold for the items of another."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from aisle.model.gain import LEAST
from aisle.model.transfer.content import Shelf, foretold, learn, lent

WIDTH = 6


def shelf(items: int, seed: int) -> Shelf:
    random = np.random.default_rng(seed)
    texts = random.normal(0.0, 1.0, (items, WIDTH))
    return Shelf(texts, random.lognormal(2.0, 1.0, items), "words")


def taken(one: Shelf, noise: float = 0.0) -> np.ndarray:
    """The first number of a text and a middling price sell."""
    _, square, _ = one.priced().T
    place = np.sqrt(square)
    logs = 2.0 + 0.8 * one.texts[:, 0] - 3.0 * (place - 0.5) ** 2
    return np.expm1(np.maximum(logs + np.random.default_rng(9).normal(0.0, noise, len(logs)), 0.1))


def test_what_sells_there_is_foretold_here_whatever_the_currency() -> None:
    big, small = shelf(400, 1), shelf(120, 2)
    content = learn(big, taken(big, 0.3))
    assert content is not None
    dear = dataclasses.replace(small, prices=small.prices * 150.0)
    worth = foretold(content, small)
    assert worth.mean() == pytest.approx(1.0)
    assert np.corrcoef(np.log(worth), np.log1p(taken(small)))[0, 1] > 0.95
    np.testing.assert_allclose(foretold(content, dear), worth)


def test_what_foretells_better_is_lent_and_what_misleads_is_not() -> None:
    big, small = shelf(400, 1), shelf(120, 2)
    chances = taken(small) / taken(small).sum()
    later = np.random.default_rng(3).choice(len(chances), (300, 3), p=chances)
    pairs = np.unique(np.stack([np.repeat(np.arange(300), 3), later.ravel()], 1), axis=0).T
    nothing = np.zeros(len(chances))
    given, gain = lent(learn(big, taken(big)), small, nothing, (pairs[0], pairs[1]))
    assert gain.on and gain.low > 0 and gain.questions == 300
    assert given is not None and np.argmax(given) == np.argmax(taken(small))
    # In this shop what sells is known already, and the other one sells the contrary.
    wrong = learn(big, taken(dataclasses.replace(big, texts=-big.texts)))
    given, gain = lent(wrong, small, 100.0 * chances, (pairs[0], pairs[1]))
    assert given is None and not gain.on


def test_a_shop_without_events_takes_it_unasked() -> None:
    big, small = shelf(400, 1), shelf(120, 2)
    nobody = np.zeros(0, np.int64)
    given, gain = lent(learn(big, taken(big)), small, np.zeros(120), (nobody, nobody))
    assert given is not None and given.mean() == pytest.approx(1.0)
    assert gain.on and gain.why


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"encoder": "pieces"}, "another vocabulary"),
        ({"texts": np.zeros((120, WIDTH + 1))}, f"vectors of {WIDTH} numbers, this one's of {WIDTH + 1}"),
    ],
)
def test_texts_that_another_encoder_read_say_nothing(other: dict[str, object], said: str) -> None:
    big, small = shelf(400, 1), dataclasses.replace(shelf(120, 2), **other)  # type: ignore[arg-type]
    some = np.arange(120)
    given, gain = lent(learn(big, taken(big)), small, np.zeros(120), (some, some))
    assert given is None and not gain.on and said in gain.why


def test_a_shop_that_sold_little_teaches_nothing() -> None:
    big = shelf(400, 1)
    assert learn(big, np.where(np.arange(400) < LEAST - 1, 1.0, 0.0)) is None
    given, gain = lent(None, big, np.ones(400), (np.arange(400), np.arange(400)))
    assert given is None and "too few items" in gain.why
