"""Novelty, popularity bias and fairness of exposure, by hand and against plain Python."""

from __future__ import annotations

import collections
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial.distance import cityblock

from aisle.components.evaluator.baselines.recommenders import Train
from aisle.components.evaluator.measures.exposure import (
    NOT_STATED,
    OTHERS,
    exposure,
    exposure_tables,
    group_shares,
    groupings,
    total_variation,
)
from aisle.components.evaluator.measures.popularity_bias import (
    GROUPS,
    novelty,
    popularity_groups,
    recommended_popularity,
)
from aisle.components.evaluator.measures.protocol import Protocol

ITEMS = 6
ANSWERS = st.lists(st.lists(st.integers(-1, ITEMS - 1), min_size=4, max_size=4), min_size=1, max_size=5).map(
    np.array
)
COUNTS = st.lists(st.integers(0, 9), min_size=ITEMS, max_size=ITEMS).map(np.array)


def protocol(counts: list[int], truth: list[list[int]]) -> Protocol:
    """Items i0, i1, … taken so often before by one user, and what the tested users took."""
    items = np.repeat(np.arange(len(counts)), counts)
    train = Train(np.zeros(len(items), np.int64), items, np.zeros(len(items), np.int64), 1, len(counts), 1)
    matrix = sparse.csr_matrix(np.array(truth, float))
    ids = pa.array([f"i{n}" for n in range(len(counts))])
    nobody = sparse.csr_matrix((0, len(counts)))
    users = pa.array(["u"] * len(truth))
    return Protocol(
        ids, users, np.zeros(len(truth), np.int64), matrix, matrix, train, matrix, ids[:0], nobody
    )


def test_an_answer_of_n_bits_is_an_item_that_one_user_in_two_to_the_n_took() -> None:
    takers = np.array([8, 1, 2, 0])
    # 0 bits and 3 bits; 2 bits twice given counts once; what nobody took is as rare as what one took.
    found = novelty(np.array([[0, 1], [2, 2], [3, -1], [-1, -1]]), takers, 8)
    assert found[:3].tolist() == [1.5, 2.0, 3.0]
    assert math.isnan(found[3])


def test_recommended_popularity_is_the_mean_number_of_events() -> None:
    found = recommended_popularity(np.array([[0, 2], [1, -1]]), np.array([10, 4, 2]))
    assert found.tolist() == [6.0, 4.0]


def test_the_head_makes_half_of_the_events_and_mid_up_to_four_fifths() -> None:
    # Of 100: 40 and 20 (the item that crosses one half is head), 20 from 60, 12 from 80, 8, and nothing.
    groups = popularity_groups(np.array([8, 40, 20, 20, 12, 0]))
    assert [GROUPS[group] for group in groups] == ["tail", "head", "head", "mid", "tail", "tail"]
    assert popularity_groups(np.zeros(3, np.int64)).tolist() == [2, 2, 2]


def test_exposure_is_discounted_by_rank() -> None:
    found = exposure(np.array([[0, 1, 2], [1, 1, -1]]), 4)
    # An item given twice in an answer counts at its better place.
    assert found.tolist() == pytest.approx([1.0, 1 / math.log2(3) + 1.0, 0.5, 0.0])


