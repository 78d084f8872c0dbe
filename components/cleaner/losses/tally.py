"""The rows' fates counted: all that the judgement needs of a table, however large it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import polars as pl

from aisle.components.cleaner.losses.fates import FILE, PARTED_BY

WHOLE = ""
"""What the whole table is parted by."""
EXAMPLES = 3
"""Rows of a reason that are told."""
_AT = "at"
_REASON, _PLACE = ("column", "reason"), (_AT, "file", "line", "value")


@dataclasses.dataclass(frozen=True)
class Tally:
    """What became of a table.

    Attributes:
        rows: how many were read.
        counts: by what `PARTED_BY` names: a row a value, with its `rows` and how many of them were `lost`.
        reasons: by the same, and by `WHOLE`: a row a value, `column` and `reason`, and how many `rows` were lost so.
        examples: by the same: of each of these the first `EXAMPLES` rows, with the place among all (`at`), `file`, `line` and
            `value`.
    """

    rows: int
    counts: Mapping[str, pl.DataFrame]
    reasons: Mapping[str, pl.DataFrame]
    examples: Mapping[str, pl.DataFrame]


def tally(table: str, fates: Iterable[pl.DataFrame]) -> Tally:
    """Counts fates.

    Args:
        table: whose rows' they are.
        fates: see `fates.fates`, piece by piece.
    """
    rows, parted = 0, PARTED_BY.get(table, (FILE,))
    counts: dict[str, list[pl.DataFrame]] = {by: [] for by in parted}
    reasons: dict[str, list[pl.DataFrame]] = {by: [] for by in (WHOLE, *parted)}
    examples: dict[str, list[pl.DataFrame]] = {by: [] for by in reasons}
    is_lost = pl.col("reason").is_not_null()
    for piece in fates:
        for by, found in counts.items():
            # Filtered first: the few texts of a group would hold all texts of the piece that they are of.
            of_piece = piece.filter(pl.col(by) != "").group_by(by)
            found.append(of_piece.agg(rows=pl.len().cast(pl.Int64), lost=is_lost.sum().cast(pl.Int64)))
        lost = piece.with_row_index(_AT, offset=rows).filter(is_lost)
        lost = lost.with_columns(pl.col("column").fill_null(""), pl.col(_AT).cast(pl.Int64))
        for by in reasons:
            keys = [*_REASON] if by == WHOLE else [by, *_REASON]
            told = lost if by == WHOLE else lost.filter(pl.col(by) != "")
            why = told.group_by(keys).agg(rows=pl.len().cast(pl.Int64))
            reasons[by] = [pl.concat([*reasons[by], why]).group_by(keys).agg(pl.col("rows").sum())]
            first = pl.concat([*examples[by], told.select(*dict.fromkeys((*keys, *_PLACE)))])
            examples[by] = [first.group_by(keys, maintain_order=True).head(EXAMPLES)]
        rows += len(piece)
    summed = {
        by: pl.concat(found).group_by(by).agg(pl.col("rows", "lost").sum()) for by, found in counts.items()
    }
    kept = ({by: found for by, (found,) in each.items()} for each in (reasons, examples))
    return Tally(rows, summed, *kept)
