"""The statistics of experiments beside what R, the textbooks and GrowthBook print for the same numbers.

    python -m benchmarks.experiments.exact --check

A case is met where every number agrees in all digits that are printed.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterator

import numpy as np

from aisle.experiments.assignment.growthbook import bucket_ranges, choose, place_v1, place_v2
from aisle.experiments.statistics import power, proportions
from aisle.experiments.statistics.always_valid import AlwaysValid
from aisle.experiments.statistics.effect import Effect, compare
from aisle.experiments.statistics.estimate import Estimate
from aisle.experiments.statistics.group_sequential import Looks, crossing
from aisle.experiments.statistics.metric import Mean, Metric, Ratio
from aisle.experiments.statistics.sample import Sample
from aisle.experiments.statistics.sample_ratio import sample_ratio
from aisle.experiments.statistics.spending import obrien_fleming
from benchmarks.shared.command import Command, Figure, Found
from benchmarks.shared.results import table

GROWTHBOOK = json.loads(pathlib.Path(__file__).with_name("growthbook.json").read_text(encoding="utf-8"))
Y = Metric("y", Mean("y"))
SLEEP = (
    (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0),
    (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4),
)
"""Student's hours of sleep gained with either drug, R's data set."""
POST_AND_PRE = ("numerator", "denominator", "numerator before", "denominator before")


@dataclasses.dataclass(frozen=True)
class Case:
    """A case of the literature.

    Attributes:
        name: what is calculated.
        source: who prints the numbers.
        printed: separated by blanks.
        ours: the same numbers, of aisle.
    """

    name: str
    source: str
    printed: str
    ours: Callable[[], list[float]]

    @property
    def met(self) -> bool:
        """Whether all agree in the digits that are printed."""
        found, printed = self.ours(), self.printed.split()
        return len(found) == len(printed) and all(map(agrees, found, printed))


def agrees(value: float, printed: str) -> bool:
    """Whether a number rounds to what is printed, within a tenth of its last digit."""
    digits, _, exponent = printed.partition("e")
    decimals = len(digits.partition(".")[2]) - int(exponent or 0)
    return bool(abs(value - float(printed)) <= 0.6 * 10.0**-decimals)


def _growthbook() -> list[float]:
    """How many of the SDK's hashes, bucket ranges and choices are met."""
    places = {1: place_v1, 2: place_v2}
    hashes = [
        (places[v](seed, unit) if v in places else None) == at for seed, unit, v, at in GROWTHBOOK["hash"]
    ]
    ranges = [
        np.allclose(bucket_ranges(*given), buckets) for _, given, buckets in GROWTHBOOK["getBucketRange"]
    ]
    found = [(choose(at, buckets), arm) for _, at, buckets, arm in GROWTHBOOK["chooseVariation"]]
    return [sum(hashes), sum(ranges), sum((-1 if ours is None else ours) == arm for ours, arm in found)]


def _estimate(estimate: Estimate) -> list[float]:
    return [estimate.value, *estimate.interval(), estimate.p_value]


def _sleep() -> list[float]:
    """Of the first drug less the second."""
    first, second = (Sample.of({"y": hours}) for hours in SLEEP)
    found = compare(Y, second, first).difference
    return [found.statistic, found.degrees, found.p_value, *found.interval()]


def _from_sums() -> Effect:
    control = Sample.from_sums(("y",), 3407, [1396.87], [[52377.9767]])
    return compare(Y, control, Sample.from_sums(("y",), 3461, [2422.7], [[134698.29]]))


def _always_valid() -> list[float]:
    counts = (Sample.of_counts("y", 1396, 3000), Sample.of_counts("y", 2422, 3461))
    relative = _relative(compare(Y, *counts))
    return [relative.value, *AlwaysValid(planned=5000).interval(relative, 6461)]


def _relative(effect: Effect) -> Estimate:
    assert effect.relative is not None
    return effect.relative


def _sums(sums: list[float], squares: list[float], products: list[float]) -> Sample:
    """An arm of 100 users by the sums of products of its columns 0·1, 0·2, 0·3, 1·2, 1·3 and 2·3."""
    matrix = np.diag(squares)
    matrix[np.triu_indices(4, 1)] = products
    return Sample.from_sums(POST_AND_PRE, 100, sums, np.triu(matrix) + np.triu(matrix, 1).T)


def _cuped_ratio() -> list[float]:
    control = _sums(
        [485.112236689623, 679.9093275844917, 192.59138069991536, 290.1398399750233],
        [2715.484666118136, 4939.424001640236, 460.076026390857, 920.9461385038898],
        [
            *(3602.146836776702, 1113.6215759318352, 1559.2878434944676),
            *(1460.3181079276983, 2130.9404074446747, 634.239482353647),
        ],
    )
    treatment = _sums(
        [514.7757826608777, 705.4090874383759, 206.94157227402536, 302.54389139107326],
        [2994.897482705013, 5291.36604146392, 514.2903702246757, 994.4506208125663],
        [
            *(3918.1561431600717, 1237.0953021125997, 1701.0287270040265),
            *(1604.0759503266522, 2292.081739775257, 698.4173425817908),
        ],
    )
    before = (Ratio("numerator before", "denominator before"),)
    metric = Metric("r", Ratio("numerator", "denominator"), before)
    return _estimate(_relative(compare(metric, control, treatment, common_means=False)))


def _several_looks(looks: int) -> float:
    """The false positives of so many looks at 5 %."""
    return sum(crossing([(look + 1) / looks for look in range(looks)], [1.959963985] * looks))


