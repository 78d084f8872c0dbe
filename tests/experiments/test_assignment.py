"""Who gets which arm: always the same, by the shares, apart within a layer, and independent across."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aisle.experiments.assignment.experiment import Arm, Experiment
from aisle.experiments.assignment.running import Running, edited
from aisle.schema.errors import InputError
from aisle.schema.hashing import place_of
from aisle.serving.client.conversation.routing import Canary

HALVES = (Arm("as-is", 0.5), Arm("new", 0.5, label="canary"))
USERS = [f"user-{number}" for number in range(4_000)]
shares = st.lists(st.floats(0.05, 1), min_size=2, max_size=5).map(
    lambda drawn: [one / sum(drawn) for one in drawn]
)
units = st.text(min_size=1, max_size=20)


def _arms(experiment: Experiment, users: list[str] = USERS) -> list[str | None]:
    assigned = [experiment.assign(user) for user in users]
    return [one.arm.name if one else None for one in assigned]


def _of(shares: list[float], **told: object) -> Experiment:
    return Experiment("e", tuple(Arm(str(place), share) for place, share in enumerate(shares)), **told)  # type: ignore[arg-type]


@given(
    shares,
    units,
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from(["sha256", "growthbook-1", "growthbook-2"]),
)
def test_a_larger_coverage_keeps_the_users_of_a_smaller_one(
    shares: list[float], unit: str, one: float, other: float, kind: str
) -> None:
    small, large = (_of(shares, coverage=coverage, hash=kind) for coverage in sorted((one, other)))
    before, after = small.assign(unit), large.assign(unit)
    assert before is None or (after is not None and after.arm == before.arm)


@given(shares, units)
def test_with_full_coverage_everybody_has_an_arm(shares: list[float], unit: str) -> None:
    assert _of(shares).assign(unit) is not None
    assert _of(shares).ranges[0][0] == 0
    assert _of(shares).ranges[-1][1] == pytest.approx(1, abs=1e-12)


def test_ten_arms_of_a_tenth_leave_no_gap() -> None:
    ranges = _of([0.1] * 10).ranges
    assert [end for _, end in ranges[:-1]] == [start for start, _ in ranges[1:]]
    assert ranges[-1][1] == 1


@pytest.mark.parametrize("kind", ["sha256", "growthbook-2"])
def test_the_arms_hold_their_shares(kind: str) -> None:
    found = _arms(_of([0.2, 0.3, 0.5], coverage=0.5, hash=kind))
    counts = [found.count(arm) for arm in ("0", "1", "2", None)]
    assert stats.chisquare(counts, np.array([0.1, 0.15, 0.25, 0.5]) * len(USERS)).pvalue > 0.001


def test_another_process_gives_the_same_arms() -> None:
    code = (
        "from aisle.experiments.assignment.experiment import Arm, Experiment\n"
        "e = Experiment('e', (Arm('a', 0.5), Arm('b', 0.5)))\n"
        "print(*(e.assign(f'user-{n}').arm.name for n in range(20)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = _arms(Experiment("e", (Arm("a", 0.5), Arm("b", 0.5))), USERS[:20])
    assert done.stdout.split() == here


def test_asking_for_an_arm_imports_neither_scipy_nor_pandas() -> None:
    code = (
        "import sys, aisle.experiments.assignment.running\n"
        "sys.exit(','.join({'scipy', 'pandas', 'statsmodels', 'pydantic', 'numpy'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_canary_is_an_experiment_of_two_labels() -> None:
    arms = (Arm("canary", 0.05, label="canary"), Arm("stable", 0.95, label="stable"))
    experiment, canary = Experiment("push", arms, salt="s"), Canary(share=0.05, salt="s")
    assert _arms(experiment) == [canary.label_of(user) for user in USERS]
    assert canary.experiment is not None
    assert canary.experiment.shares == {"canary": 0.05, "otherwise": 0.95}


@given(share=st.floats(0, 1), salt=st.text(max_size=3), user=st.binary(max_size=6))
@settings(deadline=None)
def test_a_canary_draws_the_users_that_it_drew_before_it_was_an_experiment(
    share: float, salt: str, user: bytes
) -> None:
    drawn = bool(user) and place_of(salt, user) < share
    canary = Canary(share, label="new", otherwise="new" if share > 0.9 else "old", salt=salt)
    assert canary.label_of_bytes(user) == (canary.label if drawn else canary.otherwise)


def test_experiments_of_a_layer_exclude_each_other_and_of_none_are_independent() -> None:
    one = Experiment("one", HALVES, layer="page", slot=(0.0, 0.5))
    other = Experiment("other", HALVES, layer="page", slot=(0.5, 1.0))
    free = Experiment("free", HALVES)
    running = Running((one, other, free))
    named = [{one.experiment for one in running.assign({"user_id": user})} for user in USERS]
    assert all(len(names & {"one", "other"}) == 1 and "free" in names for names in named)
    assert running.free == {"page": 0}
    first, second = _arms(dataclasses.replace(one, layer="", slot=(0.0, 1.0))), _arms(free)
    table = [
        [sum(pair == (a, b) for pair in zip(first, second, strict=True)) for b in ("as-is", "new")]
        for a in ("as-is", "new")
    ]
    assert stats.chi2_contingency(table, correction=False).pvalue > 0.001


def test_the_draw_within_a_layer_does_not_depend_on_the_slot() -> None:
    whole = Experiment("one", HALVES, layer="page")
    half = dataclasses.replace(whole, slot=(0.0, 0.5))
    arms = [arm for arm in _arms(half) if arm]
    assert stats.binomtest(arms.count("new"), len(arms)).pvalue > 0.001
    assert all(arm in (None, other) for arm, other in zip(_arms(half), _arms(whole), strict=True))


def test_a_forced_arm_is_given_and_marked() -> None:
    experiment = Experiment("e", HALVES, coverage=0.0, forced={"tester": "new"})
    assigned = experiment.assign("tester")
    assert assigned is not None
    assert (assigned.arm.label, assigned.forced) == ("canary", True)
    assert experiment.assign("user-1") is None


def test_nobody_without_an_id_takes_part() -> None:
    assert Experiment("e", HALVES).assign("") is None
    assert Running((Experiment("e", HALVES, unit="session_id"),)).assign({"user_id": "u"}) == []


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"name": ""}, "no name"),
        ({"arms": (Arm("a", 0.5),)}, "1 arms"),
        ({"arms": (Arm("a", 0.5), Arm("a", 0.5))}, "names that differ"),
        ({"arms": (Arm("", 0.5), Arm("a", 0.5))}, "names that differ"),
        ({"arms": (Arm("a", 0.5), Arm("b", 0.4))}, "add up to 0.9; expected 1"),
        ({"arms": (Arm("a", 1.0), Arm("b", 0.0))}, "share is 1.0"),
        ({"arms": (Arm("a", float("nan")), Arm("b", 0.5))}, "share is nan"),
        ({"coverage": 1.5}, "coverage is 1.5"),
        ({"coverage": float("nan")}, "coverage is nan"),
        ({"slot": (0.5, 0.5), "layer": "l"}, r"slot is \(0.5, 0.5\)"),
        ({"slot": (0.0, 0.5)}, "a slot and no layer"),
        ({"hash": "md5"}, "one of sha256"),
        ({"forced": {"u": "c"}}, "forces the arm 'c'; expected one of as-is, new"),
    ],
)
def test_what_can_not_run_is_refused(told: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Experiment(**({"name": "e", "arms": HALVES} | told))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"name": "b"}, {"name": "b"}, "one name"),
        ({"salt": "s"}, {"salt": "s"}, "one salt, 's'"),
        ({}, {"salt": "a"}, "one salt, 'a'"),
        ({"layer": "l", "slot": (0, 0.6)}, {"layer": "l", "slot": (0.5, 1)}, "same users of the layer 'l'"),
        (
            {"layer": "l", "slot": (0, 0.5)},
            {"layer": "l", "slot": (0.5, 1), "unit": "session_id"},
            "differ in unit",
        ),
    ],
)
def test_two_that_disturb_each_other_are_refused(
    one: dict[str, object], other: dict[str, object], said: str
) -> None:
    made = [
        Experiment(**({"name": name, "arms": HALVES} | told)) for name, told in (("a", one), ("b", other))
    ]  # type: ignore[arg-type]
    with pytest.raises(InputError, match=said):
        Running(tuple(made))


def test_an_edit_midway_is_seen_and_more_coverage_is_none() -> None:
    before = Experiment("e", HALVES, coverage=0.1)
    grown = dataclasses.replace(before, coverage=0.5, forced={"tester": "new"})
    assert (edited(before, grown), grown.fingerprint) == ([], before.fingerprint)
    assert edited(grown, before) == ["coverage"]
    for field, value in {
        "arms": (Arm("as-is", 0.5), Arm("new", 0.5, label="other")),
        "salt": "again",
        "unit": "session_id",
        "hash": "growthbook-1",
        "layer": "l",
    }.items():
        after = dataclasses.replace(before, **{field: value})
        assert edited(before, after) == [field]
        assert after.fingerprint != before.fingerprint
