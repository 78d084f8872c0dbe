"""The files that gateways write are read, judged and cleaned by a run as they are."""

from __future__ import annotations

import asyncio
import datetime
import pathlib
from collections.abc import Iterable
from typing import Any

import pytest
import tensorflow_data_validation as tfdv

from aisle.components.anomaly_gate.compare.baseline import as_baseline
from aisle.components.anomaly_gate.comparison import compare
from aisle.components.anomaly_gate.evidence import TableEvidence, listed, without_bookkeeping
from aisle.components.anomaly_gate.infer_schema import infer_table_schema
from aisle.components.anomaly_gate.judge import judge
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.anomaly_gate.statistics import table_statistics
from aisle.components.cleaner.clean import CleanResult, clean
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.example_gen.discovery import find_tables
from aisle.components.example_gen.options import TableReading
from aisle.components.example_gen.reader import ReadResult, read_table
from aisle.datasets import simulator
from aisle.gateway.events import EVENT
from aisle.gateway.files.records import ROW, shown
from aisle.gateway.log import EventLog
from aisle.gateway.spool import Record
from aisle.schema.tables import EVENTS, ITEMS, TABLES

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
SAME, LATER, SHOWN = 10, 15, 50
"""Events that come again as they were, and a minute later; items of an answer."""
MINUTE = 60_000_000


class Clock:
    """The time, which a test sets."""

    now = EPOCH

    def __call__(self) -> datetime.datetime:
        return self.now


def _log(folder: pathlib.Path, parts: Iterable[list[Record]], start: datetime.datetime) -> None:
    """Writes parts, an hour each."""

    async def use() -> None:
        clock = Clock()
        clock.now = start
        log = EventLog(folder, clock)
        for part in parts:
            await log.append(part)
            clock.now += datetime.timedelta(hours=1)
            await log.roll()
        await log.close()

    asyncio.run(use())


def _record(number: int, row: dict[str, Any]) -> Record:
    """A row of the table as the gateway receives it, of an experiment."""
    time = EPOCH + datetime.timedelta(microseconds=row["timestamp"])
    told = {name: value for name, value in row.items() if value is not None} | {"timestamp": time}
    event = EVENT.model_validate(
        told | {"event_id": f"e{number}", "experiment": "x", "arm": "ab"[number % 2]}
    )
    return {ROW: event.row(time)}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, ReadResult], int]:
    """A simulated shop's tables, its events as two gateways wrote them; and how many events there are."""
    folder = tmp_path_factory.mktemp("shop")
    simulator.write(
        simulator.simulate(simulator.SimulatorOptions(users=50, items=60, days=7, seed=3)), folder
    )
    there = [table for table in TABLES if table.name in find_tables(str(folder)) and table is not EVENTS]
    read = {table.name: read_table(str(folder), table) for table in there}
    rows = read_table(str(folder), EVENTS).rows.to_pylist()
    records = [_record(number, row) for number, row in enumerate(rows)]
    later = [
        _record(number, row | {"timestamp": row["timestamp"] + MINUTE})
        for number, row in enumerate(rows[:LATER])
    ]
    asked = {"timestamp": rows[-1]["timestamp"], "session_id": "s", "experiment": "x", "arm": "a"}
    answer = shown("recommend", "r1", 7, read[ITEMS.name].rows["item_id"].to_pylist()[:SHOWN], asked)
    start, half = EPOCH + datetime.timedelta(microseconds=rows[-1]["timestamp"]), len(records) // 2
    _log(folder / "one", [records[:half], [answer], records[-SAME:]], start)
    _log(folder / "two", [records[half:], later], start)
    (folder / "live" / "events").mkdir(parents=True)
    for path in sorted(folder.glob("*/events/*.parquet")):
        path.rename(folder / "live" / "events" / path.name)
    return {**read, EVENTS.name: read_table(str(folder / "live"), EVENTS)}, len(rows)


def _evidence(name: str, read: ReadResult) -> TableEvidence:
    """A table as the gate gets it, by a curated schema: the strictest there is."""
    every = table_statistics(read.rows)
    schema = infer_table_schema(name, judged := without_bookkeeping(name, every))
    counts = {"read": read.read, "kept": read.rows.num_rows, "quarantined": read.quarantine.num_rows}
    anomalies = tfdv.validate_statistics(listed(every), schema)
    return TableEvidence(name, counts, read.quarantine, judged, schema, anomalies, read.rows, read.provenance)


def _cleaned(read: dict[str, ReadResult]) -> CleanResult:
    tables = {name: result.rows for name, result in read.items()}
    provenance = {name: result.provenance for name, result in read.items()}
    return clean(tables, provenance, {}, CleanerOptions())


def test_the_reader_takes_every_row_and_remarks_nothing(shop: Any) -> None:
    read, count = shop[0][EVENTS.name], shop[1]
    assert (read.rows.num_rows, read.quarantine.num_rows, read.notes) == (count + SAME + LATER + SHOWN, 0, ())


def test_the_gate_finds_nothing_alone_or_against_a_run_without_a_gateway(shop: Any) -> None:
    tables = [_evidence(name, read) for name, read in shop[0].items()]
    report = judge(tables, GateOptions(), now=2**52)
    assert [anomaly["name"] for anomaly in report["anomalies"]] == []
    events = next(table for table in tables if table.name == EVENTS.name)
    bare = events.rows.drop([*EVENTS.bookkeeping])  # type: ignore[union-attr]
    before = {
        EVENTS.name: as_baseline(
            _evidence(EVENTS.name, ReadResult(bare, events.provenance, events.quarantine, len(bare)))
        )
    }  # type: ignore[arg-type]
    assert compare([events], GateOptions(), before, curated=False, log=None).findings == ()


def test_the_cleaner_merges_repeats_of_other_hours_and_gateways_and_loses_nothing(shop: Any) -> None:
    result = _cleaned(shop[0])
    ledger = result.ledger["tables"][EVENTS.name]
    assert (ledger["used"], ledger["quarantined"], ledger["merged"]) == (shop[1] + SHOWN, 0, SAME + LATER)
    merges = {step["reason"]: step["rows"] for step in ledger["steps"] if step["outcome"] == "merged"}
    assert merges == {"exact duplicate": SAME, "the same event_id": LATER}
    ids = result.tables[EVENTS.name]["event_id"].to_pylist()
    assert len(ids) == len(set(ids))


def test_a_gateways_files_go_with_a_shops_own_of_fewer_columns(tmp_path: pathlib.Path) -> None:
    (tmp_path / "events").mkdir()
    own = "timestamp,event,item_id\n2026-03-01 00:00:00,click,a\n"
    (tmp_path / "events" / "1.csv").write_text(own, encoding="utf-8")
    row = {"event_id": "e", "timestamp": 1, "event": "click", "item_id": "b"}
    _log(tmp_path / "live", [[{ROW: row}]], EPOCH)
    (tmp_path / "live" / "events").rename(tmp_path / "live-events")
    reading = TableReading(files=("events", "live-events"))
    rows = read_table(str(tmp_path), EVENTS, reading=reading).rows
    assert rows.select(["item_id", "event_id"]).to_pylist() == [
        {"item_id": "a", "event_id": None},
        {"item_id": "b", "event_id": "e"},
    ]
