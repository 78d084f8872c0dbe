"""The campaigns and the calibration that the gateway sells by, read again when their files change."""

from __future__ import annotations

import asyncio
import logging
import os
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aisle.ads.auction import Whole
from aisle.ads.calibration import SURFACES, Calibration
from aisle.ads.campaign import Campaign
from aisle.ads.market import Market
from aisle.ads.table import campaigns
from aisle.gateway.ads.ledger import MOST_MONEY
from aisle.schema.errors import InputError

LOOK_SECONDS = 1.0
"""How often the files are looked at."""
_LOG = logging.getLogger(__name__)


class Booked:
    """What may be sold, and what scores say of it.

    Attributes:
        market: of the campaigns.
        calibration: makes chances of scores.
        budgets: [campaigns], in micros.
        capped: the places of those that have a frequency cap.
        factors: by surface, see `Calibration.factors`; None where they change nothing.
    """

    def __init__(self, market: Market, calibration: Calibration) -> None:
        """Counts once what every request needs."""
        kept = market.campaigns
        self.market, self.calibration = market, calibration
        self.budgets: Whole = np.minimum(market.budgets(), MOST_MONEY)
        self.capped: Whole = np.flatnonzero([one.frequency_cap is not None for one in kept])
        factors = {where: calibration.factors(kept, where) for where in SURFACES}
        self.factors = {where: None if (one == 1).all() else one for where, one in factors.items()}


class Files:
    """Reads both files, and follows them.

    Attributes:
        booked: what they say now.
    """

    def __init__(self, table: pathlib.Path, calibration: pathlib.Path | None) -> None:
        """Reads them.

        Args:
            table: the Parquet file of the campaigns, `OUT/ads/campaigns.parquet`.
            calibration: the file of `aisle ads calibrate`; None takes the model's scores for chances.

        Raises:
            InputError: one can't be read, or says what can't be sold by.
        """
        self._paths = [path for path in (table, calibration) if path]
        self._table, self._calibration = table, calibration
        if calibration is None:
            _LOG.warning(
                "no --calibration: the model's scores are taken for chances of a click, and each click for a purchase"
            )
        self._marks = [_mark(path) for path in self._paths]
        self.booked = self._read()

    async def look(self) -> bool:
        """Reads what changed; returns whether anything did. What can't be read is logged, and the last one counts on."""
        marks = [_mark(path) for path in self._paths]
        if marks == self._marks:
            return False
        self._marks = marks
        try:
            self.booked = await asyncio.to_thread(self._read)
        except InputError as error:
            _LOG.error("campaigns stay as they were: %s", error)
            return False
        return True

    def _read(self) -> Booked:
        calibration = read_calibration(self._calibration) if self._calibration else Calibration.identity()
        return Booked(read_market(self._table), calibration)


def read_market(path: pathlib.Path) -> Market:
    """The campaigns of a Parquet file in the layout of the table, as a market.

    Raises:
        InputError: it can't be read, or a row says what no campaign can.
    """
    try:
        return Market(read_campaigns(path))
    except InputError as error:
        raise InputError(f"--campaigns {error}") from error


def read_campaigns(path: pathlib.Path) -> list[Campaign]:
    """The campaigns of a Parquet file in the layout of the table.

    Raises:
        InputError: it can't be read, or a row says what no campaign can.
    """
    try:
        rows = _in_microseconds(pq.read_table(path)).to_pylist()
    except (OSError, ValueError, pa.ArrowException) as error:
        said = " ".join(str(error).split())
        raise InputError(
            f"{path} can't be read: {said}; expected the Parquet file that a run, or `aisle ads campaigns SHOP`, makes of "
            "a shop's table campaigns"
        ) from error
    try:
        return campaigns(rows)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _in_microseconds(table: pa.Table) -> pa.Table:
    """A table whose timestamps and dates are microseconds since the epoch; what is finer is cut off."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) or pa.types.is_date(field.type):
            moments = pa.timestamp("us", getattr(field.type, "tz", None))
            finer = pa.types.is_timestamp(field.type) and field.type.unit == "ns"
            whole = table.column(place).cast(moments, safe=not finer).cast(pa.int64())
            table = table.set_column(place, field.name, whole)
    return table


def read_calibration(path: pathlib.Path) -> Calibration:
    """The calibration of a file.

    Raises:
        InputError: it can't be read, or is none.
    """
    try:
        return Calibration.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--calibration {path} can't be read: {error}") from error


def _mark(path: pathlib.Path) -> tuple[int, int, int] | None:
    """Tells a file from what is put in its place; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
