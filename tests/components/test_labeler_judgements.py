"""Human labels: how far judges agree, and what counts where judgements and clicks meet."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.components.cleaner.clean import clean
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.labeler.judged.agreement import Agreement, agreement, krippendorff_alpha
from aisle.components.labeler.judged.judgements import apply_precedence, split_judgements
from aisle.components.tables import PROVENANCE_SCHEMA

# Krippendorff 2011, section C: four observers, twelve units, missing data.
PUBLISHED = """
    1 2 3 3 2 1 4 1 2 . . .
    1 2 3 3 2 2 4 1 2 5 . 3
    . 3 3 3 2 3 4 2 2 5 1 .
    1 2 3 3 2 4 4 1 2 5 1 .
"""


def published() -> tuple[list[int], list[int]]:
    cells = [
        (unit, int(value))
        for line in PUBLISHED.split("\n")
        for unit, value in enumerate(line.split())
        if value != "."
    ]
    units, values = zip(*cells, strict=True)
    return list(units), list(values)


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_that_of_the_published_example(level: str, alpha: float) -> None:
    assert krippendorff_alpha(*published(), level) == pytest.approx(alpha, abs=5e-4)  # type: ignore[arg-type]


def test_alpha_of_two_observers_and_two_values_is_the_published_one() -> None:
    # Krippendorff 2011, section A: ten units.
    one, two = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    units = list(range(10)) * 2
    for level in ("nominal", "ordinal", "interval"):
        assert krippendorff_alpha(units, one + two, level) == pytest.approx(0.095, abs=5e-4)  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=2, max_size=30))
def test_alpha_is_one_minus_observed_by_expected_disagreement(rows: list[tuple[int, int]]) -> None:
    """The definition, pair by pair, on an interval scale."""
    by_unit = {unit: [v for u, v in rows if u == unit] for unit, _ in rows}
    paired = [values for values in by_unit.values() if len(values) > 1]
    pool = [value for values in paired for value in values]
    observed = sum(
        (a - b) ** 2 / (len(values) - 1) for values in paired for a, b in itertools.permutations(values, 2)
    )
    expected = sum((a - b) ** 2 for a, b in itertools.permutations(pool, 2))
    found = krippendorff_alpha(*zip(*rows, strict=True), "interval")
    if expected == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(1 - (observed / len(pool)) / (expected / len(pool) / (len(pool) - 1)))


def judged(rows: list[dict[str, object]]) -> pa.Table:
    items = pa.table({"item_id": ["10001", "10002"], "title": ["A mug", "A vase"]})
    tables = {"items": items, "judgements": pa.Table.from_pylist(rows)}
    provenance = {
        name: pa.table({"file": ["f"] * t.num_rows, "line": range(t.num_rows)}, schema=PROVENANCE_SCHEMA)
        for name, t in tables.items()
    }
    return clean(tables, provenance, {}, CleanerOptions(), now=10**15).tables["judgements"]


def test_the_cleaner_keeps_every_judge_s_grade_beside_the_median() -> None:
    grades = {"x": (1.0, 3.0), "y": (2.0, 3.0), "z": (2.0, 3.0)}
    rows = [
        {"query": "q", "item_id": item, "grade": given[place], "judge": judge}
        for judge, given in grades.items()
        for place, item in enumerate(["10001", "10002"])
    ]
    table = judged([*rows, rows[0]])
    assert table["grade"].to_pylist() == [2.0, 3.0]
    assert table["grades"].to_pylist() == [[1.0, 2.0, 2.0], [3.0, 3.0, 3.0]]
    found = agreement(pl.DataFrame(pl.from_arrow(table)))
    assert found is not None
    assert (found.measure, found.pairs, found.judgements, found.contradicted) == (
        "krippendorff_alpha",
        2,
        6,
        1,
    )
    assert found.value == pytest.approx(krippendorff_alpha([0, 0, 0, 1, 1, 1], [1, 2, 2, 3, 3, 3]))


def test_without_the_judges_names_duplicates_are_not_taken_for_agreement() -> None:
    table = judged([{"query": "q", "item_id": "10001", "grade": grade} for grade in (1.0, 1.0, 2.0)])
    assert agreement(pl.DataFrame(pl.from_arrow(table))) is None


def test_what_was_judged_once_or_always_the_same_has_no_agreement() -> None:
    once = pl.DataFrame({"grade": [1.0, 2.0], "grades": [[1.0], [2.0]]})
    assert agreement(once) == Agreement("krippendorff_alpha", None, 0, 0, 0)
    same = pl.DataFrame({"grade": [1.0], "grades": [[1.0, 1.0]]})
    assert agreement(same) == Agreement("krippendorff_alpha", None, 1, 2, 0)


def test_variances_give_the_share_that_is_not_between_judges() -> None:
    table = pl.DataFrame({"grade": [1.0, 3.0, 5.0], "grade_variance": ["1", "0", "x"]})
    # Grades 1 and 3 vary by 1, judges by 0.5 on average.
    assert agreement(table) == Agreement("variance_ratio", pytest.approx(1 / 1.5), 2, None, 1)  # type: ignore[arg-type]


def impressions() -> pl.DataFrame:
    shown = [
        ("Red", "a", 1.0, "train"), ("red", "b", 1.0, "train"), ("red", "c", 0.0, "train"),
        ("red", "a", 0.0, "test"), ("exam", "a", 1.0, "train"),
    ]  # fmt: skip
    table = pl.DataFrame(shown, schema=["query", "item_id", "click", "split"], orient="row")
    return table.with_columns(weight=pl.lit(2.5))


def judgements() -> pl.DataFrame:
    rows = [
        ("red", "a", 1.0, "train"),
        ("red", "c", 2.0, "train"),
        ("x", "y", 4.0, "eval"),
        ("exam", "a", 0.0, "test"),
    ]
    return pl.DataFrame(rows, schema=["query", "item_id", "grade", "split"], orient="row")


def test_a_judgement_takes_the_place_of_a_click_before_the_test_window_only() -> None:
    found = apply_precedence(impressions(), judgements(), "judgements")
    assert found.select("click", "clicked", "grade", "source", "weight").rows() == [
        (0.25, 1.0, 0.25, "judgement", 1.0),
        (1.0, 1.0, None, "click", 2.5),
        (0.5, 0.0, 0.5, "judgement", 1.0),
        (0.0, 0.0, None, "click", 2.5),
        (1.0, 1.0, None, "click", 2.5),
    ]


def test_clicks_may_be_put_before_judgements() -> None:
    found = apply_precedence(impressions(), judgements(), "clicks")
    assert found["click"].equals(found["clicked"])
    assert found["weight"].to_list() == [2.5] * 5
    assert found["grade"].to_list() == [0.25, None, 0.5, None, None]
    assert set(found["source"]) == {"click"}


def test_grades_that_are_all_the_same_say_nothing() -> None:
    same = judgements().with_columns(grade=pl.lit(3.0))
    assert apply_precedence(impressions(), same, "judgements")["click"].equals(impressions()["click"])


def test_without_judgements_every_label_is_a_click() -> None:
    empty = judgements().head(0)
    found = apply_precedence(impressions(), empty, "judgements")
    assert found["click"].equals(found["clicked"])
    assert found["grade"].null_count() == 5
    assert split_judgements(empty).is_empty()
