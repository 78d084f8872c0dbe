"""Missing cells, filled or deleted by the rules that a shop gives."""

from __future__ import annotations

import pathlib
import runpy
import types
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.steps.missing import delete_missing, fill_missing, rules_of
from aisle.schema.errors import InputError

LEDGER = types.SimpleNamespace(**runpy.run_path(str(pathlib.Path(__file__).with_name("cleaner_ledger.py"))))
DAY, ledger_of = LEDGER.DAY, LEDGER.ledger_of


def _fill(rows: dict[str, Any], column: str, rule: str, table: str = "items") -> list[Any]:
    ledger = ledger_of(table, rows)
    told = CleanerOptions.read({"missing": {f"{table}.{column}": rule, "judgements.column": "delete"}})
    rules = rules_of(table, told.missing)
    delete_missing(ledger, rules)
    fill_missing(ledger, rules)
    return ledger.rows[column].to_list()


@pytest.mark.parametrize(
    ("rule", "filled"),
    [
        ("delete", [1, 2, 9, 40]),
        ("constant:7", [1, 2, 7, 9, 40, 7]),
        ("median", [1, 2, 6, 9, 40, 6]),
        ("median:group", [1, 2, 2, 9, 40, 6]),
        ("group_median:group", [1, 2, 2, 9, 40, 6]),
        ("mode", [1, 2, 1, 9, 40, 1]),
    ],
)
def test_missing_numbers_are_filled_by_the_rule(rule: str, filled: list[int]) -> None:
    # The median of all is 5.5, of group x 1.5: rounded half to even, as its column holds whole numbers.
    group = ["x", "x", "x", "y", "y", "z"]
    assert _fill({"n": [1, 2, None, 9, 40, None], "group": group}, "n", rule) == filled


def test_missing_words_are_filled_by_a_constant_or_the_commonest() -> None:
    rows = {"brand": ["A", None, "B", "B"], "category": ["x", "x", "y", "y"]}
    assert _fill(rows, "brand", "constant:unknown") == ["A", "unknown", "B", "B"]
    assert _fill(rows, "brand", "mode") == ["A", "B", "B", "B"]
    assert _fill(rows, "brand", "mode:category") == ["A", "A", "B", "B"]


def test_a_price_is_interpolated_over_time_within_its_item() -> None:
    rows = {
        "timestamp": [30 * DAY, 0, 10 * DAY, 40 * DAY, 5 * DAY, 50 * DAY],
        "item_id": ["a", "a", "a", "b", "b", "c"],
        "price": [4.0, 1.0, None, 7.0, None, None],
    }
    assert _fill(rows, "price", "interpolate", "events") == [4.0, 1.0, 2.0, 7.0, 7.0, None]


@pytest.mark.parametrize(
    ("column", "rule", "says"),
    [
        ("n", "mean", "missing.items.n='mean' is wrong: expected delete, constant:VALUE"),
        ("n", "constant", "expected delete"),
        ("n", "median:", "expected delete"),
        ("n", "constant:many", "is no number"),
        ("n", "median:brand", "cleaner.missing needs items.brand; the table has: n, word"),
        ("m", "median", "needs items.m"),
        ("word", "median", "holds text"),
        ("n", "interpolate", "needs items.timestamp"),
    ],
)
def test_a_rule_that_cant_be_followed_is_refused_in_a_line(column: str, rule: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        _fill({"n": [1, None], "word": ["a", "b"]}, column, rule)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("column", ["price", ".price", "items.", "items.price.mean"])
def test_options_refuse_what_is_no_column(column: str) -> None:
    for named in ({"missing": {column: "median"}}, {"numbers": [column]}):
        with pytest.raises(InputError, match=f"='{column}' is wrong: expected TABLE.COLUMN"):
            CleanerOptions.read(named)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.none() | st.integers(-5, 5), st.sampled_from("ab")), min_size=1))
def test_filling_changes_no_known_cell(rows: list[tuple[int | None, str]]) -> None:
    before = [row[0] for row in rows]
    ledger = ledger_of("items", {"n": before, "g": [row[1] for row in rows]}, n=pl.Int64)
    fill_missing(ledger, rules_of("items", {"items.n": "median:g"}))
    after = ledger.rows["n"].to_list()
    assert all(new == old for new, old in zip(after, before, strict=True) if old is not None)
    assert None not in after or set(before) == {None}
