"""The Labeler: interactions, splits, histories that never see the future."""

from __future__ import annotations

import zlib

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.labeler.interactions import choose_splits, make_interactions
from aisle.components.labeler.judged.judgements import split_judgements
from aisle.components.labeler.label import label
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.queries import query_examples
from aisle.schema.errors import InputError
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY

OPTIONS = LabelerOptions(min_queries=1)
COLUMNS = ("timestamp", "event", "item_id", "user_id", "session_id", "query", "position")
TYPES = {"timestamp": pl.Int64, "position": pl.Int64}


def events(*rows: tuple[object, ...]) -> pl.DataFrame:
    schema = {name: TYPES.get(name, pl.String) for name in COLUMNS}
    return pl.DataFrame([dict(zip(COLUMNS, row, strict=False)) for row in rows], schema=schema)


def shop(days: int = 100) -> pl.DataFrame:
    return events(
        *[(day * DAY, "purchase", f"i{day % 7}", f"u{day % 3}", f"s{day}", None, None) for day in range(days)]
    )


def test_windows_take_their_days_from_the_end_and_start_at_midnight() -> None:
    splits = choose_splits(shop(365), LabelerOptions(test_days=30, eval_days=20))
    assert splits.test_start == 334 * DAY
    assert splits.eval_start == 314 * DAY
    assert splits.goal == "purchase"


def test_a_short_span_caps_both_windows() -> None:
    splits = choose_splits(shop(50), LabelerOptions(test_days=30, eval_days=30, max_share=0.2))
    assert splits.test_start == 39 * DAY
    assert splits.eval_start == 29 * DAY


def test_events_without_any_liking_are_refused() -> None:
    with pytest.raises(InputError, match="no click, cart or purchase"):
        choose_splits(events((1, "impression", "a", "u", "s", None, 1)), OPTIONS)


def test_a_session_s_events_on_an_item_become_its_strongest_at_that_time() -> None:
    table = events(
        (1 * DAY, "click", "a", "u", "s", "red", 1),
        (2 * DAY, "purchase", "a", "u", "s", None, None),
        (3 * DAY, "click", "a", "u", "s", "red", 1),
        (3 * DAY, "click", "b", "u", "s", None, None),
    )
    splits = choose_splits(shop(), OPTIONS)
    found = make_interactions(table, splits).select("item_id", "timestamp", "event", "weight", "query").rows()
    assert [(i, t, e, q) for i, t, e, _, q in found] == [
        ("a", 2 * DAY, "purchase", "red"),
        ("b", 3 * DAY, "click", ""),
    ]
    assert [w for *_, w, _ in found] == pytest.approx([1.0, 0.2])


def test_the_query_of_an_interaction_is_the_last_one_before_it() -> None:
    table = events(
        (1 * DAY, "click", "a", "u", "s", "red", 1),
        (2 * DAY, "click", "a", "u", "s", "blue", 1),
        (3 * DAY, "purchase", "a", "u", "s", None, None),
        (4 * DAY, "click", "a", "u", "s", "zinc", 1),
        (1 * DAY, "purchase", "b", None, None, None, None),
        (1 * DAY + 1, "click", "b", None, None, "later", 1),
    )
    found = make_interactions(table, choose_splits(shop(), OPTIONS)).sort("item_id")
    assert found.select("item_id", "event", "query").rows() == [
        ("a", "purchase", "blue"),
        ("b", "purchase", ""),
    ]


def test_a_judged_query_falls_whole_into_one_split() -> None:
    table = pl.DataFrame(
        {"query": ["a", "b", "a"] * 20, "item_id": [str(n) for n in range(60)], "grade": [1.0] * 60}
    )
    assert split_judgements(table).group_by("query").agg(pl.col("split").n_unique())["split"].to_list() == [
        1,
        1,
    ]


@pytest.mark.parametrize("remainder", [0, 1])
def test_queries_that_were_parted_by_a_checksum_before_still_fall_into_every_split(remainder: int) -> None:
    queries = [query for n in range(2000) if zlib.crc32((query := f"mug {n}").encode()) % 2 == remainder]
    table = pl.DataFrame({"query": queries, "item_id": ["a"] * len(queries), "grade": [1.0] * len(queries)})
    share = dict(split_judgements(table)["split"].value_counts(normalize=True).iter_rows())
    assert share == pytest.approx({"train": 0.8, "eval": 0.1, "test": 0.1}, abs=0.04)


def test_an_unseen_split_and_too_little_data_say_so() -> None:
    items = pa.table({"item_id": ["a"], "title": ["A"]})
    few = events(*[(day * DAY, "purchase", "a", "u", f"s{day}", None, None) for day in range(20)])
    with pytest.raises(InputError, match="no data: the train split"):
        label({"items": items, "events": few.to_arrow()}, LabelerOptions(min_queries=1000))


