"""How many planted faults the reader and the cleaner find, and how often they cry wolf.

Simulates a shop, plants faults of some fifty kinds, reads and cleans its tables as a run does, and compares
which rows were found, and why, with the ground truth. Then it does so with small shops that are strange but clean,
of which no row may be lost.

    python -m benchmarks.data.data_quality --events 500000 --campaigns 20000 --dirt 0.05 --seed 0
"""

from __future__ import annotations

import dataclasses
import pathlib
import time
from typing import Any

import polars as pl

from aisle.datasets import strange_shops
from aisle.datasets.simulator import GROUND_TRUTH, SimulatorOptions, simulate, write
from benchmarks.shared.command import Command, Figure
from benchmarks.shared.results import table
from benchmarks.shared.training import clean_tables, read_tables

DEFINITE, FUZZY = 0.99, 0.9
"""The least recall and precision: of what can be known for sure, and of what can only be judged."""
FUZZY_KINDS = frozenset(
    {"near_duplicate", "partial_duplicate", "outlier_price", "outlier_quantity", "bot_session", "bot_user"}
)
NOT_A_VALUE = frozenset({"wrong_type", "currency_price"})
BAD_NUMBER = frozenset({"bad_price", "nan_price"})

CLAIMS: dict[str, frozenset[str]] = {
    # The reader's reasons.
    "missing required value": frozenset({"missing_item", "missing_required", "nan_bid"}),
    "not a number": NOT_A_VALUE,
    "not an integer": NOT_A_VALUE | {"nan_bid"},
    "integer beyond 64 bits": frozenset({"integer_overflow"}),
    "not a timestamp": frozenset({"bad_timestamp"}),
    "wrong number of cells": frozenset({"ragged_row"}),
    "invalid UTF-8": frozenset({"invalid_utf8"}),
    # The cleaner's.
    "exact duplicate": frozenset({"exact_duplicate"}),
    "the same within": frozenset({"near_duplicate", "partial_duplicate"}),
    "unknown item": frozenset({"unknown_item"}),
    "unknown item, of a code": frozenset({"non_product"}),
    "unknown event": frozenset({"bad_event"}),
    "timestamp at the epoch": frozenset({"epoch_timestamp"}),
    "timestamp in the future": frozenset({"future_timestamp"}),
    "timestamp far from": frozenset({"unset_clock"}),
    "bad price": BAD_NUMBER,
    "bad quantity": frozenset({"bad_quantity", "integer_overflow"}),
    "price outlier": frozenset({"outlier_price"}),
    "quantity outlier": frozenset({"outlier_quantity"}),
    "position below 1": frozenset({"bad_position"}),
    "rating outside": frozenset({"bad_rating"}),
    "event: case": frozenset({"event_noise"}),
    "item_id: Unicode": frozenset({"item_noise"}),
    "bot session": frozenset({"bot_session"}),
    "bot user": frozenset({"bot_user"}),
    "stock note": frozenset({"conflicting_title"}),
    "one title per": frozenset({"former_title"}),
    "title: Unicode": frozenset({"title_noise"}),
    "title: markup": frozenset({"script_in_title"}),
    "category: ": frozenset({"category_noise"}),
    "stock below zero": frozenset({"bad_stock"}),
    "available at the epoch": frozenset({"epoch_timestamp"}),
    "one country per": frozenset({"former_country"}),
    "country: ": frozenset({"country_noise"}),
    "bad bid": frozenset({"bad_bid"}),
    "bad budget": frozenset({"bad_budget"}),
    "unknown bid_kind": frozenset({"bad_bid_kind"}),
    "bad frequency_cap": frozenset({"bad_cap"}),
    "ended before it started": frozenset({"no_time"}),
    "neither an item nor": frozenset({"no_target"}),
    "an item and a category": frozenset({"two_targets"}),
    "unknown category": frozenset({"unknown_category"}),
    "another currency": frozenset({"other_currency"}),
    "age outside": frozenset({"outlier_age", "bad_age"}),
    "joined at the epoch": frozenset({"epoch_timestamp"}),
    "joined in the future": frozenset({"future_timestamp"}),
}
"""Which kinds of fault a row may have that a reason, so beginning, flags; other reasons accuse no row."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """How well one kind of fault is found.

    Attributes:
        table: where it was planted.
        kind: its name in the ground truth.
        planted: rows that have it.
        found: those of them that a reason flagged which may claim the kind.
        flagged: rows that those reasons flagged.
        right: those of them that were planted with any kind the reason may claim.
        goal: the least recall and precision.
    """

    table: str
    kind: str
    planted: int
    found: int
    flagged: int
    right: int
    goal: float

    @property
    def recall(self) -> float:
        """Of the planted rows, the share found."""
        return self.found / self.planted

    @property
    def precision(self) -> float:
        """Of the rows flagged, the share rightly flagged; 0 where none was."""
        return self.right / self.flagged if self.flagged else 0.0

    @property
    def reached(self) -> bool:
        """Whether recall and precision reach the goal."""
        return min(self.recall, self.precision) >= self.goal


@dataclasses.dataclass(frozen=True)
class Strange:
    """What became of a shop that is strange but clean.

    Attributes:
        name: the shop's.
        rows: how many were written.
        used: how many were used.
        reasons: why others were not.
    """

    name: str
    rows: int
    used: int
    reasons: list[str]

    @property
    def lost(self) -> int:
        """How many of its rows were lost: none should be."""
        return self.rows - self.used


def claimed(reason: str) -> frozenset[str]:
    """Returns the kinds that a reason may claim; the longest beginning in CLAIMS counts."""
    matches = [start for start in CLAIMS if reason.startswith(start)]
    return CLAIMS[max(matches, key=len)] if matches else frozenset()


def measure(truth: pl.DataFrame, evidence: pl.DataFrame) -> list[Kind]:
    """Compares what was found with what was planted.

    Args:
        truth: `table`, `file`, `line`, `kind` of each planted fault.
        evidence: as `aisle.components.tables.EVIDENCE_SCHEMA`.
    """
    claims = pl.DataFrame(
        [(reason, kind) for reason in evidence["reason"].unique() for kind in claimed(reason)],
        schema={"reason": pl.String, "claim": pl.String},
        orient="row",
    )
    place = ["table", "file", "line"]
    # A row with the kinds that were seen in it, each once, and the kind it was planted with, if any.
    seen = evidence.join(claims, on="reason").join(truth.select(*place, "kind"), on=place, how="left")
    rightful = claims.rename({"claim": "kind"}).with_columns(right=pl.lit(True))
    seen = seen.join(rightful, on=["reason", "kind"], how="left").group_by(*place, "claim").agg(
        right=pl.col("right").any(), kind=pl.col("kind").first()
    )  # fmt: skip
    found = seen.group_by("table", "claim").agg(
        flagged=pl.len(),
        right=pl.col("right").fill_null(False).sum(),
        found=(pl.col("kind") == pl.col("claim")).sum(),
    )
    planted = truth.group_by("table", "kind").agg(planted=pl.len())
    rows = planted.join(found, left_on=["table", "kind"], right_on=["table", "claim"], how="left")
    return [
        Kind(**row, goal=FUZZY if row["kind"] in FUZZY_KINDS else DEFINITE)
        for row in rows.fill_null(0).sort("table", "kind").iter_rows(named=True)
    ]


def run(options: SimulatorOptions, folder: pathlib.Path) -> tuple[list[Kind], dict[str, Any]]:
    """Simulates, reads and cleans a shop; returns how each kind fared, and the figures of the whole."""
    write(simulate(options), folder)
    start = time.perf_counter()
    read = read_tables(folder)
    reading = time.perf_counter() - start
    start = time.perf_counter()
    result = clean_tables(read, now=options.end_seconds * 1_000_000)
    cleaning = time.perf_counter() - start
    truth = pl.read_csv(folder / GROUND_TRUTH, schema_overrides={"line": pl.Int64})
    evidence = pl.DataFrame(pl.from_arrow(result.evidence)).cast({pl.Categorical: pl.String})
    lost = evidence.filter(pl.col("outcome").is_in(["quarantined", "merged"]))
    innocent = lost.join(truth, on=["table", "file", "line"], how="anti")
    by_reason = innocent.group_by("table", "reason").len("rows").sort("rows", descending=True)
    return measure(truth, evidence), {
        "read": {name: table.read for name, table in read.items()},
        "used": {name: table.num_rows for name, table in result.tables.items()},
        "faults": len(truth),
        "innocent_rows_lost": by_reason.to_dicts(),
        "seconds": {"read": round(reading, 2), "clean": round(cleaning, 2)},
    }


SHOP = {
    "events": 500_000,
    "users": 20_000,
    "items": 20_000,
    "days": 60,
    "dirt": 0.05,
    "seed": 0,
    "campaigns": 20_000,
}
"""The options of the simulated shop."""
FIGURES = (
    Figure("kinds_missed", lambda found: sum(not kind["reached"] for kind in found["kinds"]), most=0),
    Figure("strange_rows_lost", lambda found: sum(shop["lost"] for shop in found["strange_shops"]), most=0),
    Figure("least_recall", lambda found: min((kind["recall"] for kind in found["kinds"]), default=1.0)),
    Figure("least_precision", lambda found: min((kind["precision"] for kind in found["kinds"]), default=1.0)),
)


def run_strange(folder: pathlib.Path) -> list[Strange]:
    """Writes, reads and cleans the strange shops; returns what was lost of each."""
    shops = []
    for number, shop in enumerate(strange_shops.SHOPS):
        written = strange_shops.write_strange_shop(shop, folder / str(number))
        result = clean_tables(read_tables(folder / str(number)), now=strange_shops.END * 1_000_000)
        lost = sorted({str(row["reason"]) for row in result.quarantine.to_pylist()})
        used = sum(table.num_rows for table in result.tables.values())
        shops.append(Strange(shop.name, sum(written.values()), used, lost))
    return shops


def main() -> None:
    """Measures, prints and writes, as the command line says."""
    command = Command(__doc__, FIGURES)
    for name, default in SHOP.items():
        command.add_argument(f"--{name}", type=type(default), default=default)
    command.run(
        lambda told, scratch: measured(
            SimulatorOptions(**{name: vars(told)[name] for name in SHOP}), scratch
        ),
        {"data-quality": markdown},
    )


def measured(options: SimulatorOptions, folder: pathlib.Path) -> dict[str, Any]:
    """How each kind fared, and the figures of the whole; see `markdown`."""
    kinds, figures = run(options, folder / "shop")
    strange = run_strange(folder / "strange")
    rows = [
        {
            **dataclasses.asdict(kind),
            "recall": kind.recall,
            "precision": kind.precision,
            "reached": kind.reached,
        }
        for kind in kinds
    ]
    return {
        "options": {name: getattr(options, name) for name in SHOP},
        "kinds": rows,
        "strange_shops": [{**dataclasses.asdict(shop), "lost": shop.lost} for shop in strange],
        **figures,
    }


def markdown(found: dict[str, Any]) -> str:
    """The kinds as a table, and the figures."""
    head = ("table", "fault", "goal", "planted", "found", "recall", "flagged", "precision", "reached")
    rows = (
        (kind["table"], kind["kind"], f"{kind['goal']:.2f}", f"{kind['planted']:,}", f"{kind['found']:,}")
        + (f"{kind['recall']:.4f}", f"{kind['flagged']:,}", f"{kind['precision']:.4f}")
        + ("yes" if kind["reached"] else "**no**",)
        for kind in found["kinds"]
    )
    reached = sum(kind["reached"] for kind in found["kinds"])
    different = len({kind["kind"] for kind in found["kinds"]})
    return "\n".join([
        table(head, rows),
        "",
        f"{reached} of {len(found['kinds'])} kinds reach their goal ({different} different ones).",
        f"Read {sum(found['read'].values()):,} rows in {found['seconds']['read']} s, cleaned them in "
        f"{found['seconds']['clean']} s.",
        *(
            f"Lost without a fault of their own: {entry['rows']:,} {entry['table']}: {entry['reason']}."
            for entry in found["innocent_rows_lost"]
        ),
        "",
        table(
            ("strange but clean shop", "rows", "lost", "why"),
            (
                (shop["name"], f"{shop['rows']:,}", f"{shop['lost']:,}", "; ".join(shop["reasons"]))
                for shop in found["strange_shops"]
            ),
        ),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
