"""Recent events beside a state: what a state of their moment, made of the same events, says of the same user."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aisle.components.labeler.interactions import Splits, make_interactions
from aisle.model.retrieval.recent.events import RecentEvents
from aisle.model.retrieval.recent.intervals import NEVER_DUE, VISIT_DAYS, _factors, due, visit_gap
from aisle.model.retrieval.state import USER_NUMBERS, State, make_state
from aisle.model.retrieval.taken import Taken
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY

ITEMS = ["a", "b", "c", "d", "e"]
USERS = pl.DataFrame({"user_id": ["u"], "country": ["Norway"]})
CUT_OFF = 100 * DAY
SECOND = 1_000_000
KINDS = ["click", "cart", "purchase"]
NEVER = Splits(2**60, 2**61, 2**62, "purchase")

Row = tuple[str, str, str, str, int]
"""User, session, kind, item, time."""


def state_of(rows: list[Row], now: int) -> State:
    """The state as the pipeline makes it: events by the Labeler, then `make_state`."""
    events = pl.DataFrame(
        rows, schema=["user_id", "session_id", "event", "item_id", "timestamp"], orient="row"
    ).with_columns(query=pl.lit(None, pl.String), timestamp=pl.col("timestamp").cast(pl.Int64))
    return make_state(make_interactions(events, NEVER), USERS, ITEMS, now)


def taken_of(state: State) -> Taken:
    rows = tf.lookup.KeyValueTensorInitializer(tf.constant(ITEMS), tf.range(len(ITEMS)))
    return Taken(state, tf.lookup.StaticHashTable(rows, -1), moves=False)


def recents(*events: tuple[str, str, float], now: float = 0.0) -> RecentEvents:
    """Of item, kind and seconds ago."""
    items, kinds, ages = zip(*events, strict=True) if events else ((), (), ())
    return RecentEvents(
        tf.constant([items], tf.string, [1, len(events)]),
        tf.constant([kinds], tf.string, [1, len(events)]),
        tf.constant([ages], tf.float32, [1, len(events)]),
        tf.constant([now], tf.float64),
    )


def known_of(
    state: State, user: str, events: RecentEvents | None = None, history: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """Sums of all items, the history, and the user's numbers."""
    taken = taken_of(state)
    asking = taken.asking(tf.constant([user]), tf.constant([history], tf.string, [1, len(history)]), events)
    _, sums = taken.sums(asking)
    rows, age, weight = taken.histories(asking)
    found = {f"sum {name}": values[0].numpy() for name, values in sums.items()}
    there = rows[0] >= 0
    found |= {
        "rows": rows[0][there].numpy(),
        "age": age[0][there].numpy(),
        "weight": weight[0][there].numpy(),
    }
    numbers = taken.numbers(asking, sums)[0].numpy()
    return found | dict(zip(USER_NUMBERS, numbers, strict=True))


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    for name, values in other.items():
        np.testing.assert_allclose(one[name], values, rtol=2e-4, atol=2e-5, err_msg=name)


KNOWN: list[Row] = [
    ("u", "s1", "click", "a", CUT_OFF - 20 * DAY),
    ("u", "s1", "purchase", "b", CUT_OFF - 20 * DAY + 60 * SECOND),
    ("u", "s2", "purchase", "b", CUT_OFF - 10 * DAY),
    ("v", "t1", "purchase", "a", CUT_OFF - 9 * DAY),
    ("v", "t2", "purchase", "a", CUT_OFF - 1 * DAY),
]
"""Visits of a minute, days apart."""

EVENTS = st.lists(
    st.tuples(st.sampled_from(ITEMS), st.sampled_from(KINDS), st.integers(1, 10 * 86_400)),
    min_size=1,
    max_size=8,
    unique_by=lambda event: event[2],
)


