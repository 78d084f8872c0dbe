"""Findings between tables: rows that speak of items and users no table knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from aisle.components.anomaly_gate.evidence import (
    MAX_CONTRIBUTORS,
    Finding,
    TableEvidence,
    contributor,
    first_rows,
)
from aisle.components.anomaly_gate.options import ERROR, WARNING, GateOptions

UNKNOWN_ITEMS = "UNKNOWN_ITEMS"
UNKNOWN_USERS = "UNKNOWN_USERS"


@dataclasses.dataclass(frozen=True)
class Reference:
    """A column whose values must be keys of another table."""

    table: str
    column: str
    target: str
    kind: str
    mend: str


_MEND_ITEMS = "Deliver the items in the same feed; until then the cleaner quarantines what speaks of them."
_MEND_USERS = "Deliver the users in the same feed; until then they count as users of whom nothing is known."

REFERENCES = (
    Reference("events", "item_id", "items", UNKNOWN_ITEMS, _MEND_ITEMS),
    Reference("judgements", "item_id", "items", UNKNOWN_ITEMS, _MEND_ITEMS),
    Reference("stock", "item_id", "items", UNKNOWN_ITEMS, _MEND_ITEMS),
    Reference("campaigns", "item_id", "items", UNKNOWN_ITEMS, _MEND_ITEMS),
    Reference("supply", "item_id", "items", UNKNOWN_ITEMS, _MEND_ITEMS),
    Reference("events", "user_id", "users", UNKNOWN_USERS, _MEND_USERS),
)


def reference_findings(tables: Sequence[TableEvidence], options: GateOptions) -> Iterator[Finding]:
    """Yields a finding for each column that names what its target table doesn't hold.

    An unknown item stops the run above `options.max_unknown_items_share`; an unknown user never does,
    since models answer for users they know nothing of.
    """
    by_name = {table.name: table for table in tables}
    for reference in REFERENCES:
        source, target = by_name.get(reference.table), by_name.get(reference.target)
        if source is None or target is None or source.rows is None or target.rows is None:
            continue
        if reference.column in source.rows.column_names and reference.column in target.rows.column_names:
            yield from _unknown(source, source.rows, target.rows, reference, options)


def _unknown(
    source: TableEvidence, rows: pa.Table, target: pa.Table, reference: Reference, options: GateOptions
) -> Iterator[Finding]:
    ids = rows[reference.column]
    unknown = _strangers(ids, target[reference.column])
    count, filled = pc.sum(unknown).as_py() or 0, len(ids) - ids.null_count
    if not count:
        return
    frequencies = pa.table({"id": ids.filter(unknown)}).group_by("id").aggregate([("id", "count")])
    top = frequencies.sort_by([("id_count", "descending"), ("id", "ascending")]).slice(0, MAX_CONTRIBUTORS)
    share, limit = count / filled, options.max_unknown_items_share
    blocks = reference.kind == UNKNOWN_ITEMS and share > limit
    yield Finding(
        reference.table, reference.column, reference.kind, ERROR if blocks else WARNING,
        what=f"{count:,} of {filled:,} rows name {frequencies.num_rows:,} {reference.target} that the table "
        f"{reference.target} does not hold{_unlike(target[reference.column], count == filled)}.",
        value=share, threshold=limit if reference.kind == UNKNOWN_ITEMS else None, unit="share",
        examples=tuple(source.examples(first_rows(pl.Series(pl.from_arrow(unknown))), reference.column)),
        contributors=tuple(
            contributor(row["id"], row["id_count"] / filled) for row in top.to_pylist()
        ),
        mend=reference.mend,
    )  # fmt: skip


def _strangers(ids: pa.ChunkedArray, keys: pa.ChunkedArray) -> pa.ChunkedArray:
    """Which ids name no key: [n] booleans. Blanks around them, case and width don't matter, as they don't to the cleaner."""
    unknown = pc.and_(pc.invert(pc.is_in(ids, value_set=pc.unique(keys.drop_null()))), ids.is_valid())
    if not pc.any(unknown).as_py():
        return unknown
    strange = pc.unique(ids.filter(unknown))
    known = _folded(keys).drop_nulls()
    once = known.filter(known.is_unique())
    found = strange.filter(pa.array(_folded(strange).is_in(once.implode()).to_list()))
    return pc.and_(unknown, pc.invert(pc.is_in(ids, value_set=found)))


def _folded(ids: pa.ChunkedArray) -> pl.Series:
    return pl.Series(pl.from_arrow(ids)).str.normalize("NFKC").str.strip_chars().str.to_lowercase()


def _unlike(keys: pa.ChunkedArray, all_unknown: bool) -> str:
    """How the keys look, where no id is one of them: they may be written in another way, or name something else."""
    first = keys.drop_null().slice(0, 1).to_pylist()
    return f"; its own are such as {first[0]!r}" if all_unknown and first else ""
