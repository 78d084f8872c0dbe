"""What is taken next by what it has in common with what was taken, learnt in one shop and foretold for another."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import polars as pl
import pytest

from aisle.model.gain import LEAST
from aisle.model.retrieval.domains.lent import lend
from aisle.model.retrieval.domains.visits import visits_of
from aisle.model.retrieval.sources import baskets
from aisle.model.retrieval.state import make_state
from aisle.model.spilled import SpilledRows
from aisle.model.transfer import content, following
from aisle.model.transfer.content import Shelf
from aisle.model.transfer.following import ALIKE, Likeness, followers, learn
from aisle.model.transfer.following_trial import Visits, lent_follows
from aisle.model.transfer.lent import Lent
from aisle.model.transfer.taught import Following, Taught
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY

ITEMS, KINDS = 60, 6
NOBODY = Visits(np.zeros((0, 2), np.int64), np.zeros(0, np.int64))


def shelf(seed: int, prefix: str = "Home/") -> Shelf:
    """Six kinds of items, of no brand; the texts say nothing."""
    random = np.random.default_rng(seed)
    kinds = [f"{prefix}{kind}" for kind in random.permutation(np.arange(ITEMS) % KINDS)]
    return Shelf(random.normal(size=(ITEMS, 4)), random.lognormal(2.0, 1.0, ITEMS), "words", kinds)


def visits(one: Shelf, count: int, seed: int, alike: float = 0.9) -> Visits:
    """Pairs whose second item is of the first one's kind as often as `alike`, and else any."""
    random, kinds = np.random.default_rng(seed), np.array(one.categories)
    first = random.integers(ITEMS, size=count)
    then = [
        random.choice(np.flatnonzero((kinds == kinds[item]) & (np.arange(ITEMS) != item)))
        if random.random() < alike
        else (item + random.integers(1, ITEMS)) % ITEMS
        for item in first
    ]
    return Visits(np.stack([first, np.array(then)], 1), np.arange(count))


def test_what_goes_together_there_is_foretold_of_items_of_other_names() -> None:
    big, small = shelf(1), shelf(2, "Art/")
    following = learn(big, visits(big, 2_000, 3).pairs)
    assert following is not None and following.alike == ALIKE
    items, chances = followers(following, small)
    kinds = np.array(small.categories)
    same = kinds[items] == kinds[:, None]
    # Nine of a kind beside an item share 0.9, and their part of what is any.
    np.testing.assert_allclose((chances * same).sum(1), 0.9 + 0.1 * 9 / 59, atol=0.04)
    np.testing.assert_allclose(chances.sum(1), 1.0, rtol=1e-5)
    assert not (items == np.arange(ITEMS)[:, None]).any()


def test_prices_count_by_their_place_and_texts_by_how_unusual_their_cosine_is() -> None:
    one = shelf(1)
    rows, others = np.arange(3), np.arange(ITEMS)[None]
    other = dataclasses.replace(one, prices=one.prices * 150.0, texts=one.texts * 7.0)
    np.testing.assert_allclose(Likeness(other).of(rows, others), Likeness(one).of(rows, others), atol=1e-5)


