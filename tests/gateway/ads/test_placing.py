"""Where sponsored items stand in a list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.gateway.ads.placing import open_places, placed
from aisle.gateway.ads.selling import Placed
from aisle.gateway.questions import Answer, Assigned, Item
from aisle.serving import ScoredItem

LIST = ["a", "b", "c", "d"]


def answer(items: list[str], arms: list[str] | None = None) -> Answer:
    found = [Item(item_id=item, score=0.5) for item in items]
    assigned = Assigned(experiment="x", arm="", arms=arms) if arms else None
    return Answer(request_id="r", version=1, stale=False, items=found, assigned=assigned)


def sold(*items: str) -> list[Placed]:
    return [Placed(ScoredItem(item, 0.1), f"of {item}", place) for place, item in enumerate(items)]


def ids(found: Answer) -> list[str]:
    return [item.item_id.upper() if item.sponsored else item.item_id for item in found.items]


@pytest.mark.parametrize(
    ("organic", "most", "places"),
    [
        (10, 10, [1, 3, 6]),
        (4, 10, [1, 3, 6]),
        (3, 10, [1, 3, 6]),
        (2, 10, [1, 3]),
        (1, 10, [1, 3]),
        (0, 10, [1]),
        (10, 2, [1]),
        (3, 5, [1, 3]),
    ],
)
def test_a_place_may_be_sold_that_the_list_reaches(organic: int, most: int, places: list[int]) -> None:
    assert open_places((1, 3, 6), organic, most) == places


def test_what_is_sold_takes_its_place_and_the_list_stays_as_long() -> None:
    assert ids(placed(answer(LIST), sold("x", "y"), [2, 4], 4)) == ["a", "X", "b", "Y"]
    assert ids(placed(answer(LIST), sold("x"), [2, 4], 5)) == ["a", "X", "b", "c", "d"]
    assert placed(answer(LIST), [], [2], 4) == answer(LIST)


def test_an_item_that_is_in_the_list_moves_to_its_place() -> None:
    found = placed(answer(LIST), sold("d", "a"), [1, 3], 4)
    assert ids(found) == ["D", "b", "A", "c"]
    assert [item.campaign_id for item in found.items] == ["of d", "", "of a", ""]


def test_a_place_that_nobody_fits_stays_as_it_is_and_those_below_are_sold_all_the_same() -> None:
    below = [Placed(ScoredItem("x", 0.1), "of x", 1)]
    assert ids(placed(answer(LIST), below, [1, 3], 4)) == ["a", "b", "X", "c"]
    # A list that doesn't reach the place has it at its end.
    assert ids(placed(answer(LIST), below, [1, 6], 5)) == ["a", "b", "c", "d", "X"]


def test_of_interleaved_rankings_what_is_sold_is_of_no_arm() -> None:
    found = placed(answer(LIST, ["one", "two", "", "two"]), sold("x", "b"), [1, 3], 4)
    assert found.assigned is not None
    assert (ids(found), found.assigned.arms) == (["X", "a", "B", "c"], ["", "one", "", ""])


@given(
    st.lists(st.integers(0, 9), unique=True, max_size=8),
    st.lists(st.integers(0, 14), unique=True, max_size=4),
    st.integers(1, 12),
)
def test_no_item_stands_twice_and_each_sponsored_one_where_it_was_sold(
    organic: list[int], paid: list[int], most: int
) -> None:
    items = [str(item) for item in organic][:most]
    places = open_places((2, 3, 7, 9), len(items), most)
    bought = sold(*[str(item) for item in paid][: len(places)])
    found = placed(answer(items), bought, places, most)
    named = [item.item_id for item in found.items]
    assert len(named) == len(set(named)) <= most
    rest = [item for item in items if item not in {one.item.item_id for one in bought}]
    assert [item.item_id for item in found.items if not item.sponsored] == rest[: most - len(bought)]
    # A list that is shorter than it was, since what was sold was among it, has its ads at its end.
    if len(rest) + len(bought) >= max(places, default=0):
        assert [place + 1 for place, item in enumerate(found.items) if item.sponsored] == places[
            : len(bought)
        ]
