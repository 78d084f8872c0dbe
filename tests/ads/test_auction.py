"""Auctions: the example of the literature, what is promised of any case, ties, reserves, and bad bids."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.ads.auction import Bids, Sold, gsp, gsp_by_place, second_price, vcg
from aisle.schema.errors import InputError
from benchmarks.ads.auctions import PRINTED, example
from benchmarks.ads.properties import PROPERTIES, Case


def test_the_example_of_edelman_ostrovsky_and_schwarz_is_met_exactly() -> None:
    bids = Bids.of([10_000_000, 4_000_000, 2_000_000])
    assert gsp(bids, 2) == [Sold(0, 4_000_000), Sold(1, 2_000_000)]
    # For 200 and 100 clicks: 600 and 200.
    assert vcg(bids, (200, 100)) == [Sold(0, 3_000_000), Sold(1, 2_000_000)]
    assert example() == PRINTED


@pytest.mark.parametrize(
    ("strategy", "promise"), PROPERTIES, ids=[promise.__name__ for _, promise in PROPERTIES]
)
def test_what_is_promised_holds(strategy: st.SearchStrategy[Case], promise: Callable[[Case], None]) -> None:
    seen = []

    @settings(max_examples=100, deadline=None)
    @given(strategy)
    def attempt(case: Case) -> None:
        seen.append(case)
        promise(case)

    attempt()
    assert len(seen) >= 100


def test_quality_counts_as_much_as_the_bid() -> None:
    # Scores 60, 50 and 12: the first needs 50 / 3, rounded up, the second 12 / 1.
    assert gsp(Bids.of([20, 50, 3], [3, 1, 4]), 2) == [Sold(0, 17), Sold(1, 12)]


def test_equal_scores_go_to_the_higher_quality_then_to_the_first() -> None:
    bids = Bids.of([6, 6, 3, 6], [1, 1, 2, 1])
    assert [sold.bidder for sold in gsp(bids, 4)] == [2, 0, 1, 3]
    assert [sold.price for sold in gsp(bids, 4)] == [3, 6, 6, 0]


@pytest.mark.parametrize(
    ("reserve", "expected"), [(0, Sold(0, 0)), (7, Sold(0, 7)), (10, Sold(0, 10)), (11, None)]
)
def test_one_bidder_pays_the_reserve_or_is_not_shown(reserve: int, expected: Sold | None) -> None:
    bids = Bids.of([10])
    assert second_price(bids, reserve) == expected
    assert [*gsp(bids, 3, reserve), *vcg(bids, (5, 3, 1), reserve)] == [expected] * 2 * bool(expected)


def test_a_place_goes_to_the_best_who_fits_it_against_who_else_fits_it() -> None:
    bids, fits = (
        Bids.of([10, 6, 4]),
        np.array([[False, True, True], [True, True, True], [False, False, False]]),
    )
    assert gsp_by_place(bids, fits, np.arange(3)) == [Sold(1, 4), Sold(0, 4), None]
    assert gsp_by_place(bids, fits, np.arange(3), reserve=5) == [Sold(1, 5), Sold(0, 5), None]
    # Whoever shows the same bids for the place, and isn't shown again below.
    assert gsp_by_place(bids, fits[1:2].repeat(3, 0), np.array([7, 7, 1])) == [Sold(0, 6), Sold(2, 0), None]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4)), min_size=1, max_size=8),
    st.integers(0, 4),
    st.integers(0, 9),
)
def test_where_all_fit_every_place_and_show_something_else_it_is_gsp(
    told: list[tuple[int, int]], places: int, reserve: int
) -> None:
    bids = Bids.of([bid for bid, _ in told], [quality for _, quality in told])
    found = gsp_by_place(bids, np.ones((places, len(told)), bool), np.arange(len(told)), reserve)
    sold = gsp(bids, places, reserve)
    assert found == sold + [None] * (places - len(sold))


def test_fewer_bids_than_places_leave_places_unsold() -> None:
    assert gsp(Bids.of([5, 9, 0]), 4) == [Sold(1, 5), Sold(0, 0)]
    assert vcg(Bids.of([5, 9, 0]), (4, 2, 1, 1)) == [Sold(1, 2), Sold(0, 0)]


def test_no_bids_and_no_places_sell_nothing() -> None:
    assert (
        gsp(Bids.of([]), 2) == vcg(Bids.of([]), (2, 1)) == gsp(Bids.of([1]), 0) == vcg(Bids.of([1]), ()) == []
    )


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), min_size=30, max_size=60), st.integers(1, 5))
def test_the_best_of_many_are_those_that_sorting_all_would_find(
    pairs: list[tuple[int, int]], places: int
) -> None:
    found = gsp(Bids.of(*map(list, zip(*pairs, strict=True))), places)
    order = sorted(range(len(pairs)), key=lambda one: (-pairs[one][0] * pairs[one][1], -pairs[one][1], one))
    assert [sold.bidder for sold in found] == [one for one in order if pairs[one][0]][:places]


@pytest.mark.parametrize(
    ("bids", "said"),
    [
        ([3, -1], "bid from -1 to 3"),
        ([float("nan")], "bid: float64"),
        ([1.5], "bid: float64"),
        ([float("inf")], "bid: float64"),
        ([10**12 + 1], "bid from 1000000000001"),
        ([2**63], "bid from 9223372036854775808"),
        ([10**30], "bid: object"),
        ([True], "bid: bool"),
        (["7"], "bid: <U1"),
    ],
)
def test_a_bid_that_is_no_amount_is_refused(bids: list, said: str) -> None:
    with pytest.raises(InputError, match=f"^{said}.*expected"):
        Bids.of(bids)


@pytest.mark.parametrize("quality", [[0], [-1], [10**6 + 1], [0.5], [1, 2]])
def test_a_quality_that_is_no_chance_is_refused(quality: list) -> None:
    with pytest.raises(InputError, match=r"^quality.*expected"):
        Bids.of([1], quality)


def test_the_highest_bid_and_quality_do_not_overflow() -> None:
    bids = Bids.of([10**12, 10**12], [10**6, 10**6])
    assert bids.scores.tolist() == [10**18] * 2
    assert gsp(bids, 1) == [Sold(0, 10**12)] == vcg(bids, (10**9,))
    # Bids that come in fewer bits are multiplied in 64.
    assert Bids(np.asarray([10**9], np.int32), np.asarray([10**6], np.int32)).scores.tolist() == [10**15]


@pytest.mark.parametrize("clicks", [(1, 2), (3, -1)])
def test_clicks_that_rise_or_are_negative_are_refused(clicks: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="clicks by place"):
        vcg(Bids.of([1]), clicks)


def test_places_and_reserve_below_zero_are_refused() -> None:
    with pytest.raises(InputError, match="-1 places"):
        gsp(Bids.of([1]), -1)
    with pytest.raises(InputError, match="reserve of -5"):
        vcg(Bids.of([1]), (1,), -5)
