"""The rows' fates counted: all that the judgement needs of a table, however large it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from aisle.components.cleaner.losses.fates import FILE, PARTED_BY

WHOLE = ""
"""What the whole table is parted by."""
EXAMPLES = 3
"""Rows of a reason that are told."""
_AT = "at"
_REASON = ("column", "reason")


@dataclasses.dataclass(frozen=True)
class Tally:
    """What became of a table.

    Attributes:
        rows: how many were read.
        counts: by what `PARTED_BY` names: a row a value, with its `rows` and how many of them were `lost`.
        reasons: by the same, and by `WHOLE`: a row a value, `column` and `reason`, in the order in which they came; how many
            `rows` were lost so, and the first `EXAMPLES` of them, each with its place among all (`at`), `file`, `line` and
            `value`.
    """

    rows: int
    counts: Mapping[str, pl.DataFrame]
    reasons: Mapping[str, pl.DataFrame]


def tally(table: str, fates: Iterable[pl.DataFrame]) -> Tally:
    """Counts fates.

    Args:
        table: whose rows' they are.
        fates: see `fates.fates`, piece by piece.
    """
    rows, parted = 0, PARTED_BY.get(table, (FILE,))
    counts: dict[str, list[pl.DataFrame]] = {by: [] for by in parted}
    reasons: dict[str, list[pl.DataFrame]] = {by: [] for by in (WHOLE, *parted)}
    is_lost = pl.col("reason").is_not_null()
    for piece in fates:
        for by, found in counts.items():
            of_piece = piece.filter(pl.col(by) != "").group_by(by)
            found.append(of_piece.agg(rows=pl.len().cast(pl.Int64), lost=is_lost.sum().cast(pl.Int64)))
        lost = piece.with_row_index(_AT, offset=rows).filter(is_lost)
        lost = lost.with_columns(pl.col("column").fill_null(""), pl.col(_AT).cast(pl.Int64))
        for by, before in reasons.items():
            reasons[by] = [_added([*before, _reasons(lost, by)], by)]
        rows += len(piece)
    summed = {
        by: pl.concat(found).group_by(by).agg(pl.col("rows", "lost").sum()) for by, found in counts.items()
    }
    return Tally(rows, summed, {by: found for by, (found,) in reasons.items()})


def _added(parts: Sequence[pl.DataFrame], by: str) -> pl.DataFrame:
    """Adds up the reasons of some rows and of those behind them."""
    groups = pl.concat(parts).group_by(_keys(by), maintain_order=True)
    return groups.agg(pl.col("rows").sum(), pl.col("examples").explode().head(EXAMPLES))


def _reasons(lost: pl.DataFrame, by: str) -> pl.DataFrame:
    """Counts why the rows of a piece were lost."""
    told = lost if by == WHOLE else lost.filter(pl.col(by) != "")
    example = pl.struct(_AT, "file", "line", "value").head(EXAMPLES)
    return told.group_by(_keys(by), maintain_order=True).agg(rows=pl.len().cast(pl.Int64), examples=example)


def _keys(by: str) -> list[str]:
    return [*_REASON] if by == WHOLE else [by, *_REASON]
