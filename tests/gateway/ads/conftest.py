"""A gateway that sells places of the shop made by hand, by campaigns in a real file."""

from __future__ import annotations

import asyncio
import datetime
import pathlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aisle.gateway.ads.files import Files
from aisle.gateway.ads.ledger import Account, open_ledger
from aisle.gateway.ads.options import Selling
from aisle.gateway.ads.service import Ads
from aisle.gateway.recents.memory import MemoryStore
from aisle.serving.testing import AsyncFakeTransport
from tests.gateway.hand_made_shop import answers

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.timezone.utc)
NOW = 1_767_268_800_000_000
"""The same in microseconds."""
HOUR = 3_600_000_000
PATIENT = 1.5
"""Seconds after which a store is down: a busy machine's isn't."""
CHANCES = (0.4, 0.36, 0.32, 0.28, 0.24, 0.2)
"""Of i1 to i6: what the model scores, and what they are clicked with."""


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime.datetime:
        return self.at


def campaign(name: str, item: str = "", **changed: Any) -> dict[str, Any]:
    """A row of the table, of an advertiser of its own."""
    told = {"item_id": item, "category": "", "query": "", "bid": 1_000, "bid_kind": "click", "budget": 10_000}
    told |= {"starts_at": NOW - HOUR, "ends_at": NOW + 100 * HOUR, "frequency_cap": None}
    return {"campaign_id": name, "advertiser_id": f"of {name}", **told, **changed}


def write(path: pathlib.Path, rows: Sequence[dict[str, Any]]) -> pathlib.Path:
    """Writes the table as a run does."""
    table = pa.Table.from_pylist(list(rows))
    if "frequency_cap" in table.column_names:
        whole = table["frequency_cap"].cast(pa.int64())
        table = table.set_column(table.column_names.index("frequency_cap"), "frequency_cap", whole)
    pq.write_table(table, path)
    return path


class ScoringTransport(AsyncFakeTransport):
    """The shop made by hand, with chances of a click for scores."""

    def __init__(self) -> None:
        found = answers()

        def likely(name: str) -> Callable[[Any], dict[str, np.ndarray]]:
            def answer(asked: Any) -> dict[str, np.ndarray]:
                told = found[name](asked)
                places = [int(item.decode()[1:]) - 1 if item else 0 for item in told["item_ids"][0]]
                scores = np.array([CHANCES[place] for place in places], np.float32)
                told["scores"] = np.where(np.isfinite(told["scores"]), scores, -np.inf)
                return told

            return answer

        lists = {name: likely(name) for name in ("search", "filtered_search", "recommend")}
        super().__init__({**found, **lists})


@pytest.fixture
def sells(site: Callable, tmp_path: pathlib.Path) -> Callable[..., Any]:
    """Runs a coroutine on a site that sells by some campaigns."""

    def run(
        use: Callable[[Any], Coroutine],
        rows: Sequence[dict[str, Any]],
        address: str = "memory",
        store: Any = None,
        now: Callable[[], datetime.datetime] = lambda: NOON,
        calibration: pathlib.Path | None = None,
        name: str = "live",
        options: dict[str, Any] | None = None,
        **more: Any,
    ) -> Any:
        table = write(tmp_path / "campaigns.parquet", rows)

        def make(items: Any) -> Ads:
            (tmp_path / name).mkdir(exist_ok=True)
            files = Files(table, calibration)
            ledger = open_ledger(address, tmp_path / name, now, PATIENT)
            return Ads(files, ledger, Selling(**(options or {})), items.current.about, now)

        async def opened() -> Any:
            memory = store or MemoryStore(1_000, lambda: now().timestamp())
            opening = site(memory, now=now, name=name, sells=make, model=ScoringTransport(), **more)
            async with opening as one:
                one.table = table
                return await use(one)

        return asyncio.run(opened())

    return run


async def ask(site: Any, route: str = "search", **asked: Any) -> dict[str, Any]:
    told = {"query": "mug"} if route == "search" else {}
    answer = await site.http.post(f"/v1/{route}", json={**told, **asked})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def shown(answer: dict[str, Any]) -> list[str]:
    """The items, sponsored ones with their campaign."""
    return [
        f"{one['item_id']} {one['campaign_id']}" if "sponsored" in one else one["item_id"]
        for one in answer["items"]
    ]


async def spent(site: Any, campaign_id: str) -> Account:
    changes = await site.gateway.ads.charging.ledger.changes(0)
    return changes.accounts.get(campaign_id, Account())
