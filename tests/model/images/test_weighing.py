"""How much pictures count in what is similar: by what the visitors of the validation window took together."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.model.images import weighing
from aisle.model.images.weighing import WEIGHTS, taken_together, weigh

IDS = ["a", "b", "c", "d"]


def _events(*rows: tuple[str | None, str | None, str, int, str]) -> pl.DataFrame:
    names = ("user_id", "session_id", "item_id", "timestamp", "split")
    return pl.DataFrame([dict(zip(names, row, strict=True)) for row in rows])


def test_what_a_visitor_took_in_the_validation_window_goes_together() -> None:
    events = _events(
        ("ann", "s1", "c", 3, "eval"),
        ("ann", "s2", "a", 1, "eval"),
        ("ann", "s2", "c", 2, "eval"),
        ("ann", "s2", "unknown", 2, "eval"),
        ("ann", "s2", "b", 1, "train"),
        ("bob", "s3", "b", 1, "eval"),
        ("", "ann", "d", 1, "eval"),
        (None, "ann", "b", 2, "eval"),
        (None, None, "a", 1, "eval"),
        ("", "", "b", 1, "eval"),
    )
    # A session called as a user is another visitor; who took one item, and who is nobody, says nothing.
    assert [one.tolist() for one in taken_together(events, IDS)] == [[0, 2], [3, 1]]


def test_of_many_visitors_and_items_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weighing, "MOST_VISITORS", 5)
    rows = [(f"u{user}", "", item, 1, "eval") for user in range(20) for item in IDS]
    drawn = taken_together(_events(*rows), IDS)
    assert [one.tolist() for one in drawn] == [[0, 1, 2]] * 5


def _pairs(count: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Visitors who each take two items that look the same and like no others, and the pictures."""
    looks = np.repeat(np.eye(count, dtype=np.float32), 2, axis=0)
    return [np.array([2 * pair, 2 * pair + 1]) for pair in range(count)], looks


def test_pictures_that_tell_what_goes_together_count() -> None:
    together, looks = _pairs(30)
    towers = np.random.default_rng(1).normal(size=(60, 16)).astype(np.float32)
    found = weigh(together, [towers], looks)
    assert found.weight > 0 and found.low > 0 and found.visitors == 30
    assert found.recalls[2.0] == 1.0 > found.recalls[0.0]
    assert found.gain == pytest.approx(max(found.recalls.values()) - found.recalls[0.0])


def test_pictures_that_say_nothing_more_do_not_count() -> None:
    together, looks = _pairs(30)
    assert weigh(together, [7 * looks], looks).weight == 0  # Towers know it all.
    noise = np.random.default_rng(2).normal(size=looks.shape).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    assert weigh(together, [looks], noise).weight == 0
    assert weigh([], [looks], looks).figures() == {
        **{"weight": 0.0, "gain": 0.0, "low": 0.0, "visitors": 0},
        "recalls": [],
    }


@given(st.integers(0, 2**32 - 1))
def test_recall_is_what_sorting_the_whole_catalogue_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sides = [rng.normal(size=(40, 3)).astype(np.float32) for _ in range(2)]
    looks = rng.normal(size=(40, 4)).astype(np.float32)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    together = [rng.permutation(40)[: rng.integers(2, 4)] for _ in range(5)]
    found = weigh(together, sides, looks)
    unit = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides]
    for weight in (0.0, *WEIGHTS):
        visitors = []
        for taken in together:
            shares = []
            for item in taken:
                scores = sum(side @ side[item] for side in unit) + weight * (looks @ looks[item])
                best = [row for row in np.argsort(-scores, kind="stable") if row != item][:10]
                shares.append(np.isin([one for one in taken if one != item], best).mean())
            visitors.append(np.mean(shares))
        assert found.recalls[weight] == pytest.approx(np.mean(visitors), abs=1e-6)
