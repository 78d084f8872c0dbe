"""Reviews as tables: what counts, what is known, and what an item's reviews come to at a moment."""

from __future__ import annotations

import math
import pathlib
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.components import tables
from aisle.components.reviews.changes import rises
from aisle.components.reviews.items import as_of, by_item, lower_bound
from aisle.components.reviews.learnable import learnable, learnable_of
from aisle.components.reviews.options import ReviewOptions
from aisle.components.reviews.phrases import frequent_phrases, occurrences
from aisle.components.reviews.written import with_labels, written
from aisle.schema.errors import InputError
from aisle.schema.tables import MICROSECONDS_PER_DAY as DAY

OPTIONS = ReviewOptions(fewest=1)


def _events(*rows: tuple[int, str, str, str | None, float | None, str | None]) -> pl.DataFrame:
    names = ("timestamp", "event", "item_id", "user_id", "rating", "text")
    kinds = (pl.Int64, pl.String, pl.String, pl.String, pl.Float64, pl.String)
    return pl.DataFrame(rows, dict(zip(names, kinds, strict=True)), orient="row")


def test_a_review_dated_before_its_writer_bought_the_item_does_not_count() -> None:
    found = written(
        _events(
            (5, "review", "mug", "ann", 1.0, "dated before her purchase"),
            (9, "purchase", "mug", "ann", None, None),
            (9, "review", "mug", "bob", 5.0, "bought it elsewhere"),
            (12, "review", "mug", "ann", 4.0, "and now after it"),
        ),
        OPTIONS,
    )
    assert found.too_early == 1
    assert found.reviews["user_id"].to_list() == ["bob", "ann"]


def test_copies_and_empty_reviews_are_left_out_and_counted() -> None:
    found = written(
        _events(
            (1, "review", "mug", "ann", 5.0, "Great!"),
            (2, "review", "mug", "bot", 5.0, " Great! "),
            (3, "review", "cup", "bot", 5.0, "Great!"),
            (4, "review", "mug", "bob", None, " "),
            (5, "review", "mug", None, 3.0, None),
            (6, "review", "mug", None, 3.0, None),
            (7, "review", "mug", "eve", 3.0, "😀"),
        ),
        OPTIONS,
    )
    assert (found.duplicates, found.empty) == (1, 1)
    assert found.reviews["timestamp"].to_list() == [1, 3, 5, 6, 7]


def test_ratings_are_read_on_the_scale_that_they_span() -> None:
    rows = [
        (n, "review", "mug", None, float(stars), f"text {n}") for n, stars in enumerate((0, 40, 60, 80, 100))
    ]
    found = with_labels(written(_events(*rows), OPTIONS).reviews, OPTIONS)
    assert found["good"].to_list() == [0.0, 0.0, None, 1.0, 1.0]