@settings(deadline=None, max_examples=12)
@given(events=EVENTS, user=st.sampled_from(["u", "stranger"]))
@example(events=[("b", "click", 90), ("b", "purchase", 60), ("c", "cart", 30)], user="u")
def test_recent_events_are_known_as_by_a_state_made_after_them(
    events: list[tuple[str, str, int]], user: str
) -> None:
    """`events` are of item, kind and seconds after the cut-off."""
    state = state_of(KNOWN, CUT_OFF)
    now = CUT_OFF + 11 * DAY
    happened = sorted(events, key=lambda event: event[2])
    pauses = np.diff([event[2] for event in happened], prepend=happened[0][2])
    visit = np.cumsum(pauses > state.visit_gap * 86_400)
    rows = [
        (user, f"r{number}", kind, item, CUT_OFF + after * SECOND)
        for number, (item, kind, after) in zip(visit, happened, strict=True)
    ]
    given_now = recents(*((i, kind, 11 * 86_400.0 - after) for i, kind, after in events), now=now / SECOND)
    assert_same(known_of(state, user, given_now), known_of(state_of([*KNOWN, *rows], now), user))


def test_a_click_and_a_purchase_of_a_minute_ago_are_added_to_the_known_past() -> None:
    state = state_of(KNOWN, CUT_OFF)
    before = known_of(state, "u")
    assert before["sum count"].tolist() == pytest.approx([0.2, 2.0, 0.0, 0.0, 0.0])
    now = (CUT_OFF + 5 * DAY) / SECOND
    found = known_of(state, "u", recents(("a", "click", 60.0), ("c", "purchase", 30.0), now=now))
    assert found["sum count"].tolist() == pytest.approx([0.4, 2.0, 1.0, 0.0, 0.0])
    # b was taken two orders and 15 days before this visit, and three orders and 25 days.
    assert found["sum repeat_orders"].tolist() == pytest.approx(
        [0.2 + 0.2 * 0.7**2, 0.7 + 0.7**2, 1.0, 0.0, 0.0]
    )
    assert found["sum repeat_60"][1] == pytest.approx(0.5 ** (15 / 60) + 0.5 ** (25 / 60), rel=1e-4)
    assert found["sum latest_order"].tolist() == [1.0, 0.0, 1.0, 0.0, 0.0]
    assert found["sum last"][:3].tolist() == pytest.approx([60 / 86_400, 15.0, 30 / 86_400], rel=1e-4)
    assert [ITEMS[row] for row in found["rows"]] == ["a", "b", "b", "a", "c"]
    assert found["user_orders"] == 3


def test_the_events_of_a_visit_on_an_item_are_one_the_strongest() -> None:
    state = state_of(KNOWN, CUT_OFF)
    visit = [("c", "click", 900.0), ("c", "purchase", 800.0), ("c", "cart", 700.0), ("c", "purchase", 600.0)]
    found = known_of(state, "stranger", recents(*visit))
    assert found["sum count"].tolist() == [0.0, 0.0, 1.0, 0.0, 0.0]
    assert found["sum last"][2] == pytest.approx(800 / 86_400)


def test_nothing_is_counted_twice_across_the_cut_off() -> None:
    state = state_of(KNOWN, CUT_OFF)
    now = CUT_OFF / SECOND + 3600.0
    learnt = [(item, kind, now - at / SECOND) for user, _, kind, item, at in KNOWN if user == "u"]
    alone = known_of(state, "u")
    for events in (learnt, [*learnt, ("c", "click", 3600.0)]):
        assert_same(known_of(state, "u", recents(*events, now=now)), alone)
    one = known_of(state, "u", recents(("c", "click", 3599.0), now=now))
    assert_same(known_of(state, "u", recents(*learnt, ("c", "click", 3599.0), now=now)), one)
    assert one["sum count"][2] == pytest.approx(0.2)


def test_of_whom_the_version_knows_nothing_all_counts() -> None:
    """A session that began before the version was made is not known to it by that name."""
    state = state_of(KNOWN, CUT_OFF)
    found = known_of(state, "session", recents(("c", "click", 7200.0), now=CUT_OFF / SECOND + 3600.0))
    assert found["sum count"][2] == pytest.approx(0.2)


