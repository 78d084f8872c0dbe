"""Findings of leakage: extra columns that say what only the event itself could have told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from scipy import stats

from aisle.components.anomaly_gate.evidence import Finding, TableEvidence
from aisle.components.anomaly_gate.kept import Rows, ask, drawn, held_rows
from aisle.components.anomaly_gate.options import WARNING, GateOptions
from aisle.components.plans.spool import ROW
from aisle.schema import events as kinds
from aisle.schema.tables import TABLE_BY_NAME

LABEL_LEAKAGE = "LABEL_LEAKAGE"

MIN_CLASS_ROWS = 50
"""A class with fewer rows proves nothing."""
MAX_BINS = 100
MAX_VALUES = 1000
"""A text column with more values names things: each value's own rate says nothing of the next row's."""
MAX_ROWS = 500_000
"""Events that are looked at, drawn at random with a fixed seed: enough for any AUC."""
_MAX_GOAL_RATE = 0.9
"""Where nearly every row is a goal, whatever is filled in is filled in on goals."""
_MEND = "If the column is known only after the event, keep it out of the features. If it is known before, allow it."


def leakage_findings(tables: Sequence[TableEvidence], options: GateOptions) -> Iterator[Finding]:
    """Yields the extra columns that predict the goal too well to be known before it.

    Declared columns are left out: those that follow from the event (quantity, rating, …) are never
    features. Of events, a column's worth is its held-out AUC for "this event is a purchase"; of items and
    users, the rank correlation of a number with how many purchases they have; of judgements, with the grade.
    """
    by_name = {table.name: table for table in tables}
    events = by_name.get("events")
    rows = events.kept if events is not None else None
    if events is not None and rows is not None and "event" in rows.schema.names:
        yield from _of_events(events, rows, options)
        for name, key in (("items", "item_id"), ("users", "user_id")):
            table = by_name.get(name)
            if table is not None and table.held is not None and key in rows.schema.names:
                if not _extra_numbers(table.name, table.held):
                    continue
                counts = _purchases_by(key, rows, table.held)
                yield from _correlated(table, table.held, counts, f"the purchases of each {key}", options)
    judgements = by_name.get("judgements")
    if judgements is not None and judgements.held is not None and "grade" in judgements.held.column_names:
        grades = _numbers(judgements.held["grade"])
        yield from _correlated(judgements, judgements.held, grades, "the grade", options)


def held_out_auc(values: pl.Series, hit: NDArray[np.bool_]) -> float:
    """Returns how well a column tells hits from the rest, whatever the form of the relation.

    Numbers are cut at quantiles, a missing cell is a value of its own. Every second row gives each value
    its rate of hits; the AUC of these rates is taken on the other rows, so that a value seen once gives
    nothing away.

    Args:
        values: numbers or text, [n].
        hit: what is to be told, [n].

    Returns:
        The area under the ROC curve, from 0 to 1; 0.5 where a class is missing.
    """
    frame = pl.DataFrame({"bin": _binned(values), "hit": hit, "learn": np.arange(len(values)) % 2 == 0})
    bins = frame.group_by("bin").agg(
        learned=(pl.col("hit") & pl.col("learn")).sum(),
        seen=pl.col("learn").sum(),
        hits=(pl.col("hit") & ~pl.col("learn")).sum(),
        misses=(~pl.col("hit") & ~pl.col("learn")).sum(),
    )
    prior = float(hit.mean())
    rated = (
        bins.with_columns(rate=((pl.col("learned") + prior) / (pl.col("seen") + 1)).round(12))
        .group_by("rate")
        .agg(pl.col("hits").sum(), pl.col("misses").sum())
        .sort("rate")
    )
    hits, misses = rated["hits"].to_numpy(), rated["misses"].to_numpy()
    pairs = float(hits.sum()) * float(misses.sum())
    below = np.cumsum(misses) - misses
    return float((hits * (below + misses / 2)).sum() / pairs) if pairs else 0.5


def _binned(values: pl.Series) -> pl.Series:
    """Returns a value's bin: of numbers the quantile it lies in, else the value itself."""
    if not values.dtype.is_numeric():
        return values
    numbers = values.cast(pl.Float64).fill_nan(None)
    finite = numbers.filter(numbers.is_finite()).to_numpy()
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, MAX_BINS + 1))) if len(finite) else finite
    places = pl.Series(np.searchsorted(edges, numbers.fill_null(0.0).to_numpy(), side="right"))
    return pl.select(pl.when(numbers.is_not_null()).then(places)).to_series()


def _of_events(table: TableEvidence, rows: Rows, options: GateOptions) -> Iterator[Finding]:
    extra = _extra(table.name, rows.schema.names)
    if not extra:
        return
    sample = _sample(rows, "event")
    numbers, events = sample[ROW].to_numpy(), sample["event"]
    goals = _goals()
    hits = {goal: hit for goal, of in goals.items() if _has_both_classes(hit := _hits(events, of))}
    for name in extra if hits else ():
        values = _sample(rows, name)[name]
        found = (_of_column(table, values, goal, hit, numbers, options) for goal, hit in hits.items())
        # One finding a column: what tells a purchase often tells a click too.
        yield from [finding for finding in found if finding is not None][:1]


