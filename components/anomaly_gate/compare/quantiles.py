"""Quantiles of a column that isn't held: the very numbers that `np.quantile` gives, in a few passes over its pieces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aisle.components.anomaly_gate.kept import Rows, ask

Floats = NDArray[np.float64]

GATHERED = 1 << 20
"""So many numbers are held at most, and partitioned; of more, those are counted that begin with the same bits."""
_BITS = 64
_DIGIT = 12


def finite(values: pl.Series) -> Floats:
    """Returns a column's numbers without the missing, the NaN and the infinite."""
    numbers: Floats = values.drop_nulls().cast(pl.Float64).to_numpy()
    return numbers[np.isfinite(numbers)]


def quantiles(
    rows: Rows, column: str, shares: Sequence[float], most_held: int = GATHERED
) -> list[float] | None:
    """Returns quantiles of a column's finite numbers, between two of them by a straight line as `np.quantile` does it.

    Args:
        rows: of the table.
        column: of numbers.
        shares: from 0 to 1.
        most_held: numbers in memory; more than that share all their bits with a quantile where they are equal to it.

    Returns:
        A number for each of the shares; None where there is no number.
    """
    if rows.num_rows <= most_held:
        shown = ask(rows, [column], lambda piece: pl.DataFrame({"value": finite(piece[column])}))
        values = shown["value"].to_numpy() + 0.0
        return np.quantile(values, shares).tolist() if len(values) else None
    counted = _counted(rows, column, _BITS - _DIGIT, _DIGIT, [0])
    count = int(counted["count"].sum())
    if not count:
        return None
    places = [share * (count - 1) for share in shares]
    ranks = sorted({min(rank, count - 1) for place in places for rank in (int(place), int(place) + 1)})
    of_rank = dict(zip(ranks, _of_ranks(rows, column, ranks, counted, most_held), strict=True))
    return [_between(of_rank[int(p)], of_rank[min(int(p) + 1, count - 1)], p - int(p)) for p in places]


def _between(low: float, high: float, part: float) -> float:
    """From the nearer end, as numpy reckons it, so that the last bit is the same."""
    apart = high - low
    return high - apart * (1 - part) if part >= 0.5 else low + apart * part


def _of_ranks(
    rows: Rows, column: str, ranks: list[int], counted: pl.DataFrame, most_held: int
) -> list[float]:
    """The numbers at some ranks (from 0) of the sorted ones.

    Numbers are ordered as their keys are (`_keys`). In each round those are counted that begin with the same bits, until they are
    all equal, or few enough, that share theirs with a number that is looked for: a radix selection.
    """
    shift, digit = _BITS - _DIGIT, _DIGIT
    begins, before = dict.fromkeys(ranks, 0), dict.fromkeys(ranks, 0)
    while True:
        for rank in ranks:
            inside = counted.filter(pl.col("begin") // 2**digit == begins[rank])
            ends = before[rank] + inside["count"].cum_sum()
            at = int((ends <= rank).sum())
            begins[rank], before[rank] = int(inside["begin"][at]), int(ends[at] - inside["count"][at])
        wanted = sorted(set(begins.values()))
        alike = counted.filter(pl.col("begin").is_in(pl.Series(wanted, dtype=pl.UInt64).implode()))
        if (alike["low"] == alike["high"]).all():
            least = dict(alike.select("begin", "low").iter_rows())
            return [_number(least[begins[rank]]) for rank in ranks]
        if alike["count"].sum() <= most_held:
            return _gathered(rows, column, shift, begins, before)
        digit = min(_DIGIT, shift)
        shift -= digit
        counted = _counted(rows, column, shift, digit, wanted)


def _counted(rows: Rows, column: str, shift: int, digit: int, begins: list[int]) -> pl.DataFrame:
    """The numbers whose beginning without its last digit is one of some, counted by their beginning.

    Returns:
        `begin`, the bits of a key before the last `shift`; `count`; `low` and `high`, the least and the largest key.
    """
    each = (pl.sum("count"), pl.min("low"), pl.max("high"))

    def show(piece: pl.DataFrame) -> pl.DataFrame:
        keys = _keys(finite(piece[column]))
        chosen = keys[np.isin(keys >> np.uint64(shift) >> np.uint64(digit), np.array(begins, np.uint64))]
        frame = pl.DataFrame({"begin": chosen >> np.uint64(shift), "low": chosen, "high": chosen})
        return frame.with_columns(count=pl.lit(1, pl.Int64)).group_by("begin").agg(each)

    shown: pl.DataFrame = ask(
        rows, [column], show, lambda shown: shown.group_by("begin").agg(each).sort("begin")
    )
    return shown


def _gathered(
    rows: Rows, column: str, shift: int, begins: dict[int, int], before: dict[int, int]
) -> list[float]:
    wanted = np.array(sorted(set(begins.values())), np.uint64)

    def show(piece: pl.DataFrame) -> pl.DataFrame:
        values = finite(piece[column])
        return pl.DataFrame({"value": values[np.isin(_keys(values) >> np.uint64(shift), wanted)]})

    # Adding zero makes one of the two zeros.
    values = np.sort(ask(rows, [column], show)["value"].to_numpy() + 0.0)
    first = _keys(values) >> np.uint64(shift)
    starts = {begin: int(np.searchsorted(first, np.uint64(begin))) for begin in set(begins.values())}
    return [float(values[starts[begins[rank]] + rank - before[rank]]) for rank in begins]


def _keys(values: Floats) -> NDArray[np.uint64]:
    """Whole numbers in the order of floats: their bits, of negative ones all turned, of others the sign."""
    bits = (values + 0.0).view(np.uint64)
    sign = np.uint64(1 << (_BITS - 1))
    keys: NDArray[np.uint64] = np.where(bits & sign != 0, ~bits, bits | sign).astype(np.uint64)
    return keys


def _number(key: int) -> float:
    """The float of a key."""
    sign = 1 << (_BITS - 1)
    bits = key ^ sign if key & sign else key ^ (2**_BITS - 1)
    return float(np.array([bits], np.uint64).view(np.float64)[0])
