"""What another thread does beside the work: in its order, one piece ahead or behind, and its errors are told."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.plans.ahead import Behind, ahead


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers()), max_size=9))
def test_what_is_made_ahead_comes_in_its_order(values: list[int | None]) -> None:
    assert [*ahead(iter(values))] == values


def test_one_is_made_beside_the_work_and_no_more() -> None:
    made, second = [], threading.Event()

    def make() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    coming = ahead(make())
    assert next(coming) == 0
    assert second.wait(10), "it is made while the first is worked on"
    assert made == [0, 1]
    coming.close()  # type: ignore[attr-defined]
    assert made == [0, 1]


def test_an_error_comes_behind_what_was_made_before_it() -> None:
    def make() -> Iterator[int]:
        yield 1
        raise OSError("the disk is full")

    coming = ahead(make())
    assert next(coming) == 1
    with pytest.raises(OSError, match="the disk is full"):
        next(coming)


def test_work_behind_is_done_in_its_order_and_what_goes_wrong_is_told() -> None:
    done: list[int] = []
    behind, here = Behind(), threading.get_ident()
    threads = set()

    def work(number: int) -> None:
        threads.add(threading.get_ident())
        done.append(number)

    for number in range(20):
        behind.do(work, number)
    behind.wait()
    assert done == [*range(20)]
    assert here not in threads

    def fail() -> None:
        raise OSError("the disk is full")

    behind.do(fail)
    with pytest.raises(OSError, match="the disk is full"):
        behind.do(work, 20)
    behind.wait()
    assert done == [*range(20)]
