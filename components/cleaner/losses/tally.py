"""The rows' fates counted: all that the judgement needs of a table, however large it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import polars as pl

from aisle.components.cleaner.losses.fates import FILE, PARTED_BY


@dataclasses.dataclass(frozen=True)
class Tally:
    """What became of a table.

    Attributes:
        rows: how many were read.
        counts: by what `PARTED_BY` names: a row a value, with its `rows` and how many of them were `lost`.
        lost: the fates of the rows that were lost.
    """

    rows: int
    counts: Mapping[str, pl.DataFrame]
    lost: pl.DataFrame


def tally(table: str, fates: Iterable[pl.DataFrame]) -> Tally:
    """Counts fates.

    Args:
        table: whose rows' they are.
        fates: see `fates.fates`, piece by piece.
    """
    rows, lost = 0, []
    counts: dict[str, list[pl.DataFrame]] = {by: [] for by in PARTED_BY.get(table, (FILE,))}
    is_lost = pl.col("reason").is_not_null()
    for piece in fates:
        rows += len(piece)
        lost.append(piece.filter(is_lost).with_columns(pl.col("column").fill_null("")))
        for by, found in counts.items():
            of_piece = piece.filter(pl.col(by) != "").group_by(by)
            found.append(of_piece.agg(rows=pl.len().cast(pl.Int64), lost=is_lost.sum().cast(pl.Int64)))
    summed = {
        by: pl.concat(found).group_by(by).agg(pl.col("rows", "lost").sum()) for by, found in counts.items()
    }
    return Tally(rows, summed, pl.concat(lost))
