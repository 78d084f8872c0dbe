"""Two rankings in one answer: fair, the same again, and telling which of them users prefer."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aisle.experiments.interleaving import team_draft
from aisle.experiments.statistics.preference import preference
from aisle.schema.errors import InputError

rankings = st.lists(st.integers(0, 15), max_size=12, unique=True)
SEEDS = [f"search {number}" for number in range(2_000)]


@given(rankings, rankings, st.integers(0, 14), st.text(max_size=5))
def test_all_items_come_once_each_team_its_best_first_and_as_many_as_there_are(
    one: list[int], other: list[int], k: int, seed: str
) -> None:
    mixed = team_draft(one, other, k, seed)
    assert len(mixed.items) == len(mixed.teams) == min(k, len({*one, *other}))
    assert len(set(mixed.items)) == len(mixed.items)
    for team, ranking in enumerate((one, other)):
        chosen = [item for item, whose in zip(mixed.items, mixed.teams, strict=True) if whose == team]
        assert chosen == [item for item in ranking if item in chosen]
    # Both teams choose once a round, so that neither is ahead by more than the round that k cuts.
    assert abs(mixed.teams.count(0) - mixed.teams.count(1)) <= 1
    assert mixed == team_draft(one, other, k, seed)


@given(rankings, st.integers(0, 14))
def test_a_ranking_against_itself_is_itself_and_credits_nobody(ranking: list[int], k: int) -> None:
    mixed = team_draft(ranking, ranking, k, "s")
    assert mixed.items == tuple(ranking[:k])
    assert mixed.credit(ranking) == (0, 0)


def test_items_that_only_one_ranking_has_left_credit_nobody() -> None:
    mixed = team_draft(["a"], ["b", "c", "d"], 4, "s")
    assert set(mixed.items[:2]) == {"a", "b"}
    assert (mixed.items[2:], mixed.teams[2:]) == (("c", "d"), (None, None))


def test_a_common_head_stays_and_credits_nobody() -> None:
    mixed = team_draft(["a", "b", "c"], ["a", "c", "b"], 3, "s")
    assert (mixed.items[0], mixed.teams[0]) == ("a", None)
    assert sorted(mixed.teams[1:]) == [0, 1]  # type: ignore[type-var]
    assert mixed.credit(["a", "b", "b", "elsewhere"]) == (1, 0)
    assert mixed.credit(["c"]) == (0, 1)


def test_either_team_is_first_as_often() -> None:
    first = sum(team_draft("ab", "ba", 2, seed).teams[0] == 0 for seed in SEEDS)
    assert stats.binomtest(first, len(SEEDS)).pvalue > 0.001


def _credits(better: float, users: int = 1_500) -> np.ndarray:
    """Of users who look down the list for something they like: `better` items of the treatment's first half are of that kind."""
    random = np.random.default_rng(7)
    found = []
    for user in range(users):
        liked = random.random(40) < 0.15
        noise = random.random((2, 40))
        scores = noise + np.outer([0.0, better], liked)
        mixed = team_draft(np.argsort(-scores[0]).tolist(), np.argsort(-scores[1]).tolist(), 10, f"u{user}")
        seen = [item for place, item in enumerate(mixed.items) if random.random() < 1 / (1 + place)]
        found.append(mixed.credit(item for item in seen if liked[item]))
    return np.array(found)


def test_two_rankings_as_good_as_each_other_are_a_tie_whoever_is_named_first() -> None:
    found = preference(_credits(0.0))
    assert found.p_value > 0.01
    assert abs(found.lead.statistic) < 2.6


def test_the_better_ranking_leads() -> None:
    found = preference(_credits(0.3))
    assert found.p_value < 0.001
    assert found.lead.interval()[0] > 0
    assert sum(found.wins) + found.ties == 1_500


def test_a_preference_is_by_hand() -> None:
    found = preference([[1, 0], [0, 2], [1, 1], [0, 1], [0, 3]])
    assert (found.wins, found.ties) == ((1, 3), 1)
    assert found.lead.value == pytest.approx((3 + 0.5) / 5 - 0.5)
    assert found.p_value == pytest.approx(stats.binomtest(3, 4).pvalue)
    assert preference([[0, 0], [1, 1]]).p_value == 1


@pytest.mark.parametrize(
    "wrong", [[], [[1, 0]], [[1, 0, 2], [0, 1, 2]], [[-1, 0], [0, 1]], [[np.nan, 0], [0, 1]]]
)
def test_credits_that_are_none_are_refused(wrong: list[list[float]]) -> None:
    with pytest.raises(InputError, match="counts of both teams"):
        preference(wrong)


def test_interleaving_imports_neither_scipy_nor_numpy() -> None:
    code = (
        "import sys, aisle.experiments.interleaving\n"
        "sys.exit(','.join({'scipy', 'pandas', 'numpy'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
