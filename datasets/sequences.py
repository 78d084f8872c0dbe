"""Item sequences (one line a user: `user item item …`, oldest first) as canonical tables.

The source has neither times nor titles, and both are required, so they are made up by rule: the last item
of every sequence is bought on `LAST_DAY`, each one before it two days earlier, and a title is `item` and the
id (a number alone would be no title). Order within a user is real; the time between users is not. A test
window of one day and a validation window of two (`labels.test_days=1`, `labels.eval_days=2`) so hold each
user's last item and the one before it: leave one out.
"""

from __future__ import annotations

import datetime
import pathlib

import polars as pl

from aisle.datasets.destination import Counts, new_folder
from aisle.datasets.source import source_files
from aisle.schema.errors import InputError

LAST_DAY = datetime.datetime(2014, 7, 1)
"""When the last item of every sequence is bought, UTC."""
DAYS_BETWEEN = 2


def convert(src: pathlib.Path, dest: pathlib.Path) -> Counts:
    """Writes `items.csv`, `users.csv` and `events.csv` (purchases, in the order of the source).

    Args:
        src: a text file of sequences, or a folder with exactly one `.txt` file.
        dest: the folder to write into; it must hold no table yet.

    Returns:
        The rows written by table.

    Raises:
        InputError: if `src` is not such a file, or `dest` can't be used.
    """
    files = source_files(src, ".txt")
    if len(files) > 1:
        raise InputError(f"{src} holds {len(files)} .txt files; name the one to convert")
    sequences = _read(files[0])
    events = _events(sequences)
    items = (
        events.select("item_id")
        .unique(maintain_order=True)
        .with_columns(pl.format("item {}", "item_id").alias("title"))
    )
    users = sequences.select("user_id").unique(maintain_order=True)
    new_folder(dest)
    items.write_csv(dest / "items.csv")
    users.write_csv(dest / "users.csv")
    events.write_csv(dest / "events.csv", datetime_format="%Y-%m-%d %H:%M:%S")
    return {"items": len(items), "users": len(users), "events": len(events)}


def _read(path: pathlib.Path) -> pl.DataFrame:
    """Returns one row a line: `user_id`, and `item_id` as a list, oldest first."""
    users: list[str] = []
    items: list[list[str]] = []
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                fields = line.split()
                if len(fields) < 2:
                    raise InputError(f"{path}, line {number}: expected `user item …`, got {line.strip()!r}")
                users.append(fields[0])
                items.append(fields[1:])
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file in UTF-8") from error
    if not users:
        raise InputError(f"{path} is empty; expected a line `user item item …` for each user")
    return pl.DataFrame({"user_id": users, "item_id": items})


def _events(sequences: pl.DataFrame) -> pl.DataFrame:
    """Returns the sequences as one purchase a row, dated by the rule above."""
    before = pl.int_ranges(pl.col("item_id").list.len(), 0, -1).alias("before")
    return (
        sequences.with_columns(before)
        .explode("item_id", "before")
        .select(
            timestamp=pl.lit(LAST_DAY) - pl.duration(days=(pl.col("before") - 1) * DAYS_BETWEEN),
            event=pl.lit("purchase"),
            item_id="item_id",
            user_id="user_id",
        )
    )