def test_a_label_counts_before_the_rating() -> None:
    events = _events((1, "review", "mug", None, 5.0, "a"), (2, "review", "mug", None, 1.0, "b"))
    labelled = events.with_columns(sentiment=pl.Series([0, None], dtype=pl.Int64))
    more = pl.concat(
        [labelled, labelled.head(1).with_columns(sentiment=pl.lit(1, pl.Int64), text=pl.lit("c"))]
    )
    assert with_labels(written(more, OPTIONS).reviews, OPTIONS)["good"].to_list() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(1, "purchase", "mug", "ann", None, None)], "the events hold no review"),
        (
            [(n, "review", "mug", None, 5.0, f"text {n}") for n in range(9)],
            "0 good and 0 bad reviews .* every rating is 5: such ratings say nothing",
        ),
    ],
)
def test_what_nothing_can_be_learnt_from_is_refused_with_the_reason(rows: list[Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        with_labels(written(_events(*rows), OPTIONS).reviews, OPTIONS)


def test_a_label_that_is_neither_0_nor_1_is_refused() -> None:
    events = _events((1, "review", "mug", None, 5.0, "a")).with_columns(sentiment=pl.lit("fine"))
    with pytest.raises(InputError, match="holds 'fine', expected 1 for a good review and 0 for a bad"):
        with_labels(written(events, OPTIONS).reviews, OPTIONS)


def test_the_lower_bound_is_wilsons() -> None:
    shares = pl.DataFrame({"share": [81 / 263, 15 / 148, 0.0, 1 / 29], "count": [263, 148, 20, 29]})
    found = shares.select(lower_bound(pl.col("share"), pl.col("count")))["share"]
    assert found.to_numpy() == pytest.approx([0.25529, 0.06239, 0.0, 0.00611], abs=2e-5)


def _scored(rows: list[tuple[str, int, float | None]]) -> pl.DataFrame:
    kinds = {"item_id": pl.String, "timestamp": pl.Int64, "probability": pl.Float64}
    return pl.DataFrame(rows, kinds, orient="row").with_columns(
        good=pl.lit(None, pl.Float64), rating=pl.lit(None, pl.Float64)
    )


def test_an_items_numbers_are_of_its_reviews() -> None:
    scored = _scored([("mug", 1, 0.9), ("mug", 2, 0.5), ("cup", 3, 0.2)])
    (mug, cup) = by_item(scored).to_dicts()
    assert (mug["item_id"], mug["reviews"], mug["good"]) == ("mug", 2, pytest.approx(0.7))
    assert mug["at_least"] < mug["good"] and cup["stars"] is None


@given(
    st.lists(st.tuples(st.sampled_from(["mug", "cup"]), st.integers(0, 9), st.floats(0, 1)), max_size=20),
    st.lists(st.tuples(st.sampled_from(["mug", "cup"]), st.integers(0, 10)), min_size=1, max_size=8),
)
def test_as_of_a_moment_only_what_was_written_before_counts(
    rows: list[tuple[str, int, float]], asked: list[tuple[str, int]]
) -> None:
    moments = pl.DataFrame(asked, {"item_id": pl.String, "timestamp": pl.Int64}, orient="row")
    found = as_of(_scored(list(rows)), moments)
    assert found.select("item_id", "timestamp").rows() == asked
    for item, moment, count, good, _ in found.rows():
        before = [probability for one, time, probability in rows if one == item and time < moment]
        assert (count or 0) == len(before)
        assert good == (pytest.approx(np.mean(before)) if before else None)


def test_phrases_are_words_and_runs_that_belong_together() -> None:
    texts = [f"物流很快{'好坏大小多少'[n % 6]}" for n in range(30)] + ["The <b>delivery</b> was slow"] * 10
    texts += [f"{'东西南北中'[n % 5]}很{'高低胖瘦'[n % 4]}" for n in range(70)]
    found = frequent_phrases(texts, 50)
    assert {"物流", "delivery"} <= set(found)
    assert "流很" not in found and "b" not in found
    assert occurrences(texts, ["delivery"])["delivery"].tolist() == list(range(30, 40))


def test_markup_and_a_megabyte_of_text_are_no_phrases() -> None:
    assert frequent_phrases(["<p class='x'>" + "z" * 1_000_000] * 2 + ["ok fine"] * 8, 9) == []


def _complaints(days: int, before: float, after: float, each: int = 20) -> pl.DataFrame:
    rows = []
    for day in range(days):
        share = after if day >= days - 5 else before
        rows += [("mug", "size", day * DAY + n, n < math.floor(share * each)) for n in range(each)]
    return pl.DataFrame(rows, ["item_id", "aspect", "timestamp", "bad"], orient="row")


def test_a_complaint_that_doubled_is_found_with_its_day() -> None:
    (found,) = rises(_complaints(20, 0.1, 0.4), OPTIONS)
    assert (found["item_id"], found["aspect"], found["since"]) == ("mug", "size", "1970-01-16")
    assert (found["before"], found["after"]) == (pytest.approx(0.1), pytest.approx(0.4))
    assert found["p"] < 1e-6


@pytest.mark.parametrize(("before", "after"), [(0.1, 0.1), (0.4, 0.1), (0.5, 0.6)])
def test_what_did_not_double_is_no_finding(before: float, after: float) -> None:
    assert rises(_complaints(20, before, after), OPTIONS) == []


def test_without_complaints_nothing_rose() -> None:
    assert rises(_complaints(0, 0, 0), OPTIONS) == []


def test_a_run_learns_from_the_latest_texts_each_once() -> None:
    rows = [(n, "review", f"i{n}", None, 1.0 + 4 * (n % 2), f"text {n // 2 * 2 + n % 2}") for n in range(8)]
    again = (9, "review", "i9", None, 1.0, "text 1")  # Which was good before: as many say so as not.
    events = _events(*rows, again).to_arrow()
    found = learnable(events, OPTIONS.model_copy(update={"served": 5}))
    assert found is not None
    assert found.rows() == [(f"text {n}", float(n % 2)) for n in (3, 4, 5, 6, 7)]


@pytest.mark.parametrize("served", [0, 1])
def test_a_run_without_enough_reviews_goes_on(served: int) -> None:
    # One text alone is of one kind; the others are beyond what may be served.
    rows = [(n, "review", "mug", None, 1.0 + 4 * (n % 2), f"text {n}") for n in range(8)]
    options = OPTIONS.model_copy(update={"served": served})
    assert learnable(_events(*rows).to_arrow(), options) is None
    assert learnable(_events((1, "purchase", "mug", "ann", None, None)).to_arrow(), OPTIONS) is None


def test_what_is_learnt_is_the_same_of_events_that_are_read_piece_by_piece(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_ROW_GROUP", 3)
    rows = [(n, "review", f"i{n}", "ann", 1.0 + 4 * (n % 2), f"text {n}") for n in range(8)]
    clicks = [(n, "click", f"i{n}", "ann", None, None) for n in range(8)]
    # Bought after it was reviewed: its date is wrong.
    events = _events(*rows, *clicks, (20, "purchase", "i3", "ann", None, None))
    labels = pl.Series("said", [None] * 6 + ["0"] + [None] * 10, pl.String)
    told = events.with_columns(labels).to_arrow()
    options = OPTIONS.model_copy(update={"label": "said"})
    tables.write_tables(str(tmp_path), {"events": told})
    found, whole = learnable_of(str(tmp_path), options), learnable(told, options)
    assert found is not None and whole is not None
    assert found.equals(whole)
    assert found["text"].to_list() == [f"text {n}" for n in (0, 1, 2, 4, 5, 6, 7)]
    assert learnable_of(str(tmp_path / "nowhere"), options) is None