def test_too_few_judged_queries_are_told_how_many_it_takes() -> None:
    items = pa.table({"item_id": ["a"], "title": ["A"]})
    judged = pa.table({"query": ["mug"], "item_id": ["a"], "grade": [1.0]})
    # 1 - 0.9 ** 44 is the first above 0.99; of 18 queries ten or more train as surely.
    told = "the train split holds 1 and the eval split 0, at least 10 and 1 are needed; judge 44 queries"
    with pytest.raises(InputError, match=told):
        label({"items": items, "judgements": judged}, LabelerOptions())
    with pytest.raises(InputError, match="at least 100 and 1 are needed; judge 13[0-9] queries"):
        label({"items": items, "judgements": judged}, LabelerOptions(min_queries=100))


def test_where_no_event_names_a_user_the_line_says_so_and_not_that_the_span_is_short() -> None:
    items = pa.table({"item_id": ["a", "b"], "title": ["Mug", "Cup"]})
    when = [day * 86_400_000_000 for day in range(20_000, 20_100)]
    bought = pa.table({"timestamp": when, "event": ["purchase"] * 100, "item_id": ["a", "b"] * 50})
    with pytest.raises(InputError, match="no event has a user_id.*say by .columns.events. which"):
        label({"items": items, "events": bought}, LabelerOptions())


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 90), st.sampled_from("abc"), st.sampled_from(["u", "v", None]), st.integers(0, 5)
        ),
        min_size=1,
        max_size=60,
    )
)
def test_a_history_holds_just_what_the_user_took_strictly_before(
    rows: list[tuple[int, str, str | None, int]],
) -> None:
    table = events(*[(d * DAY + 1, "purchase", i, u, f"s{s}", None, None) for d, i, u, s in rows])
    interactions = make_interactions(table, choose_splits(shop(), OPTIONS))
    taken = interactions.select("user_id", "session_id", "item_id", "timestamp").rows()
    seen = 0
    for part in query_examples(interactions, {}, 1000, 0).values():
        for example in part.to_pylist():
            (user,) = example["user_id"]
            sessions = {s for u, s, i, _ in taken if u == user and i in example["targets"]}
            starts = {
                min(t for u, s, _, t in taken if (u, s) == (user, session))
                for session in sessions
                if sorted(i for u, s, i, _ in taken if (u, s) == (user, session))
                == sorted(example["targets"])
            }
            before = [sorted(i for u, _, i, t in taken if u == user and t < start) for start in starts]
            assert sorted(example["history"]) in before
            assert len(example["history_age"]) == len(example["history_weight"]) == len(example["history"])
            assert all(age > 0 for age in example["history_age"])
            seen += 1
    assert seen == len({(u, s) for u, s, _, _ in taken if u})


@settings(max_examples=80)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.sampled_from(["impression", "click", "cart", "purchase", "return"]),
            st.sampled_from("abcd"),
            st.sampled_from(["u", "v", None]),
            st.sampled_from(["s", "t", "w", None]),
            st.sampled_from([None, None, "red", "blue"]),
        ),
        max_size=60,
    ),
    st.integers(1, 6),
)
def test_a_history_is_all_of_the_past_up_to_its_limit_and_nothing_else(
    rows: list[tuple[int, str, str, str | None, str | None, str | None]], limit: int
) -> None:
    """Each example against the interactions themselves, looked up one by one."""
    hour = DAY // 24
    table = events(*[(hours * hour, *row) for hours, *row in rows])
    interactions = make_interactions(table, choose_splits(shop(), OPTIONS))
    taken = sorted(
        interactions.select("timestamp", "session_id", "query", "item_id", "user_id", "weight").rows()
    )
    expected = []
    for user, session, query in {(u, s, q) for _, s, q, _, u, _ in taken if u or q}:
        basket = [(t, i) for t, s, q, i, u, _ in taken if (u, s, q) == (user, session, query)]
        start = min(t for t, _ in basket)
        past = [((start - t) / DAY, i, w) for t, _, _, i, u, w in taken if u == user != "" and t < start]
        expected.append((user, query, [i for _, i in basket], past[-limit:]))
    found = [
        (
            *(example["user_id"] + example["query"]),
            example["targets"],
            list(zip(example["history_age"], example["history"], example["history_weight"], strict=True)),
        )
        for part in query_examples(interactions, {}, limit, 50 * hour).values()
        for example in part.to_pylist()
    ]
    assert all(age > 0 for *_, history in found for age, _, _ in history)
    assert sorted(map(rounded, found)) == sorted(map(rounded, expected))


def test_a_query_knows_how_long_before_the_test_it_was() -> None:
    table = events((10 * DAY, "purchase", "a", "u", "s"), (25 * DAY, "purchase", "a", "u", "t"))
    interactions = make_interactions(table, choose_splits(shop(), OPTIONS))
    found = [
        example["query_age"]
        for part in query_examples(interactions, {}, 9, 30 * DAY).values()
        for example in part.to_pylist()
    ]
    assert sorted(found) == [[5.0], [20.0]]


def rounded(example: tuple[str, str, list[str], list[tuple[float, str, float]]]) -> tuple[object, ...]:
    """An example whose numbers are as exact as 32 bits are."""
    user, query, targets, history = example
    return user, query, sorted(targets), [(round(age, 4), item, round(w, 4)) for age, item, w in history]
