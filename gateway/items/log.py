"""What was told of items, as whole Parquet files of the table `items`, which the next `aisle run` may read.

Records go to a spool first, as those of events do. An hour's file has a row for each item that was told of in it: all that
is told of it now, and its title from the model where no title was told, since an item without one is none.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import pathlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from aisle.gateway.events import microseconds
from aisle.gateway.items.shelf import Shelf
from aisle.gateway.items.updates import FIELDS, Entries, Entry, Key, newest
from aisle.gateway.spool import Spool, read_spool
from aisle.schema.errors import InputError
from aisle.schema.tables import ITEMS
from aisle.schema.whole_files import whole_file

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("item_id", "title", "description", "category", "brand")),
        ("price", pa.float64()),
        ("stock", pa.int64()),
        ("withdrawn", pa.bool_()),
        ("updated_at", pa.timestamp("us", "UTC")),
    ]
)
"""The table `items`, whether it is withdrawn, and since when the latest of it is so."""

Titles = Callable[[Sequence[str]], Awaitable[Mapping[str, str]]]


class ItemLog:
    """Writes a data folder's `items/`; the folder is this process's alone, see `EventLog`."""

    def __init__(self, folder: pathlib.Path, now: Callable[[], datetime.datetime]) -> None:
        """Takes the folder, which is made where it is missing.

        Raises:
            InputError: it can't be written to.
        """
        self._items, spool = folder / ITEMS.name, folder / ".spool" / ITEMS.name
        try:
            self._items.mkdir(parents=True, exist_ok=True)
            spool.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"--log {folder} can't be written to: {error.strerror}") from error
        self._spool = Spool(spool, now)

    async def append(self, entries: Entries) -> None:
        """Keeps entries, and returns once they are safe; raises NotWritten."""
        await self._spool.append(
            [{"item_id": key.item_id, key.field: [*entry]} for key, entry in entries.items()]
        )

    async def recovered(self) -> Entries:
        """What a crash kept from its Parquet file; `roll` writes it."""
        return newest([_spooled(path) for path in await self._spool.finished()])

    async def written(self) -> Entries:
        """What the Parquet files say."""
        return await asyncio.to_thread(lambda: newest(map(_in_file, sorted(self._items.glob("*.parquet")))))

    async def roll(self, shelf: Shelf, titles: Titles, everything: bool = False) -> None:
        """Makes Parquet files of the hours that have passed.

        Args:
            shelf: has all that was told.
            titles: the model's of items by their ids; what it raises leaves the rest for the next time.
            everything: and of the current one.
        """
        for path in await self._spool.finished(everything):
            items = sorted({key.item_id for key in await asyncio.to_thread(_spooled, path)})
            known = await titles([item for item in items if not shelf.told(item).text("title")])
            rows = [row for item in items if (row := _row(shelf, item, known.get(item, "")))["title"]]
            await asyncio.to_thread(self._write, path, rows)

    async def close(self) -> None:
        """Ends the spool; see `roll`."""
        await self._spool.close()

    def _write(self, spooled: pathlib.Path, rows: list[dict[str, Any]]) -> None:
        if rows:
            with whole_file(self._items / f"{spooled.stem}.parquet", through=True) as partial:
                pq.write_table(pa.Table.from_pylist(rows, SCHEMA), partial)
        spooled.unlink()


def _row(shelf: Shelf, item_id: str, title: str) -> dict[str, Any]:
    told = shelf.told(item_id).values
    return {"title": title, **told, "item_id": item_id, "updated_at": shelf.latest(item_id)}


def _spooled(path: pathlib.Path) -> Entries:
    records: Iterable[dict[str, Any]] = read_spool(path)
    return newest(
        {Key(record["item_id"], name): Entry(*record[name]) for name in FIELDS if name in record}
        for record in records
    )


def _in_file(path: pathlib.Path) -> Entries:
    """The rows of a file as they were told; what was taken back is not among it."""
    return {
        Key(row["item_id"], name): Entry(microseconds(row["updated_at"]), json.dumps(row[name]))
        for row in pq.read_table(path).to_pylist()
        for name in FIELDS
        if row[name] is not None
    }
