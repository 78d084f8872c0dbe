"""Plants faults into the lines of a table's CSV files, and says exactly where each one is."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from aisle.datasets.simulator.faults.bots import (
    BOT_ROWS,
    BOT_SESSION,
    BOT_USER,
    crawling_user,
    racing_session,
)
from aisle.datasets.simulator.faults.kinds import FaultKind

BOT_SHARE = 0.2
"""Of the planted event rows, at most this share is bots'."""
_BOTS = {BOT_SESSION: racing_session, BOT_USER: crawling_user}
_BOT_COLUMNS = {BOT_SESSION: "session_id", BOT_USER: "user_id"}


@dataclasses.dataclass(frozen=True)
class Fault:
    """A planted fault.

    Attributes:
        table: the canonical table.
        file: the file, relative to the data folder.
        line: the physical line in it, the header being line 1.
        kind: the name of the kind of fault.
        column: the column it is in; "" where the whole line is the fault.
        value: what stands there now; bytes that are not UTF-8 are written as `\\xff`.
    """

    table: str
    file: str
    line: int
    kind: str
    column: str
    value: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """Which rows of a table get which fault: row numbers from 0 over all its files, in their order."""

    faults: dict[int, FaultKind]
    bots: Mapping[int, str] = dataclasses.field(default_factory=dict)
    """Rows after which a bot's clicks follow, and which kind of bot."""


@dataclasses.dataclass(frozen=True)
class _Planted:
    """A line that holds a fault."""

    line: bytes
    kind: str
    column: str
    value: str


def plan_faults(
    kinds: Sequence[FaultKind],
    is_sale: NDArray[np.bool_],
    dirt: float,
    rng: np.random.Generator,
    with_bots: bool = False,
) -> Plan:
    """Returns a plan that hits about the share `dirt` of the rows, every kind about as often.

    Args:
        kinds: the kinds of fault to plant.
        is_sale: [n] whether each row has a quantity and a price; at most half of these are hit by the
            kinds that need them, and the other kinds make up for it.
        dirt: the share of rows, 0 to 1.
        rng: draws the rows.
        with_bots: whether a fifth of the faults may be bots', of both kinds in turn.
    """
    total = round(dirt * len(is_sale))
    bots = int(total * BOT_SHARE) // BOT_ROWS if with_bots else 0
    total -= bots * BOT_ROWS
    sale_kinds = [kind for kind in kinds if kind.sales_only]
    other_kinds = [kind for kind in kinds if not kind.sales_only]
    sales = np.flatnonzero(is_sale)
    on_sales = min(round(total * len(sale_kinds) / len(kinds)), len(sales) // 2)
    sale_rows = rng.choice(sales, on_sales, replace=False)
    others = np.setdiff1d(np.arange(len(is_sale)), sale_rows, assume_unique=True)
    other_rows = rng.choice(others, min(total - on_sales, len(others)), replace=False)
    faults = {row: sale_kinds[nth % len(sale_kinds)] for nth, row in enumerate(sale_rows.tolist())}
    faults |= {row: other_kinds[nth % len(other_kinds)] for nth, row in enumerate(other_rows.tolist())}
    followed = rng.choice(len(is_sale), bots, replace=False).tolist() if bots else []
    return Plan(faults, {row: (BOT_SESSION, BOT_USER)[nth % 2] for nth, row in enumerate(followed)})


def plant(
    table: str, file: str, content: bytes, first_row: int, plan: Plan, rng: np.random.Generator
) -> tuple[bytes, list[Fault]]:
    """Returns the file with its faults planted, and where they are.

    Args:
        table: the canonical table.
        file: the file's path relative to the data folder.
        content: a clean CSV file whose rows are a line each.
        first_row: the number of its first row over all files of the table.
        plan: what to plant.
        rng: draws values and places.
    """
    header, *lines = content.splitlines()
    columns = header.decode().split(",")
    replaced: dict[int, _Planted] = {}
    inserted: dict[int, list[_Planted]] = defaultdict(list)
    for row in range(len(lines)):
        kind = plan.faults.get(first_row + row)
        if kind is not None:
            planted = _befall(kind, columns, lines[row], rng)
            if kind.copy:
                # Further down the file, as feeds that were sent twice have it; never before its original.
                inserted[int(rng.integers(row, len(lines)))].append(planted)
            else:
                replaced[row] = planted
        bot = plan.bots.get(first_row + row)
        if bot is not None:
            clicks = _BOTS[bot](first_row + row, columns, lines, row, rng)
            column = _BOT_COLUMNS[bot]
            inserted[row] += [_Planted(_encode(list(c.values())), bot, column, c[column]) for c in clicks]
    return _assemble(table, file, header, lines, replaced, inserted)


def _assemble(
    table: str,
    file: str,
    header: bytes,
    lines: list[bytes],
    replaced: dict[int, _Planted],
    inserted: dict[int, list[_Planted]],
) -> tuple[bytes, list[Fault]]:
    """Returns the file, and its faults by line."""
    output = [header]
    faults = []
    for row, line in enumerate(lines):
        changed = replaced.get(row)
        output.append(line if changed is None else changed.line)
        for planted in ([] if changed is None else [changed]) + inserted.get(row, []):
            if planted is not changed:
                output.append(planted.line)
            faults.append(Fault(table, file, len(output), planted.kind, planted.column, planted.value))
    return b"\n".join(output) + b"\n", faults


def _befall(kind: FaultKind, columns: list[str], line: bytes, rng: np.random.Generator) -> _Planted:
    """Returns the line with the fault in it."""
    row = dict(zip(columns, next(csv.reader([line.decode()])), strict=True))
    column = kind.edit(row, rng)
    cells = list(row.values())
    if kind.ragged:
        cells = cells[:-1] if rng.random() < 0.5 else [*cells, "surplus"]
    value = row.get(column, "").encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    # A copy that changes nothing is the same bytes, however they were quoted.
    changed = line if not column and not kind.ragged else _encode(cells)
    return _Planted(changed, kind.name, column, value)


def _encode(cells: list[str]) -> bytes:
    """Returns the cells as a CSV line without its end; surrogate escapes become the bytes they stand for."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(cells)
    return buffer.getvalue().encode("utf-8", "surrogateescape")