def test_texts_in_a_file_and_in_blocks_teach_the_same_to_the_bit(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = shelf(1)
    whole = dataclasses.replace(whole, texts=np.asarray(whole.texts, np.float32))
    stored = dataclasses.replace(whole, texts=SpilledRows(np.asarray(whole.texts), tmp_path / "texts"))
    pairs, taken = visits(whole, 400, 3).pairs, np.random.default_rng(4).random(ITEMS)
    one, worth = learn(whole, pairs), content.learn(whole, taken)
    monkeypatch.setattr(following, "_COMPARED", 7)
    other, in_file = learn(stored, pairs), content.learn(stored, taken)
    assert one is not None and other is not None and worth is not None and in_file is not None
    np.testing.assert_array_equal(one.weights, other.weights)
    np.testing.assert_array_equal(worth.worth, in_file.worth)
    np.testing.assert_array_equal(content.foretold(worth, whole), content.foretold(worth, stored))
    for ours, theirs in zip(followers(one, whole), followers(one, stored), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_it_is_lent_where_it_surely_wins() -> None:
    big, small = shelf(1), shelf(2)
    following = learn(big, visits(big, 2_000, 3).pairs)
    before, later = visits(small, 30, 4), visits(small, 300, 5)
    follows, gain = lent_follows(following, small, before, later)
    assert follows is not None and gain.on and gain.low > 0.1 and gain.questions == 300
    # Where visitors want anything but the same kind it misleads.
    follows, gain = lent_follows(following, small, visits(small, 3_000, 6, 0.0), visits(small, 300, 7, 0.0))
    assert follows is None and not gain.on
    assert lent_follows(following, small, before, visits(small, 20, 5))[1].why.startswith("20 questions")


def test_a_shop_without_events_takes_it_unasked() -> None:
    big, small = shelf(1), shelf(2)
    follows, gain = lent_follows(learn(big, visits(big, 2_000, 3).pairs), small, NOBODY, NOBODY)
    assert follows is not None and gain.on and gain.why


@pytest.mark.parametrize(
    ("following", "said"),
    [
        (None, "too little was taken in one visit"),
        (Following(("colour",), np.ones(1, np.float32)), "compares items in another way"),
    ],
)
def test_what_says_nothing_of_the_items_is_off_with_the_reason(
    following: Following | None, said: str
) -> None:
    follows, gain = lent_follows(following, shelf(2), NOBODY, NOBODY)
    assert follows is None and said in gain.why
    assert learn(shelf(1), visits(shelf(1), LEAST - 1, 3).pairs) is None


def interactions() -> pl.DataFrame:
    """Ann's visit of three items, one of whom nobody knows, and what an ad led to."""
    rows = [
        ("ann", "s", 2, "a1", False),
        ("ann", "s", 1, "a0", False),
        ("ann", "s", 3, "a5", False),
        ("", "t", 5, "a2", False),
        ("", "t", 6, "a4", True),
        ("", "t", 7, "a3", False),
    ]
    columns = ["user_id", "session_id", "timestamp", "item_id", "sponsored"]
    table = pl.DataFrame(rows, schema=columns, orient="row")
    return table.with_columns(
        pl.col("timestamp") * DAY, split=pl.lit("train"), weight=pl.lit(1.0), event=pl.lit("click")
    )


def test_a_visit_is_what_one_visitor_took_in_order() -> None:
    rows = (
        interactions()
        .filter(~pl.col("sponsored"))
        .with_columns(row=pl.col("item_id").str.slice(1).cast(pl.Int64))
    )
    found = visits_of(rows)
    assert sorted(found.pairs.tolist()) == [[0, 1], [1, 5], [2, 3]]
    assert len(np.unique(found.visitors)) == 2


def test_what_is_lent_fills_up_baskets_the_more_the_fewer_visits_held_an_item() -> None:
    big, small = shelf(1), shelf(2)
    taught = Taught(None, None, learn(big, visits(big, 2_000, 3).pairs))
    ids = [f"a{row}" for row in range(ITEMS)]
    nothing = interactions().clear()
    lent, gains = lend(taught, small, nothing, ids)
    assert lent.follows is not None and [gain.part for gain in gains] == ["worth", "next"]
    users = pl.DataFrame({"user_id": ["ann"], "country": [None]}, schema_overrides={"country": pl.String})

    def table(rows: pl.DataFrame, lent: Lent | None) -> np.ndarray:
        kept = make_state(rows, users, ids, 20 * DAY, lent=lent).tables[baskets.SOURCE.name]
        full = np.zeros((ITEMS, ITEMS))
        items, weights = (kept[name][kept["places"]] for name in ("items", "weights"))
        np.add.at(full, (np.arange(ITEMS)[:, None], items), weights)
        return full

    new, old = table(nothing, lent), table(interactions(), None)
    both = table(interactions(), lent)
    np.testing.assert_allclose(both[20], new[20], rtol=1e-6)  # Nobody took it.
    # Ann's one visit, of 18 days ago, beside the ten that the other shop counts for.
    held = 0.5 ** (18 / 60)
    share = (both[0, 1] - new[0, 1]) / (old[0, 1] - new[0, 1])
    assert share == pytest.approx(held / (held + 10.0), rel=0.1)
