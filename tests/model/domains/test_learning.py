"""What one domain says of another is learnt where it says something, and off where it doesn't."""

from __future__ import annotations

import numpy as np
import pytest

from aisle.model.retrieval.domains.learning import Learnt, learn
from aisle.model.retrieval.domains.mixture import Known, Mixture
from aisle.model.retrieval.domains.takings import Takings, last_items

TASTES, EACH = 12, 5
BOOKS, FILMS = 0, 1
DOMAINS = np.repeat([BOOKS, FILMS], TASTES * EACH)
"""Five books and five films of each taste."""


def shop(users: int, shared: bool, seed: int = 0) -> Takings:
    """Everyone takes two books of one taste and then two films: of the same taste, or of any."""
    rng = np.random.default_rng(seed)
    books = rng.integers(TASTES, size=users)
    films = books if shared else rng.integers(TASTES, size=users)
    items = [
        domain * TASTES * EACH + taste * EACH + rng.choice(EACH, 2, replace=False)
        for pair in zip(books, films, strict=True)
        for domain, taste in enumerate(pair)
    ]
    days = np.tile(np.arange(4.0), users) + np.repeat(rng.uniform(0, 90, users), 4)
    return Takings(
        np.repeat(np.arange(users), 4), np.concatenate(items), np.tile(np.arange(4), users), days, DOMAINS
    )


@pytest.fixture(scope="module")
def told() -> Learnt:
    """The films of users whose books tell their taste."""
    return learn(shop(400, shared=True), FILMS)


def test_a_domain_that_tells_the_taste_is_on(told: Learnt) -> None:
    (direction,) = told.directions
    assert (direction.source, direction.target) == (BOOKS, FILMS)
    assert direction.on and 0 < direction.low < direction.gain
    assert told.mixture.of[BOOKS] == direction.weight and told.mixture.of[FILMS] > 0
    # The last film of each, and of the same users the first.
    assert direction.questions == 800


def test_a_domain_that_tells_nothing_is_off_and_changes_no_answer() -> None:
    takings = shop(400, shared=False)
    learnt = learn(takings, FILMS)
    (direction,) = learnt.directions
    assert not direction.on and direction.low <= 0
    asked = last_items(takings, takings.users < 20, FILMS)
    for block in Known.learn(asked).blocks((learnt.mixture.half_life,)):
        alone = block.scores(learnt.mixture.without(BOOKS))
        np.testing.assert_array_equal(block.scores(learnt.mixture), alone)


def test_too_few_questions_leave_each_domain_alone() -> None:
    learnt = learn(shop(20, shared=True), FILMS)
    assert [direction.weight for direction in learnt.directions] == [0.0]
    assert learnt.directions[0].questions == 40


def test_who_has_no_film_is_served_by_their_books(told: Learnt) -> None:
    takings = shop(400, shared=True, seed=1)
    kept = takings.only((takings.users >= 100) | (takings.orders < 3))
    hidden = last_items(kept, kept.users < 100, FILMS)
    hits = {}
    for name, mixture in (("books", told.mixture), ("alone", told.mixture.without(BOOKS))):
        blocks = Known.learn(hidden).blocks((mixture.half_life,))
        hits[name] = (np.concatenate([block.ranks(mixture) for block in blocks]) < EACH).mean()
    # Five of sixty films are of the taste.
    assert len(hidden.targets) == 100 and hits["books"] > 0.9 > 0.3 > hits["alone"]


def test_scores_are_the_sum_of_what_sells_and_what_goes_with_the_history_by_hand() -> None:
    # Two users took item 0 of the books and then film 2; a third took film 3 lately, and is asked after item 0.
    takings = Takings(
        users=np.array([0, 0, 1, 1, 2, 3, 3]),
        items=np.array([0, 2, 0, 2, 3, 0, 3]),
        orders=np.array([0, 1, 0, 1, 0, 0, 1]),
        days=np.array([0.0, 0.0, 0.0, 0.0, 14.0, 13.0, 14.0]),
        domains=np.array([0, 0, 1, 1]),
    )
    asked = last_items(takings, takings.users == 3, 1)
    (block,) = Known.learn(asked).blocks((14.0,))
    # Before day 14 two of film 2 were sold, both 14 days ago; film 3 is sold at that very moment.
    assert block.scores(Mixture(14.0, 0.0, np.zeros(2))).tolist() == [[1.0, 0.0]]
    # Of all three films ever sold two are of film 2, and all that goes with item 0 is it, too.
    both = block.scores(Mixture(14.0, 0.3, np.array([0.5, 0.0])))
    assert both[0].tolist() == pytest.approx([1.0 + 0.3 * 2 / 3 + 0.5, 0.3 / 3])
    assert block.ranks(Mixture(14.0, 0.3, np.zeros(2))).tolist() == [1]