def _pair(test: proportions.Test) -> list[float]:
    return [test.statistic, test.p_value]


def _ratio_of(*users: int, shares: tuple[float, ...] = (0.5, 0.5)) -> list[float]:
    """χ² and p-value of a sample ratio."""
    found = sample_ratio(
        {str(arm): n for arm, n in enumerate(users)}, {str(arm): s for arm, s in enumerate(shares)}
    )
    return [found.statistic, found.p_value]


CASES = (
    Case("hashes, bucket ranges, choices", "GrowthBook's SDK", "15 13 13", _growthbook),
    Case(
        *("two shares: size, power", "R, power.prop.test", "76.70693 0.7401659"),
        lambda: [power.shares_size(0.5, 0.75, 0.9), power.shares_power(50, 0.5, 0.75)],
    ),
    Case(
        *("two means: power, size", "R, power.t.test", "0.8689528 22.0211"),
        lambda: [power.means_power(20, 1, 1), power.means_size(1, 1, 0.9)],
    ),
    Case(
        *("four shares of smokers", "R, prop.test", "12.60041 0.005585477"),
        lambda: _pair(proportions.equal_shares((83, 90, 129, 70), (86, 93, 136, 82))),
    ),
    Case("Welch on sleep", "R, t.test", "-1.860813 17.77647 0.07939414 -3.365483 0.2054832", _sleep),
    Case(
        *("682 of 925 against 0.75", "R, binom.test", "0.3824916 0.7076683 0.7654066"),
        lambda: [proportions.exact(682, 925, 0.75).p_value, *proportions.exact_interval(682, 925)],
    ),
    Case(
        *("goodness of fit", "R, chisq.test", "9.990143 0.04059404"),
        lambda: _ratio_of(89, 37, 30, 28, 2, shares=(40, 20, 20, 15, 5)),
    ),
    Case("sample ratio", "Kohavi et al. 2020", "1.8218e-6", lambda: _ratio_of(821_588, 815_482)[1:]),
    Case("sample ratio, χ²", "by hand", "185.2266", lambda: _ratio_of(9_463, 7_681)[:1]),
    Case(
        *("Wilson", "Newcombe 1998", "0.25529 0.36621 0.06239 0.16049 0.00000 0.16113 0.00611 0.17176"),
        lambda: [
            end for counts in ((81, 263), (15, 148), (0, 20), (1, 29)) for end in proportions.wilson(*counts)
        ],
    ),
    Case(
        *("difference of shares", "Newcombe 1998", "0.05243 0.33387"),
        lambda: [*proportions.newcombe((48, 80), (56, 70))],
    ),
    Case(
        *("2, 5, 10, 20 looks at 5 %", "Armitage et al. 1969", "0.08312 0.14169 0.19336 0.24791"),
        lambda: [_several_looks(looks) for looks in (2, 5, 10, 20)],
    ),
    Case(
        *("Pocock: 2, 5, 10 looks", "Jennison and Turnbull", "2.17827 2.41318 2.55501"),
        lambda: [Looks.pocock(looks).bounds[-1] for looks in (2, 5, 10)],
    ),
    Case(
        *("O'Brien-Fleming: 2, 5, 10 looks", "Jennison and Turnbull", "1.97743 2.04007 2.08650"),
        lambda: [Looks.obrien_fleming(looks).bounds[-1] for looks in (2, 5, 10)],
    ),
    Case(
        *("Lan-DeMets: 5 looks", "R, ldbounds", "4.8769 3.3570 2.6803 2.2898 2.0310"),
        lambda: [*Looks.spent((0.2, 0.4, 0.6, 0.8, 1.0), obrien_fleming).bounds],
    ),
    Case(
        *("Welch from sums", "GrowthBook", "0.29000 0.04538 0.53462 0.02016"),
        lambda: _estimate(_from_sums().difference),
    ),
    Case(
        *("the same, relative", "GrowthBook", "0.70732 -0.03526 1.44989 0.06191"),
        lambda: _estimate(_relative(_from_sums())),
    ),
    Case("always valid", "GrowthBook", "0.50386 0.40098 0.60675", _always_valid),
    Case("CUPED of a ratio", "GrowthBook", "-0.0007 -0.00841 0.00700 0.85771", _cuped_ratio),
    Case("16 σ²/δ²", "van Belle", "121600.0", lambda: [power.rule_of_sixteen(0.05 * 0.95, 0.0025)]),
)

FIGURES = (Figure("cases_met", lambda found: sum(case["met"] for case in found["cases"]), least=len(CASES)),)


def main() -> None:
    """Measures and prints, as the command line says."""
    Command(__doc__, FIGURES).run(lambda told, scratch: measure(), {"exact-cases": markdown})


def measure() -> Found:
    """Each case, with our numbers."""
    return {
        "cases": [
            {
                "name": case.name,
                "source": case.source,
                "printed": case.printed,
                "ours": case.ours(),
                "met": case.met,
            }
            for case in CASES
        ]
    }


def markdown(found: Found) -> str:
    """A row a case."""

    def rows() -> Iterator[list[str]]:
        for case in found["cases"]:
            ours = " ".join(f"{value:.7g}" for value in case["ours"])
            yield [case["name"], case["source"], case["printed"], ours, "yes" if case["met"] else "no"]

    return table(["case", "source", "printed", "aisle", "met"], rows())


if __name__ == "__main__":
    main()
