"""What a file of campaigns may hold."""

from __future__ import annotations

import datetime
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from aisle.gateway.ads.files import read_market
from tests.gateway.ads.conftest import campaign


def test_dates_and_timestamps_finer_than_microseconds_are_read(tmp_path: pathlib.Path) -> None:
    day = datetime.date(2026, 1, 1)
    told = pa.Table.from_pylist([{**campaign("c", "i4"), "starts_at": day}]).drop(["ends_at"])
    ends = pa.array([1_798_761_600_000_000_999], pa.timestamp("ns", "UTC"))
    pq.write_table(told.append_column("ends_at", ends), tmp_path / "c.parquet", version="2.6")
    (found,) = read_market(tmp_path / "c.parquet").campaigns
    assert (found.starts_at, found.ends_at) == (1_767_225_600_000_000, 1_798_761_600_000_000)
