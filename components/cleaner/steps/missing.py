"""Fills missing cells by the rules that the options give for a column."""

from __future__ import annotations

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.steps.rules import CONSTANT, DELETE, INTERPOLATE, MEDIAN, Rule, parse_rule
from aisle.schema.errors import InputError

_TIME, _ITEM = "timestamp", "item_id"


def rules_of(table: str, missing: dict[str, str]) -> dict[str, Rule]:
    """Returns the rules of a table by column, of `CleanerOptions.missing`."""
    own = {key.partition(".")[2]: text for key, text in missing.items() if key.split(".")[0] == table}
    return {column: parse_rule(text) for column, text in own.items()}


def delete_missing(ledger: Ledger, rules: dict[str, Rule]) -> None:
    """Takes out the rows that lack what mustn't be missing."""
    for column, rule in rules.items():
        _check(ledger, column, rule)
        if rule.method == DELETE:
            ledger.take_out("impute", f"{column}: missing", column, pl.col(column).is_null())


def fill_missing(ledger: Ledger, rules: dict[str, Rule]) -> None:
    """Fills missing cells, by the rules that do."""
    for column, rule in rules.items():
        if rule.method != DELETE:
            said = rule.method if not rule.argument else f"{rule.method} ({rule.argument})"
            ledger.change("impute", f"{column}: missing, {said}", column, _filled(ledger, column, rule))


def _filled(ledger: Ledger, column: str, rule: Rule) -> pl.Series:
    rows, known = ledger.rows, pl.col(column)
    if rule.method == INTERPOLATE:
        return _interpolated(rows, column)
    if rule.method == CONSTANT:
        value = pl.lit(_constant(f"{ledger.table}.{column}", rule.argument, rows.schema[column]))
        return rows.select(known.fill_null(value.cast(rows.schema[column]))).to_series()
    # Of values that are equally frequent, the least: the same for the same data.
    usual = known.median() if rule.method == MEDIAN else known.drop_nulls().mode().min()
    if rule.argument:
        usual = pl.coalesce(usual.over(rule.argument), usual)
    return rows.select(known.fill_null(_as(rows.schema[column], usual))).to_series()


def _interpolated(rows: pl.DataFrame, column: str) -> pl.Series:
    """Returns values on the straight line, over time, between an item's values before and after.

    Before its first value and after its last one an item has that value.
    """
    value = pl.col(column).cast(pl.Float64)
    line = value.interpolate_by(_TIME)
    held = rows.with_row_index("row").sort(_TIME, maintain_order=True).select(
        "row", value=line.forward_fill().backward_fill().over(_ITEM)
    )  # fmt: skip
    known = pl.col(column).fill_null(_as(rows.schema[column], pl.lit(held.sort("row")["value"])))
    return rows.select(known).to_series()


def _as(kind: pl.DataType, value: pl.Expr) -> pl.Expr:
    """Returns a number as its column has it: whole in a column of whole numbers."""
    return value.round().cast(kind) if kind.is_integer() else value


def _constant(column: str, text: str, kind: pl.DataType) -> int | float | str:
    try:
        return int(text) if kind.is_integer() else float(text) if kind.is_float() else text
    except ValueError as error:
        raise InputError(f"cleaner.missing has {column}='constant:{text}', which is no number") from error


def _check(ledger: Ledger, column: str, rule: Rule) -> None:
    """Raises InputError if a rule can't be followed on this table."""
    grouping = [rule.argument] if rule.argument and rule.method != CONSTANT else []
    needed = [column, *grouping, *((_TIME, _ITEM) if rule.method == INTERPOLATE else ())]
    absent = [name for name in needed if name not in ledger.rows.columns]
    if absent:
        there = ", ".join(ledger.rows.columns[1:])
        raise InputError(f"cleaner.missing needs {ledger.table}.{absent[0]}; the table has: {there}")
    if rule.method in (MEDIAN, INTERPOLATE) and not ledger.rows.schema[column].is_numeric():
        raise InputError(
            f"cleaner.missing has {ledger.table}.{column}={rule.method!r}, but the column holds text"
        )
