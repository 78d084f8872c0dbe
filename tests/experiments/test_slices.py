"""What an experiment did in slices: by hand what a slice is, and error rates among all of them."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from aisle.experiments.analysis.analyze import Analysis, analyze
from aisle.experiments.analysis.events import Events
from aisle.experiments.analysis.exposures import exposures
from aisle.experiments.analysis.measures import CTR, Declared, Measure
from aisle.experiments.analysis.reading import read_slices
from aisle.experiments.analysis.slices import Slice
from aisle.schema.errors import InputError
from tests.experiments.shop import HALVES, events_of, shop

CLICKS = Declared("clicks a user", Measure("click"), adjusted=False)


def _shown(unit: str, day: float) -> tuple[object, ...]:
    assigned = HALVES.assign(unit)
    assert assigned is not None
    return (unit, "impression", day, math.nan, "rerank", assigned.arm.name)


EVENTS = dataclasses.replace(
    events_of([_shown("a", 5), _shown("a", 4), ("a", "click", 3.0), _shown("b", 5), ("b", "click", 5.5), _shown("c", 6)]),
    columns={"device": np.array(["phone", "desk", "tv", "phone", "tv", ""])},
    other_unit=np.array(["s1", "s0", "s0", "s2", "s2", "s3"]),
)  # fmt: skip


def _values(by: str, users: dict[str, dict[str, str]] | None = None, **options: Any) -> list[str]:
    found = exposures(HALVES, EVENTS)
    assert found.units.tolist() == ["a", "b", "c"]
    values: list[str] = Slice(by, **options).values(HALVES, EVENTS, found, users or {}).tolist()
    return values


def test_a_users_slice_is_what_was_before_the_experiment_could_move_it() -> None:
    # Of the events, what stands at the first exposure; what comes later may be the experiment's doing.
    assert _values("events.device") == ["desk", "phone", "(unknown)"]
    assert _values("known") == ["known before", "new", "new"]
    assert _values("users.country", {"country": {"a": "DE", "c": "FR"}}) == ["DE", "(unknown)", "FR"]


def test_numbers_are_cut_and_rare_values_are_one_part() -> None:
    ages = {"age": {"a": "25.0", "b": "24.9", "c": "70"}}
    assert _values("users.age", ages, cuts=(25.0, 45.0)) == ["25 to below 45", "below 25", "45 and above"]
    assert Slice("users.age", (25.0,)).order(np.array(["25 and above", "(unknown)", "below 25"])) == [
        "below 25", "25 and above", "(unknown)",
    ]  # fmt: skip
    assert _values("users.age", ages, most=1) == ["(others)", "24.9", "(others)"]
    with pytest.raises(
        InputError, match=r"cuts of users.age, which isn't of numbers: .*'old'; leave them out"
    ):
        _values("users.age", {"age": {"a": "old"}}, cuts=(25.0,))
    with pytest.raises(InputError, match="there is no column 'city' of users"):
        _values("users.city", ages)


def _analysed(lift: dict[str, float], users: int = 3_000) -> Analysis:
    """Clicks of users of two countries, with a lift of the new arm in each."""
    random = np.random.default_rng(4)
    rows, country = [], {}
    for number in range(users):
        unit = f"u{number}"
        rows.append(_shown(unit, 5.0))
        country[unit] = "DE" if random.random() < 0.5 else "FR"
        factor = 1 + lift[country[unit]] * (rows[-1][5] == "new")
        rows += [(unit, "click", 6.0 + one / 9) for one in range(random.poisson(factor))]
    slices = (Slice("users.country"), Slice("known"))
    return analyze(HALVES, events_of(rows), (CLICKS,), slices=slices, users={"country": country})


def test_an_effect_in_one_slice_is_found_there_and_told_to_differ() -> None:
    found = _analysed({"DE": 0.4, "FR": 0.0})
    by_value = {part.value: part.rows[0] for part in found.parts}
    assert {value: row.found for value, row in by_value.items()} == {
        "DE": "better",
        "FR": "nothing",
        "new": "better",
    }
    p_values = [row.effect.difference.p_value for part in found.parts for row in part.rows]
    adjusted = [row.benjamini_hochberg for part in found.parts for row in part.rows]
    assert adjusted == pytest.approx(stats.false_discovery_control(p_values))
    (differs,) = found.differing
    # Two parts: Cochran's Q is the squared z of their difference.
    one, other = (by_value[name].effect.difference for name in ("DE", "FR"))
    z = (one.value - other.value) / math.hypot(one.standard_error, other.standard_error)
    assert differs.p_value == pytest.approx(2 * stats.norm.sf(abs(z)))
    assert differs.p_value < 0.001 and differs.by == "users.country"
    # What was asked of all users is judged as without slices.
    assert found.rows[0].holm == found.rows[0].effect.difference.p_value


def test_an_effect_that_is_alike_in_all_slices_is_not_told_to_differ() -> None:
    assert _analysed({"DE": 0.2, "FR": 0.2}).differing[0].p_value > 0.05


def test_a_slice_that_the_experiment_moves_is_refused() -> None:
    """A page that is loaded only in the new arm."""
    events = shop(users=400, seed=5)
    device = np.where((events.arm == "new") & (np.arange(len(events)) % 3 > 0), "app", "site")
    found = analyze(
        HALVES,
        dataclasses.replace(events, columns={"device": device}),
        (CTR,),
        slices=(Slice("events.device"),),
    )
    app = next(part for part in found.parts if part.value == "app")
    assert not app.rows
    assert "its arms don't hold who was planned" in app.refused[""]
    assert found.outcome == "no difference"


def test_a_user_column_of_an_experiment_by_sessions_is_that_of_the_sessions_user() -> None:
    by_session = dataclasses.replace(HALVES, unit="session_id")
    swapped = dataclasses.replace(EVENTS, unit=EVENTS.other_unit, other_unit=EVENTS.unit)
    arms = {unit: found.arm.name for unit in swapped.unit.tolist() if (found := by_session.assign(unit))}
    told = np.array([arms[unit] if arm else "" for unit, arm in zip(swapped.unit, swapped.arm, strict=True)])
    swapped = Events(**{**vars(swapped), "arm": told})
    found = exposures(by_session, swapped)
    held = Slice("users.country").values(by_session, swapped, found, {"country": {"a": "DE", "b": "FR"}})
    assert dict(zip(found.units.tolist(), held.tolist(), strict=True)) == {
        "s0": "DE", "s1": "DE", "s2": "FR", "s3": "(unknown)",
    }  # fmt: skip


def test_slices_are_read() -> None:
    assert read_slices([{"by": "users.age", "cuts": [25, 45]}, {"by": "known"}, {"by": "events.device", "most": 3}]) == (
        Slice("users.age", (25.0, 45.0)), Slice("known"), Slice("events.device", most=3),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([{"by": "country"}], "the slice by 'country'; expected 'known', 'users.COLUMN' or 'events.COLUMN'"),
        ([{"by": "users."}], "expected 'known'"),
        ([{}], "the slice by ''"),
        ([{"by": 3}], "the slice by 3"),
        ([{"by": "known", "cut": [1]}], "unknown key 'cut'; there are: by, cuts, most"),
        ([{"by": "users.age", "cuts": [45, 25]}], r"cuts is \[45, 25\]; expected rising numbers"),
        ([{"by": "users.age", "cuts": [math.nan]}], "expected rising numbers"),
        ([{"by": "known", "most": 0}], "most is 0"),
        ([{"by": "known"}, {"by": "known"}], "slices by known, known; expected up to 10, each of them once"),
        ([{"by": f"users.c{n}"} for n in range(11)], "expected up to 10"),
    ],
)
def test_what_is_no_slice_is_refused(values: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_slices(values)
