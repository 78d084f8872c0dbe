"""What was planted into a simulated shop, and what of it the reader and the cleaner found, row by row."""

from __future__ import annotations

import dataclasses
import pathlib

import polars as pl

FAMILIES: dict[str, tuple[str, ...]] = {
    "sent twice, or outdated": (
        *("exact_duplicate", "near_duplicate", "partial_duplicate"),
        *("conflicting_title", "former_title", "former_country"),
    ),
    "unreadable": (
        *("wrong_type", "currency_price", "integer_overflow", "bad_timestamp", "ragged_row", "invalid_utf8"),
    ),
    "missing value": ("missing_item", "missing_required"),
    "impossible value": (
        *("bad_price", "nan_price", "bad_quantity", "bad_position", "bad_rating", "bad_stock", "bad_age"),
        *("bad_event", "future_timestamp", "epoch_timestamp", "unset_clock", "outlier_age"),
    ),
    "far from what is usual": ("outlier_price", "outlier_quantity"),
    "not in the catalogue": ("unknown_item", "non_product"),
    "case, space or markup": (
        *("event_noise", "item_noise", "title_noise", "category_noise", "country_noise", "script_in_title"),
    ),
    "click of a bot": ("bot_session", "bot_user"),
}
"""The kinds of planted faults, by what a shopkeeper would call them."""

OUTCOMES = ("quarantined", "merged", "changed", "noted")
"""What becomes of a row; of one that several steps touched the first of these is told."""
_ORDINARY = ("no customer", "cancellation or return", "purchase undone")
"""So begin the reasons that are no fault."""


@dataclasses.dataclass(frozen=True)
class Family:
    """How a family of faults fared.

    Attributes:
        name: of the family.
        planted: rows that have such a fault.
        found: how many of them were touched for a fault.
        outcomes: how many of these by outcome, those of OUTCOMES that occur.
    """

    name: str
    planted: int
    found: int
    outcomes: dict[str, int]


def read_families(shop: pathlib.Path, ledger: pathlib.Path) -> list[Family]:
    """`compare_rows` of a simulated shop's folder and that of the cleaner's ledger."""
    from aisle.components.tables import EVIDENCE_FILE
    from aisle.datasets.simulator import GROUND_TRUTH

    return compare_rows(
        pl.read_csv(shop / GROUND_TRUTH, infer_schema=False), pl.read_parquet(ledger / EVIDENCE_FILE)
    )


def compare_rows(truth: pl.DataFrame, evidence: pl.DataFrame) -> list[Family]:
    """Compares what was planted with the rows that were touched; families without a row are left out.

    Args:
        truth: `table`, `file`, `line`, `kind` of each planted fault.
        evidence: `table`, `file`, `line`, `reason`, `outcome` of each row touched (`tables.EVIDENCE_SCHEMA`).
    """
    place = ["table", "file", "line"]
    ordinary = pl.any_horizontal(pl.col("reason").str.starts_with(start) for start in _ORDINARY)
    rank = pl.col("outcome").replace_strict(OUTCOMES, range(len(OUTCOMES)), return_dtype=pl.Int64)
    touched = evidence.filter(~ordinary).group_by(place).agg(rank.min().alias("rank"))
    rows = truth.cast({"line": pl.Int64}).join(touched, on=place, how="left")
    families = []
    for name, kinds in FAMILIES.items():
        ranks = rows.filter(pl.col("kind").is_in(kinds))["rank"]
        counts = {outcome: int((ranks == i).sum()) for i, outcome in enumerate(OUTCOMES)}
        known = {outcome: count for outcome, count in counts.items() if count}
        families.append(Family(name, len(ranks), ranks.count(), known))
    return [family for family in families if family.planted]


def print_table(families: list[Family]) -> None:
    """Prints a row for each family, and their sum."""
    from rich.console import Console
    from rich.table import Table

    table = Table("Faults", show_footer=True)
    table.columns[0].footer = "all"
    for name in ("planted", "found"):
        total = sum(getattr(family, name) for family in families)
        table.add_column(name.capitalize(), f"{total:,}", justify="right")
    table.add_column("What became of the rows")
    for family in families:
        became = ", ".join(f"{count:,} {outcome}" for outcome, count in family.outcomes.items())
        table.add_row(family.name, f"{family.planted:,}", f"{family.found:,}", became)
    Console().print(table)
