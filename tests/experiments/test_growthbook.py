"""A shop that has GrowthBook's SDK gives each user the same arm on both sides: the cases that the SDKs publish."""

from __future__ import annotations

from typing import Any

import pytest

from aisle.experiments.assignment.experiment import Arm, Experiment
from aisle.experiments.assignment.growthbook import bucket_ranges, choose, fnv1a_32, place_v1, place_v2
from benchmarks.experiments.exact import GROWTHBOOK as CASES

PLACES = {1: place_v1, 2: place_v2}


def test_there_are_as_many_cases_as_are_published() -> None:
    assert [len(CASES[kind]) for kind in ("hash", "getBucketRange", "chooseVariation")] == [15, 13, 13]


@pytest.mark.parametrize(("seed", "unit", "version", "place"), CASES["hash"])
def test_a_place_is_the_sdks(seed: str, unit: str, version: int, place: float | None) -> None:
    assert (PLACES[version](seed, unit) if version in PLACES else None) == place


def test_other_letters_are_hashed_as_javascript_does() -> None:
    # By hand: the code unit 0x6735, not its three bytes in UTF-8.
    assert fnv1a_32("朵") == (0x811C9DC5 ^ 0x6735) * 0x01000193 & 0xFFFFFFFF


@pytest.mark.parametrize(
    ("given", "ranges"),
    [case[1:] for case in CASES["getBucketRange"]],
    ids=[c[0] for c in CASES["getBucketRange"]],
)
def test_a_bucket_is_the_sdks(
    given: tuple[int, float, list[float] | None], ranges: list[list[float]]
) -> None:
    found = bucket_ranges(*given)
    assert len(found) == len(ranges)
    assert all(one == pytest.approx(other, abs=1e-12) for one, other in zip(found, ranges, strict=True))


@pytest.mark.parametrize(
    ("place", "ranges", "arm"),
    [case[1:] for case in CASES["chooseVariation"]],
    ids=[c[0] for c in CASES["chooseVariation"]],
)
def test_a_choice_is_the_sdks(place: float, ranges: list[Any], arm: int) -> None:
    assert choose(place, ranges) == (None if arm == -1 else arm)


@pytest.mark.parametrize(
    ("unit", "namespace", "within"),
    [case[1:] for case in CASES["inNamespace"]],
    ids=[c[0] for c in CASES["inNamespace"]],
)
def test_a_layer_is_the_sdks_namespace(unit: str, namespace: tuple[str, float, float], within: bool) -> None:
    layer, *slot = namespace
    arms = (Arm("a", 0.5), Arm("b", 0.5))
    experiment = Experiment("any", arms, layer=layer, slot=(slot[0], slot[1]), hash="growthbook-2")
    assert (experiment.assign(unit) is not None) == within


def test_an_experiment_gives_the_arm_that_the_place_and_the_buckets_say() -> None:
    experiment = Experiment("e", (Arm("a", 0.1), Arm("b", 0.9)), salt="seed", hash="growthbook-2")
    assigned = {unit: experiment.assign(unit) for unit in ("a", "b")}  # Places 0.0505 and 0.2696.
    assert {unit: one.arm.name for unit, one in assigned.items() if one} == {"a": "a", "b": "b"}
