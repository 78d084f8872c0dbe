"""UCI Online Retail (data set 352) as canonical tables: renamed and reshaped, never cleaned.

An invoice line is an event. Invoices that start with `C` are cancellations, hence returns; all else is
a purchase, postage, stock notes and zero prices included. A line without a customer keeps an empty
`user_id`. The data set has no catalogue, so `items` holds every (StockCode, Description) pair that
occurs, with `lines` saying how often: the weight by which the cleaner settles which title is right.
"""

from __future__ import annotations

import pathlib

import polars as pl

from aisle.datasets.destination import Counts, new_folder
from aisle.datasets.source import read_text_csv, source_files
from aisle.schema.errors import InputError

COLUMNS = (
    "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country",
)  # fmt: skip
CANCELLATION = "C"
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"
_OF_EXCEL = "%m/%d/%Y %H:%M"
"""`12/1/2010 8:26`, the first of December: so the workbook's dates come out where a program of the United States saves it."""


def convert(src: pathlib.Path, dest: pathlib.Path) -> Counts:
    """Writes `items.csv`, `users.csv` and `events/`, one file for each file of `src`.

    Args:
        src: a CSV file, or a folder of them (one a day), as UCI's columns.
        dest: the folder to write into; it must hold no table yet.

    Returns:
        The rows written by table.

    Raises:
        InputError: if `src` is not that data set, or `dest` can't be used.
    """
    files = source_files(src, ".csv")
    lines = [_rename(_with_iso_times(path, read_text_csv(path, COLUMNS))) for path in files]
    events_folder = new_folder(dest) / "events"
    events_folder.mkdir()
    for path, frame in zip(files, lines, strict=True):
        frame.drop("country").write_csv(events_folder / f"{path.stem}.csv")
    everything = pl.concat(lines)
    items, users = _items(everything), _users(everything)
    items.write_csv(dest / "items.csv")
    users.write_csv(dest / "users.csv")
    return {"items": len(items), "users": len(users), "events": len(everything)}


def _with_iso_times(path: pathlib.Path, raw: pl.DataFrame) -> pl.DataFrame:
    """Returns the lines with `InvoiceDate` in ISO 8601.

    Raises:
        InputError: a date is of neither form.
    """
    date = pl.col("InvoiceDate")
    converted = date.str.to_datetime(_OF_EXCEL, strict=False).dt.strftime("%Y-%m-%d %H:%M:%S")
    iso = raw.select(pl.when(date.str.contains(_ISO)).then(date).otherwise(converted)).to_series()
    wrong = raw.filter(iso.is_null() & raw["InvoiceDate"].is_not_null())
    if len(wrong):
        raise InputError(
            f"{path}: {len(wrong):,} InvoiceDate can't be read, such as {wrong['InvoiceDate'][0]!r}; expected "
            "2010-12-01 08:26:00 or 12/1/2010 8:26 (month first)"
        )
    return raw.with_columns(InvoiceDate=iso)


def _rename(raw: pl.DataFrame) -> pl.DataFrame:
    """Returns the invoice lines as events, in their order, with `description` and `country` beside them."""
    is_return = pl.col("InvoiceNo").str.starts_with(CANCELLATION).fill_null(False)
    return raw.select(
        timestamp="InvoiceDate",
        event=pl.when(is_return).then(pl.lit("return")).otherwise(pl.lit("purchase")),
        item_id="StockCode",
        # pandas wrote the ids as floats, because the column has gaps: 17850.0 is customer 17850.
        user_id=pl.col("CustomerID").str.replace(r"^(\d+)\.0$", "$1"),
        session_id="InvoiceNo",
        quantity="Quantity",
        price="UnitPrice",
        description="Description",
        country="Country",
    )


def _items(lines: pl.DataFrame) -> pl.DataFrame:
    """Returns one row for each distinct (item_id, description), in order of first appearance."""
    return (
        lines.group_by("item_id", "description", maintain_order=True)
        .agg(
            price=pl.col("price").last(),
            available_at=pl.col("timestamp").first(),
            lines=pl.len(),
        )
        .rename({"description": "title"})
    )


def _users(lines: pl.DataFrame) -> pl.DataFrame:
    """Returns the distinct (user_id, country) pairs; a customer may have several countries."""
    known = lines.filter(pl.col("user_id").is_not_null())
    return known.select("user_id", "country").unique(maintain_order=True)