def test_total_variation_is_the_share_that_would_have_to_move() -> None:
    assert total_variation(np.array([0.5, 0.5, 0.0]), np.array([0.2, 0.5, 0.3])) == pytest.approx(0.3)
    assert total_variation(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1.0


@given(ANSWERS, COUNTS)
def test_the_means_agree_with_plain_python(answers: np.ndarray, counts: np.ndarray) -> None:
    users = 9

    def plain(row: list[int], value: dict[int, float]) -> float:
        given = {item for item in row if item >= 0}
        return sum(value[item] for item in given) / len(given) if given else math.nan

    bits = {item: math.log2(users / max(count, 1)) for item, count in enumerate(counts)}
    rows = answers.tolist()
    np.testing.assert_allclose(novelty(answers, counts, users), [plain(row, bits) for row in rows])
    numbers = dict(enumerate(counts.astype(float)))
    expected = [plain(row, numbers) for row in rows]
    np.testing.assert_allclose(recommended_popularity(answers, counts), expected)


@given(ANSWERS)
def test_exposure_agrees_with_plain_python(answers: np.ndarray) -> None:
    expected: dict[int, float] = collections.defaultdict(float)
    for row in answers.tolist():
        for place, item in enumerate(row):
            if item >= 0 and item not in row[:place]:
                expected[item] += 1 / math.log2(place + 2)
    np.testing.assert_allclose(exposure(answers, ITEMS), [expected[item] for item in range(ITEMS)])


@given(COUNTS)
def test_the_groups_are_an_order_by_popularity_and_the_head_makes_half(counts: np.ndarray) -> None:
    groups = popularity_groups(counts)
    for group in (0, 1):
        least = counts[groups == group].min(initial=99)
        assert (counts[groups > group] <= least).all()
    if counts.sum():
        assert 2 * counts[groups == 0].sum() >= counts.sum()
        # Without its least popular item, the head would make less than half.
        assert 2 * (counts[groups == 0].sum() - counts[groups == 0].min()) < counts.sum()


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=8))
def test_total_variation_is_a_bounded_distance(pairs: list[tuple[int, int]]) -> None:
    one, other = (np.array(values, float) for values in zip(*pairs, strict=True))
    if not one.sum() or not other.sum():
        return
    one, other = one / one.sum(), other / other.sum()
    distance = total_variation(one, other)
    assert 0.0 <= distance <= 1.0 + 1e-12
    assert distance == total_variation(other, one)
    # The most that the probability of any set of groups differs (Levin and Peres, proposition 4.2).
    assert distance == pytest.approx(np.maximum(one - other, 0).sum())
    assert distance == pytest.approx(cityblock(one, other) / 2)


def test_shares_of_nothing_are_none() -> None:
    assert group_shares(np.zeros(2), np.array([0, 1]), 2) is None


def test_categories_are_of_the_top_level_and_what_is_not_stated_is_a_group() -> None:
    items = pa.table(
        {
            "item_id": ["i1", "i0", "i2"],
            "category": ["home/mugs", "home / lamps", None],
            "brand": ["", None, ""],
        }
    )
    found = {one.by: one for one in groupings(protocol([1, 1, 1], [[1, 0, 0]]), items)}
    assert set(found) == {"popularity", "category"}
    assert found["category"].names == [NOT_STATED, "home"]
    assert found["category"].groups.tolist() == [1, 1, 0]


def test_a_table_holds_exposure_against_what_was_taken() -> None:
    items = pa.table({"item_id": ["i0", "i1", "i2", "i3"], "brand": ["a", "a", "b", "b"]})
    answers = {
        "model": np.array([[0, 1], [0, 1]]),
        "fair": np.array([[0, 2], [2, 0]]),
        "none": np.full((2, 2), -1),
    }
    test = protocol([5, 1, 1, 1], [[1, 0, 1, 0], [1, 0, 0, 1]])
    tables = {table["by"]: table for table in exposure_tables(test, answers, items)}
    brand = tables["brand"]
    assert [group["name"] for group in brand["groups"]] == ["a", "b"]
    assert brand["groups"][0]["taken"] == brand["groups"][0]["catalogue"] == 0.5
    assert brand["groups"][0]["exposure"] == {"model": 1.0, "fair": pytest.approx(0.5), "none": None}
    assert brand["distance"] == {"model": 0.5, "fair": pytest.approx(0.0), "none": None}
    head = tables["popularity"]["groups"][0]
    assert (head["name"], head["catalogue"], head["taken"]) == ("head", 0.25, 0.5)
    assert head["exposure"]["model"] == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_many_groups_are_shown_as_the_most_taken_and_the_rest() -> None:
    names = [f"brand {n:02}" for n in range(13)]
    items = pa.table({"item_id": [f"i{n}" for n in range(13)], "brand": names})
    test = protocol([1] * 13, [[0] * 12 + [1]])
    groups = exposure_tables(test, {"model": np.array([[0]])}, items)[1]["groups"]
    assert [group["name"] for group in groups][::10] == ["brand 12", OTHERS]
    assert sum(group["catalogue"] for group in groups) == pytest.approx(1.0)
    assert sum(group["exposure"]["model"] for group in groups) == pytest.approx(1.0)