def test_what_is_unknown_counts_nothing_and_an_impossible_age_is_now() -> None:
    state = state_of(KNOWN, CUT_OFF)
    nothing = recents(("z", "click", 1.0), ("", "click", 1.0), ("c", "return", 1.0), ("c", "wink", 1.0))
    assert_same(known_of(state, "u", nothing), known_of(state, "u"))
    odd = known_of(state, "u", recents(("c", "cart", -5.0), ("d", "cart", float("nan"))))
    assert odd["sum last"][2:4].tolist() == [0.0, 0.0]
    assert odd["sum count"][2:4].tolist() == [0.5, 0.5]


def test_without_recent_events_every_number_is_the_same_to_the_bit() -> None:
    state = state_of(KNOWN, CUT_OFF)
    for user in ("u", "v", "nobody"):
        for history in ((), ("a", "c", "a")):
            alone = known_of(state, user, None, history)
            late = recents(now=CUT_OFF / SECOND + 1e6)
            for name, values in known_of(state, user, late, history).items():
                np.testing.assert_array_equal(values, alone[name], err_msg=name)


def test_a_given_history_takes_the_place_of_the_known_one_and_recent_events_are_added() -> None:
    state = state_of(KNOWN, CUT_OFF)
    found = known_of(state, "u", recents(("c", "cart", 10.0)), history=("e", "d"))
    assert found["sum count"].tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert [ITEMS[row] for row in found["rows"]] == ["e", "d", "c"]


def test_no_more_events_count_than_a_history_holds_the_newest() -> None:
    state = state_of(KNOWN, CUT_OFF)
    many = [("c", "click", 86_400.0 * day) for day in range(250, 0, -1)]
    found = known_of(state, "stranger", recents(*many))
    assert found["sum count"][2] == pytest.approx(0.2 * 200, rel=1e-5)
    assert (found["sum last"][2], found["sum first"][2]) == (1.0, 200.0)


def test_users_of_a_batch_have_their_own_recent_events() -> None:
    taken = taken_of(state_of(KNOWN, CUT_OFF))
    events = RecentEvents(
        tf.constant([["c", "d"], ["", ""], ["e", ""]]),
        tf.constant([["cart", "click"], ["", ""], ["purchase", ""]]),
        tf.constant([[9.0, 3.0], [0.0, 0.0], [4.0, 0.0]]),
        tf.constant([0.0] * 3, tf.float64),
    )
    asking = taken.asking(tf.constant(["u", "u", "v"]), tf.zeros([3, 0], tf.string), events)
    counts = taken.sums(asking)[1]["count"].numpy()
    np.testing.assert_allclose(counts, [[0.2, 2, 0.5, 0.2, 0], [0.2, 2, 0, 0, 0], [2, 0, 0, 0, 1]], rtol=1e-6)


def frame(*rows: tuple[str, str, int, float]) -> pl.DataFrame:
    """Of user, session, item row and age in days."""
    schema = {"user_id": pl.String, "session_id": pl.String, "row": pl.Int32, "age": pl.Float32}
    return pl.DataFrame(list(rows), schema=schema, orient="row").with_columns(weight=pl.lit(1.0))


def test_the_pause_that_parts_visits_is_the_shops_own() -> None:
    minutes = frame(("u", "a", 0, 9.0), ("u", "a", 1, 8.99), ("u", "b", 1, 8.5), ("u", "c", 1, 7.0))
    assert visit_gap(minutes) == pytest.approx((0.01 * 0.49) ** 0.5, abs=1e-3)
    days = frame(("u", "a", 0, 9.0), ("u", "a", 1, 8.0), ("u", "b", 1, 4.0))
    assert visit_gap(days) == pytest.approx(2.0)
    # Every order is told as of one moment: its events come some seconds apart all the same.
    orders = frame(("u", "a", 0, 9.0), ("u", "a", 1, 9.0), ("u", "b", 1, 8.9), ("u", "c", 1, 7.0))
    assert visit_gap(orders) == VISIT_DAYS
    assert visit_gap(frame()) == VISIT_DAYS
    assert visit_gap(frame(("u", "a", 0, 1.0))) == VISIT_DAYS


