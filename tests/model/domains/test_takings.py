"""Which item of a domain is asked for, what is known then, and what is hidden."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.model.retrieval.domains.takings import Takings, first_items, last_items

FOOD, KITCHEN = 0, 1
DOMAINS = np.array([FOOD, FOOD, KITCHEN, KITCHEN])
TAKINGS = Takings(
    users=np.array([3, 3, 3, 5, 5, 8]),
    items=np.array([0, 2, 1, 2, 3, 1]),
    orders=np.array([0, 1, 1, 0, 1, 0]),
    days=np.array([1.0, 2.0, 2.0, 1.0, 5.0, 4.0]),
    domains=DOMAINS,
)
EVERYONE = np.ones(6, np.bool_)


def test_the_last_item_of_the_domain_is_asked_for_and_hidden_alone() -> None:
    asked = last_items(TAKINGS, EVERYONE, KITCHEN)
    assert asked.wanted.tolist() == [2, 3] and asked.days.tolist() == [2.0, 5.0]
    assert asked.learnt.items.tolist() == [0, 1, 2, 1]
    # What came before it is known, of both domains: of the second user one item of the order before.
    assert asked.histories().toarray().tolist() == [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]


def test_an_order_before_the_latest_counts_less() -> None:
    (row,) = last_items(TAKINGS, TAKINGS.users == 3, FOOD).histories().toarray()
    assert row == pytest.approx([0.7, 0.0, 1.0, 0.0])


def test_of_who_came_from_another_domain_the_first_item_is_asked_for_and_all_of_the_domain_hidden() -> None:
    assert first_items(TAKINGS, EVERYONE, KITCHEN).wanted.tolist() == [2]
    asked = first_items(TAKINGS, EVERYONE, FOOD)
    # The third user has nothing before it, and the second nothing in the domain; the first began in it.
    assert asked.targets.tolist() == []
    came = Takings(np.zeros(4, int), np.array([2, 0, 3, 1]), np.arange(4), np.arange(4.0), DOMAINS)
    asked = first_items(came, np.ones(4, np.bool_), FOOD)
    assert asked.wanted.tolist() == [0] and asked.learnt.items.tolist() == [2, 3]


def test_who_isnt_asked_is_learnt_from_whole() -> None:
    asked = last_items(TAKINGS, TAKINGS.users == 5, KITCHEN)
    assert asked.wanted.tolist() == [3] and asked.learnt.items.tolist() == [0, 2, 1, 2, 1]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=30))
def test_no_answer_is_in_its_history_nor_learnt_from(rows: list[tuple[int, int]]) -> None:
    users, items = np.array(sorted(rows, key=lambda row: row[0])).T
    takings = Takings(users, items, np.arange(len(users)), np.arange(len(users), dtype=float), DOMAINS)
    for ask in (last_items, first_items):
        for domain in (FOOD, KITCHEN):
            asked = ask(takings, np.ones(len(users), np.bool_), domain)
            assert (DOMAINS[asked.wanted] == domain).all() and asked.hidden[asked.targets].all()
            lengths = (asked.histories() > 0).sum(1).A1 if len(asked.targets) else np.zeros(0)
            assert (lengths <= asked.targets - asked.starts).all()
            assert (takings.users[asked.starts] == takings.users[asked.targets]).all()
