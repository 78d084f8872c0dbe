"""By which names events are called, and how often; bounded, however many names there are."""

from __future__ import annotations

import polars as pl

from aisle.components.anomaly_gate.evidence import MAX_CONTRIBUTORS
from aisle.components.anomaly_gate.kept import Rows, ask
from aisle.components.plans.spool import ROW
from aisle.schema.events import canonical


def event_names(events: Rows) -> pl.DataFrame:
    """Returns the names that events are called by.

    Returns:
        `event`; `rows`, how many are called so; `first`, the number of the first; `known`, whether it is a name of ours;
        `names`, how many names this row stands for. Of the names that aren't known those are told apart that a finding may
        list, the commonest and the first of the alphabet; in one row or several without `event` are the others together.
    """

    def find() -> pl.DataFrame:
        shown: pl.DataFrame = ask(events, ["event"], _counted, _told, by="event")
        return shown

    return events.once("names of events", find)


def commonest(counted: pl.DataFrame, name: str) -> pl.DataFrame:
    """Returns those of counted values that a finding lists: the commonest, of equals the first of the alphabet."""
    return counted.sort(["rows", name], descending=[True, False]).head(MAX_CONTRIBUTORS)


def _counted(piece: pl.DataFrame) -> pl.DataFrame:
    counted = piece.drop_nulls("event").group_by("event")
    return counted.agg(rows=pl.len().cast(pl.Int64), first=pl.col(ROW).min())


def _told(shown: pl.DataFrame) -> pl.DataFrame:
    counted = shown.group_by("event").agg(pl.sum("rows"), pl.min("first"))
    known = pl.Series([canonical(name) is not None for name in counted["event"]], dtype=pl.Boolean)
    counted = counted.with_columns(known=known, names=pl.lit(1, pl.Int64))
    strange = counted.filter(~pl.col("known"))
    listed = pl.concat([commonest(strange, "event"), strange.sort("event").head(MAX_CONTRIBUTORS)]).unique(
        "event"
    )
    others = strange.join(listed, on="event", how="anti")
    together = others.select(
        pl.lit(None, pl.String).alias("event"),
        pl.sum("rows"),
        pl.min("first"),
        pl.lit(False).alias("known"),
        pl.sum("names"),
    )
    return pl.concat([counted.filter("known"), listed, together.filter(pl.col("names") > 0)])
