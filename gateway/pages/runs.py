"""What a run left: its cleaned tables, its reports, the versions that were pushed; and what was found to be low since."""

from __future__ import annotations

import dataclasses
import datetime
import json
import pathlib
import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from aisle.gateway.pages.reviews.said import Reviews
from aisle.serving.releases.pushed import Release, releases

LOW_STOCK = "low_stock.parquet"
"""Of `aisle replenish`, below the folder of the inventory's tables; see docs/inventory.md."""
_REPORT = re.compile(r"[a-z][a-z0-9_-]*\.(html|json|md)")
MEDIA_TYPES = {".html": "text/html", ".json": "application/json", ".md": "text/plain"}


class LowStock:
    """Which items will soon run out, by the last orders that were worked out: read again whenever these are."""

    def __init__(self, path: pathlib.Path | None = None) -> None:
        """Reads nothing yet.

        Args:
            path: of the table; it may be missing, and come later.
        """
        self._path, self._read = path, -1
        self._left: dict[str, float] = {}

    @property
    def left(self) -> Mapping[str, float]:
        """What lay there of each item that was low; nothing where nobody says."""
        try:
            written = self._path.stat().st_mtime_ns if self._path else -1
            if self._path and written != self._read:
                low = pq.read_table(self._path, columns=["item_id", "on_hand"], filters=[("low", "==", True)])
                self._left = dict(zip(*low.to_pydict().values(), strict=True))
                self._read = written
        except (OSError, pa.ArrowException):  # Of no such file, or of one that is none of ours.
            self._left, self._read = {}, -1
        return self._left


@dataclasses.dataclass(frozen=True)
class Run:
    """The folders of a run's output that the pages read.

    Attributes:
        tables: the cleaned tables; None where there are none.
        reports: the reports.
        serving: the base folder of the served versions.
        low_stock: which items will soon run out.
        reviews: what buyers say of items.
    """

    tables: pathlib.Path | None
    reports: pathlib.Path
    serving: pathlib.Path
    low_stock: LowStock = dataclasses.field(default_factory=LowStock)
    reviews: Reviews = dataclasses.field(default_factory=Reviews)

    def pushed(self) -> list[Release]:
        """The versions on the disk, the newest first; raises InputError."""
        return releases(self.serving)

    def report(self, name: str) -> pathlib.Path | None:
        """A report's file by its name; None of what is no report's name, or isn't there."""
        path = self.reports / name
        return path if _REPORT.fullmatch(name) and path.is_file() and not path.is_symlink() else None

    def reports_written(self) -> list[Report]:
        """The reports that can be looked at, in the order they were written."""
        found = [path for path in self.reports.glob("*.html") if self.report(path.name)]
        return [
            Report(path.stem, _time(path), _verdict(path.with_suffix(".json")))
            for path in sorted(found, key=lambda path: (path.stat().st_mtime, path.name))
        ]


@dataclasses.dataclass(frozen=True)
class Report:
    """A report: its name, when it was written, and its verdict, "" where it has none."""

    name: str
    written: datetime.datetime
    verdict: str


def _time(path: pathlib.Path) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.timezone.utc)


def _verdict(path: pathlib.Path) -> str:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if not isinstance(told, dict):
        return ""
    blessing = told.get("blessing")
    if isinstance(blessing, dict):
        return "blessed" if blessing.get("blessed") else "not blessed"
    losses = told.get("losses")
    return str(told.get("verdict") or (losses.get("verdict") if isinstance(losses, dict) else "") or "")
