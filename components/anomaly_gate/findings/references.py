"""Findings between tables: rows that speak of items and users no table knows."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aisle.components.anomaly_gate.evidence import Finding, TableEvidence, contributor
from aisle.components.anomaly_gate.findings.names import commonest
from aisle.components.anomaly_gate.kept import Rows, ask, where
from aisle.components.anomaly_gate.options import ERROR, WARNING, GateOptions
from aisle.components.plans.sorted_numbers import found_at

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
        rows = source.kept if source is not None else None
        known = target.held if target is not None else None
        if source is None or rows is None or known is None:
            continue
        if reference.column in rows.schema.names and reference.column in known.column_names:
            keys = Keys(pl.Series(pl.from_arrow(known[reference.column])))
            yield from _unknown(source, rows, keys, reference, options)


def _unknown(
    source: TableEvidence, rows: Rows, keys: Keys, reference: Reference, options: GateOptions
) -> Iterator[Finding]:
    column = reference.column
    count, first = where(rows, column, keys.lack)
    if not count:
        return
    filled = int(ask(rows, [column], lambda piece: piece.select(pl.col(column).count()))[column].sum())
    named = ask(rows, [column], lambda piece: _named(piece, column, keys), _most_named, by="id")
    distinct, top = int(named["ids"].sum()), commonest(named, "id")
    share, limit = count / filled, options.max_unknown_items_share
    blocks = reference.kind == UNKNOWN_ITEMS and share > limit
    yield Finding(
        reference.table, column, reference.kind, ERROR if blocks else WARNING,
        what=f"{count:,} of {filled:,} rows name {distinct:,} {reference.target} that the table "
        f"{reference.target} does not hold{keys.unlike() if count == filled else ''}.",
        value=share, threshold=limit if reference.kind == UNKNOWN_ITEMS else None, unit="share",
        examples=tuple(source.examples(first, column)),
        contributors=tuple(
            contributor(name, rows / filled) for name, rows in top.select("id", "rows").iter_rows()
        ),
        mend=reference.mend,
    )  # fmt: skip


def _named(piece: pl.DataFrame, column: str, keys: Keys) -> pl.DataFrame:
    """How often a piece names each id that no key is."""
    ids = piece[column].alias("id")
    return ids.filter(keys.lack(ids)).to_frame().group_by("id").agg(rows=pl.len().cast(pl.Int64))


def _most_named(shown: pl.DataFrame) -> pl.DataFrame:
    """The ids that are named most often, the first of them with how many there are."""
    counted = shown.group_by("id").agg(pl.sum("rows"))
    first = pl.int_range(pl.len()) == 0
    return commonest(counted, "id").with_columns(
        ids=pl.when(first).then(len(counted)).otherwise(0).cast(pl.Int64)
    )


class Keys:
    """The keys of a table, as all pieces of another are told them."""

    def __init__(self, keys: pl.Series) -> None:
        """Args: `keys`: texts, null where there is none, [n]."""
        self._given = keys
        self._known = Known(keys)

    def lack(self, ids: pl.Series) -> pl.Series:
        """Which ids name no key: [n] booleans. Blanks around them, case and width don't matter, as they don't to the cleaner."""
        unknown = ids.is_not_null() & ~self._known.hold(ids)
        if not unknown.any():
            return unknown
        strange = ids.filter(unknown).unique()
        found = strange.filter(self._folded_once.hold(_folded(strange)))
        return unknown & ~ids.is_in(found.implode())

    def unlike(self) -> str:
        """How the keys look: where no id is one of them, they may be written in another way, or name something else."""
        first = self._given.drop_nulls().head(1).to_list()
        return f"; its own are such as {first[0]!r}" if first else ""

    @functools.cached_property
    def _folded_once(self) -> Known:
        """The folded keys that only one row has."""
        known = _folded(self._given).drop_nulls()
        return Known(known.filter(known.is_unique()))


class Known:
    """Texts that others are looked up in, a piece at a time.

    Polars' `is_in` hashes all that is known anew for each piece. What is more than a piece is hashed once, and what is looked up
    compared with what has its hash.
    """

    def __init__(
        self, texts: pl.Series, hashed: Callable[[pl.Series, int], pl.Series] = pl.Series.hash
    ) -> None:
        """Args: `texts`: null where there is none, [n]; `hashed`: of texts and a seed, 64 bits of each."""
        self._texts, self._hashed = texts.drop_nulls().unique(), hashed

    def hold(self, texts: pl.Series) -> pl.Series:
        """Which of some texts are known, [n] booleans; a missing one isn't."""
        if len(self._texts) <= len(texts):
            return texts.is_in(self._texts.implode()).fill_null(False)
        seed, sorted_hashes, known = self._by_hash
        found = known.gather(found_at(sorted_hashes, self._hashed(texts, seed).to_numpy()))
        return (found == texts).fill_null(False)

    @functools.cached_property
    def _by_hash(self) -> tuple[int, NDArray[np.uint64], pl.Series]:
        """The first seed under which no two have the same hash, the hashes in their order, and whose they are."""
        for seed in itertools.count():
            hashes = self._hashed(self._texts, seed)
            # Of a hundred million texts two have the same hash once in four thousand times.
            if hashes.n_unique() == len(hashes):
                break
        order = hashes.arg_sort()
        return seed, hashes.gather(order).to_numpy(), self._texts.gather(order)


def _folded(ids: pl.Series) -> pl.Series:
    return ids.str.normalize("NFKC").str.strip_chars().str.to_lowercase()