def orders(*rows: tuple[str, int, float, int]) -> pl.DataFrame:
    """Of user, item row, age in days and orders since, all bought."""
    schema = {"user_id": pl.String, "row": pl.Int32, "age": pl.Float32, "since": pl.Int32}
    return pl.DataFrame(list(rows), schema=schema, orient="row").with_columns(weight=pl.lit(1.0))


def test_what_was_bought_is_due_when_next_orders_hold_it_as_often_as_ever() -> None:
    # Twenty users take something else two hours later, and the first again after ten days, or after twenty.
    soon = [row for n in range(20) for row in ((f"s{n}", 0, 30.0, 1), (f"s{n}", 1, 29.9, 0))]
    late = [row for n in range(20) for row in ((f"l{n}", 0, 30.0, 1), (f"l{n}", 0, 20.0 - 10 * (n % 2), 0))]
    assert due(orders(*soon, *late), 2).tolist() == pytest.approx([10.0, 10.0])
    # Who comes back soon buys the same: nothing waits.
    same_soon = [(user, 0, age, since) for user, _, age, since in soon]
    assert due(orders(*same_soon, *late), 2).tolist() == [0.0, 0.0]
    # Three orders prove nothing, and where nobody buys twice nothing is ever due.
    assert due(orders(*soon[:6], *late), 2).tolist() == [0.0, 0.0]
    assert due(orders(*soon), 2).tolist() == [NEVER_DUE, NEVER_DUE]
    assert due(orders(), 2).tolist() == [NEVER_DUE, NEVER_DUE]


def test_an_item_is_due_as_its_own_buyers_say_where_items_differ() -> None:
    # Whoever comes back within a day buys milk (0) again and never the bed (1), and after ten days the milk, too.
    milk = [
        row for n in range(60) for row in ((f"m{n}", 0, 30.0, 1), (f"m{n}", 0, 29.0 if n % 2 else 20.0, 0))
    ]
    bed = [
        row for n in range(60) for row in ((f"b{n}", 1, 30.0, 1), (f"b{n}", 2, 29.0 if n % 2 else 20.0, 0))
    ]
    found = due(orders(*milk, *bed), 4)
    assert found[:2].tolist() == [0.0, NEVER_DUE]
    # Of what nobody bought before nothing is known but the shop: half of its next orders hold the same, at any time.
    assert found[3] == 0.0


@given(found=st.lists(st.integers(0, 30), min_size=2, max_size=8), expected=st.floats(0.1, 20.0))
def test_a_factor_lies_between_what_was_found_and_what_all_have(found: list[int], expected: float) -> None:
    counts = np.array(found, float)
    factors = _factors(counts, np.full(len(found), expected))
    own = counts / expected
    assert ((factors >= np.minimum(own, 1.0) - 1e-9) & (factors <= np.maximum(own, 1.0) + 1e-9)).all()


def test_what_was_bought_a_moment_ago_is_not_due_and_what_was_seen_is() -> None:
    taken = taken_of(state_of([("v", "t1", "purchase", "a", CUT_OFF - DAY)], CUT_OFF))
    events = recents(("b", "purchase", 60.0), ("a", "click", 60.0))
    asking = taken.asking(tf.constant(["u"]), tf.zeros([1, 0], tf.string), events)
    assert taken.not_due(asking.recent).numpy().tolist() == [[False, True, False, False, False]]
    # Where the same is bought again at every order, a minute is long.
    busy = [("u", f"s{n}", "purchase", "b", CUT_OFF - n * 60 * SECOND) for n in range(1, 40)]
    taken = taken_of(state_of(busy, CUT_OFF))
    asking = taken.asking(tf.constant(["u"]), tf.zeros([1, 0], tf.string), events)
    assert not taken.not_due(asking.recent).numpy().any()