def _of_column(
    table: TableEvidence,
    values: pl.Series,
    goal: str,
    hit: NDArray[np.bool_],
    numbers: NDArray[np.uint32],
    options: GateOptions,
) -> Finding | None:
    filled = values.is_not_null().to_numpy()
    share = float(hit[filled].mean()) if filled.sum() >= MIN_CLASS_ROWS else 0.0
    if share > options.max_leakage and hit.mean() < _MAX_GOAL_RATE:
        return _leak(
            table, values.name, share, options, numbers[filled],
            f"The column is filled only where the event is a {goal}: what it holds is known afterwards.",
        )  # fmt: skip
    if not filled.any() or not (values.dtype.is_numeric() or values.n_unique() <= MAX_VALUES):
        return None
    auc = held_out_auc(values, hit)
    if auc <= options.max_leakage:
        return None
    return _leak(
        table, values.name, auc, options, numbers[hit],
        f"The column tells a {goal} from other events almost perfectly (AUC {auc:.4f}).",
    )  # fmt: skip


def _sample(rows: Rows, column: str) -> pl.DataFrame:
    """Returns a column of about `MAX_ROWS` of the rows, with their numbers."""
    shown: pl.DataFrame = ask(rows, [column], lambda piece: drawn(piece, rows.num_rows, MAX_ROWS))
    return shown


def _correlated(
    table: TableEvidence, rows: pa.Table, outcome: NDArray[np.float64], what: str, options: GateOptions
) -> Iterator[Finding]:
    for name in _extra_numbers(table.name, rows):
        values = _numbers(rows[name])
        known = np.isfinite(values) & np.isfinite(outcome)
        if known.sum() < MIN_CLASS_ROWS or np.ptp(values[known]) == 0 or np.ptp(outcome[known]) == 0:
            continue
        correlation = float(stats.spearmanr(values[known], outcome[known]).statistic)
        if abs(correlation) > options.max_leakage:
            yield _leak(
                table, name, abs(correlation), options, np.flatnonzero(known),
                f"The column follows {what} almost perfectly (rank correlation {correlation:.4f}).",
            )  # fmt: skip


def _leak(
    table: TableEvidence,
    name: str,
    value: float,
    options: GateOptions,
    rows: NDArray[np.integer[Any]],
    what: str,
) -> Finding:
    return Finding(
        table.name, name, LABEL_LEAKAGE, WARNING, what=what, value=value, threshold=options.max_leakage,
        examples=tuple(table.examples(rows[:3].tolist(), name)), mend=_MEND,
    )  # fmt: skip


def _goals() -> dict[str, list[str]]:
    """What the models learn to predict, and the events that show it."""
    return {kinds.PURCHASE.name: [kinds.PURCHASE.name], kinds.CLICK.name: list(kinds.weights())}


def _hits(events: pl.Series, goal: list[str]) -> NDArray[np.bool_]:
    hit: NDArray[np.bool_] = events.is_in(goal).fill_null(False).to_numpy()
    return hit


def _has_both_classes(hit: NDArray[np.bool_]) -> bool:
    return bool(min(hit.sum(), len(hit) - hit.sum()) >= MIN_CLASS_ROWS)


def _purchases_by(key: str, events: Rows, rows: pa.Table) -> NDArray[np.float64]:
    """Returns for each row of a table how many purchases name its key."""
    keys = pl.DataFrame({"key": pl.from_arrow(rows[key])})

    def show(piece: pl.DataFrame) -> pl.DataFrame:
        bought = piece.filter(pl.col("event") == kinds.PURCHASE.name).select(key=key)
        return bought.join(keys, on="key", how="semi").group_by("key").agg(hit=pl.len().cast(pl.Int64))

    counts = ask(
        events, ["event", key], show, lambda shown: shown.group_by("key").agg(pl.sum("hit")), by="key"
    )
    joined = keys.join(counts, on="key", how="left", maintain_order="left")
    found: NDArray[np.float64] = joined["hit"].fill_null(0).cast(pl.Float64).to_numpy()
    return found


def _extra(table: str, columns: Sequence[str]) -> list[str]:
    return [name for name in columns if TABLE_BY_NAME[table].column(name) is None]


def _extra_numbers(table: str, rows: pa.Table) -> list[str]:
    return _extra(table, held_rows(rows).numbers())


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Returns a column's numbers, NaN where there is none."""
    numbers: NDArray[np.float64] = (
        pl.Series(pl.from_arrow(column)).cast(pl.Float64).fill_null(float("nan")).to_numpy()
    )
    return numbers
