"""What R, the textbooks and GrowthBook print for the same numbers."""

from __future__ import annotations

import pytest

from benchmarks.experiments.exact import CASES, Case, agrees


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_numbers_are_those_that_are_printed(case: Case) -> None:
    assert case.met, f"{case.source} prints {case.printed}, aisle has {case.ours()}"


def test_all_twenty_are_there() -> None:
    assert len({case.name for case in CASES}) == 20


@pytest.mark.parametrize(
    ("value", "printed", "same"),
    [
        (0.29, "0.29", True),
        (0.2951, "0.29", True),
        (0.297, "0.29", False),
        (1.8218e-6, "1.8218e-6", True),
        (1.823e-6, "1.8218e-6", False),
        (121_601.0, "121600.0", False),
        (float("nan"), "0.5", False),
    ],
)
def test_a_number_agrees_in_the_digits_that_are_printed(value: float, printed: str, same: bool) -> None:
    assert agrees(value, printed) is same
