"""The ledgers of a table's parts as the one that the whole table would have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import polars as pl

from aisle.components.cleaner.ledger import Ledger
from aisle.components.plans.spool import ROW

_EXAMPLES = 3


def enter_parts(whole: Ledger, parts: Sequence[Ledger]) -> None:
    """Enters into a table's ledger what those of its parts say, step by step and in the order of the rows.

    All parts took the same steps, if each of them touched none of some parts' rows.

    Args:
        whole: of the table, with what couldn't be read.
        parts: of the parts; they are emptied.
    """
    whole.left = sum(part.left or 0 for part in parts)
    entries: dict[int, list[tuple[Ledger, int]]] = defaultdict(list)
    for part in parts:
        for nth, (call, _) in enumerate(part.entries):
            entries[call].append((part, nth))
    for call in sorted(entries):
        whole.calls = call
        _enter(whole, entries[call])
    for part in parts:
        part.evidence.clear()
    taken: dict[int, list[tuple[pl.DataFrame, pl.DataFrame]]] = defaultdict(list)
    for part in parts:
        calls = [
            call
            for (call, _), step in zip(part.entries, part.steps, strict=True)
            if step["outcome"] == "quarantined"
        ]
        for call, *frames in zip(calls, part.quarantine, part.taken, strict=True):
            taken[call].append((frames[0], frames[1]))
        part.quarantine.clear()
    for call in sorted(taken):
        rows = pl.concat([frame for _, frame in taken[call]])
        order = rows[ROW].arg_sort()
        whole.taken.append(rows[order])
        whole.quarantine.append(pl.concat([records for records, _ in taken.pop(call)])[order])


def _enter(whole: Ledger, found: Sequence[tuple[Ledger, int]]) -> None:
    """Enters one step."""
    steps = [part.steps[nth] for part, nth in found]
    touched = [_touched(part, nth) for part, nth in found]
    first = {
        number: example
        for numbers, step in zip(touched, steps, strict=True)
        for number, example in zip(numbers.head(_EXAMPLES), step["examples"], strict=True)
    }
    rows = pl.concat(touched)
    order = rows.arg_sort()
    rows = rows[order]
    places = pl.concat([part.evidence[nth].select("file", "line") for part, nth in found])[order]
    said = {name: steps[0][name] for name in ("step", "reason", "outcome", "column")}
    differing = [step for step in steps if any(step[name] != said[name] for name in said)]
    if differing:
        raise ValueError(f"parts of {whole.table} took other steps: {said}, {differing[0]}")
    examples = [first[number] for number in rows.head(_EXAMPLES)]
    whole.enter(said["step"], said["reason"], said["outcome"], places, examples, said["column"], rows)


def _touched(part: Ledger, nth: int) -> pl.Series:
    """The numbers of the rows that a step of a part touched; what a part's ledger says was read, so there are some."""
    rows = part.entries[nth][1]
    return pl.Series(ROW, [], pl.UInt32) if rows is None else rows
