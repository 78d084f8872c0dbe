"""Parts of the test: who is in which, what counts as right there, and when there are too few."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from aisle.components.evaluator.measures.protocol import Protocol, make_protocol, recent_histories
from aisle.components.evaluator.measures.slices import measure_slices
from aisle.components.evaluator.measures.systems import POPULARITY, ask_systems
from aisle.components.evaluator.options import EvaluatorOptions
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY

CUT = 100 * DAY
ITEMS = ["old", "late", "never", "other"]
BEFORE = [
    *(("heavy", "old", day) for day in (10, 20, 30, 40)),
    *(("light", "old", day) for day in (50,)),
    *(("single", "other", day) for day in (60,)),
    ("", "late", 80),
]
AFTER = [
    *(("heavy", item, 101) for item in ("old", "late")),
    *(("light", item, 101) for item in ("late", "never")),
    ("single", "other", 101),
    *(("newcomer", item, 102) for item in ("old", "never")),
    ("only the unheard of", "never", 102),
]
USERS = pa.table({"user_id": ["single", "heavy", "light"], "country": ["fr", "de", None]})
OPTIONS = EvaluatorOptions(k=2, resamples=20, slice_users=1)


def _interactions() -> pa.Table:
    users, items, days = zip(*(BEFORE + AFTER), strict=True)
    columns: dict[str, Any] = {"user_id": users, "item_id": items, "timestamp": [day * DAY for day in days]}
    return pa.table({**columns, "event": ["purchase"] * len(users)})


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    splits = {"test_start": CUT, "goal": "purchase"}
    return make_protocol(pa.table({"item_id": ITEMS}), _interactions(), splits)


def _recommend(users: list[str], exclude_seen: bool, k: int) -> pa.Array:
    """Answers everybody the two items that are new."""
    return pa.array(["late", "never"] * len(users))


def _slices(protocol: Protocol, options: EvaluatorOptions = OPTIONS) -> dict[tuple[str, str], dict[str, Any]]:
    asked = ask_systems(protocol, _recommend, _recommend, options)
    answers = {one.name: one.all for one in asked}
    found = measure_slices(protocol, answers, _recommend, USERS, options)
    return {(one["kind"], one["name"]): one for one in found}


def test_what_nobody_took_before_and_who_took_nothing_stand_apart(protocol: Protocol) -> None:
    assert protocol.user_ids.to_pylist() == ["heavy", "light", "single"]
    assert protocol.truth.sum(axis=1).ravel().tolist() == [[2, 1, 1]]
    never = ITEMS.index("never")
    assert protocol.unheard.toarray()[:, never].tolist() == [0, 1, 0]
    assert protocol.unheard.sum() == 1
    # Whoever took only what nobody had taken can't be answered by anyone.
    assert protocol.newcomer_ids.to_pylist() == ["newcomer"]
    assert protocol.newcomer_truth.toarray().tolist() == [[1, 0, 0, 0]]


def test_heavy_and_light_users_are_parted_at_the_median(protocol: Protocol) -> None:
    slices = _slices(protocol)
    heavy, light = slices["activity", "heavy users"], slices["activity", "light users"]
    assert (heavy["users"], light["users"]) == (1, 2)
    assert heavy["rule"] == "events before the test: more than 1, the users' median"
    # Of old and late, late came first: 1 of the 1 + 1/log2(3) that two could give.
    assert heavy["ndcg"] == pytest.approx(1 / (1 + 1 / np.log2(3)))
    assert light["recall"] == 0.5


def test_new_items_are_first_taken_within_28_days_and_never_taken_ones_stand_apart(
    protocol: Protocol,
) -> None:
    slices = _slices(protocol)
    assert slices["items", "new items"]["users"] == 2
    assert slices["items", "new items"]["ndcg"] == 1.0
    never = slices["items", "items never taken before"]
    assert (never["users"], never["recall"]) == (1, 1.0)
    # No baseline answers them.
    assert never["baseline"]["recall"] == 0.0
    assert never["gain"]["ndcg"] == never["ndcg"]


def test_newcomers_are_asked_and_held_against_popularity(protocol: Protocol) -> None:
    asked: list[list[str]] = []

    def recommend(users: list[str], exclude_seen: bool, k: int) -> pa.Array:
        asked.append(users)
        return pa.array(["old", ""] * len(users))

    answers = {one.name: one.all for one in ask_systems(protocol, _recommend, _recommend, OPTIONS)}
    found = measure_slices(protocol, answers, recommend, None, OPTIONS)
    assert asked == [["newcomer"]]
    assert "country" not in {one["kind"] for one in found}
    (newcomers,) = (one for one in found if one["kind"] == "newcomers")
    assert (newcomers["users"], newcomers["recall"]) == (1, 1.0)
    assert newcomers["baseline"]["name"] == POPULARITY


def test_countries_hold_their_users_and_no_country_is_none(protocol: Protocol) -> None:
    countries = [name for kind, name in _slices(protocol) if kind == "country"]
    assert countries == ["de", "fr"]


def test_the_rarer_countries_are_one(protocol: Protocol, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aisle.components.evaluator.measures.slices._COUNTRIES", 1)
    countries = [name for kind, name in _slices(protocol) if kind == "country"]
    assert countries == ["de", "other countries"]


def test_too_few_users_have_no_figures(protocol: Protocol) -> None:
    slices = _slices(protocol, EvaluatorOptions(k=2, resamples=20, slice_users=2))
    few = slices["activity", "heavy users"]
    assert few["users"] == 1
    assert (few["recall"], few["ndcg"], few["baseline"], few["gain"]) == (None,) * 4
    assert slices["activity", "light users"]["ndcg"] is not None


def test_the_best_baseline_of_the_slice_is_the_one_compared_with(protocol: Protocol) -> None:
    slices = _slices(protocol)
    heavy = slices["activity", "heavy users"]
    assert heavy["baseline"]["ndcg"] == pytest.approx(1.0)  # Own history: old, and late as the most popular.
    assert heavy["gain"]["ndcg"] == pytest.approx(heavy["ndcg"] - 1.0)


def test_histories_hold_the_latest_before_the_test_oldest_first(protocol: Protocol) -> None:
    shuffled = _interactions().take(pa.array(np.random.default_rng(1).permutation(len(BEFORE + AFTER))))
    assert recent_histories(shuffled, protocol, 3) == [["old"] * 3, ["old"], ["other"]]
