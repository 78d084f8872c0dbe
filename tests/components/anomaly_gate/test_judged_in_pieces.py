"""Events that are asked piece by piece are judged as those that are held, in any number of pieces: to the byte."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import time
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow_data_validation as tfdv
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.anomaly_gate.compare.baseline import as_baseline
from aisle.components.anomaly_gate.comparison import compare
from aisle.components.anomaly_gate.evidence import TableEvidence, listed
from aisle.components.anomaly_gate.infer_schema import infer_table_schema
from aisle.components.anomaly_gate.judge import judge
from aisle.components.anomaly_gate.kept import Rows, drawn, held_rows, lost_rows, stored_rows
from aisle.components.anomaly_gate.options import GateOptions
from aisle.components.anomaly_gate.serving_log import read_log
from aisle.components.anomaly_gate.statistics import table_statistics
from aisle.components.plans.spool import ROW
from aisle.components.quarantine_files import write_for_people
from aisle.components.reports.publish import as_json
from aisle.components.tables import (
    PROVENANCE_SCHEMA,
    QUARANTINE_SCHEMA,
    RowsWriter,
    StoredRows,
    read_quarantine,
    write_quarantine,
)

DAY = 86_400 * 1_000_000
NOW = 20_000 * DAY
OPTIONS = GateOptions(min_compared_rows=5)
ITEMS = pa.table(
    {
        "item_id": [f"i{n}" for n in range(60)],
        "title": [f"Vase {n}" for n in range(60)],
        "sold": [float(n % 3 == 0) * 20 + n for n in range(60)],
    }
)
USERS = pa.table({"user_id": [f"u{n}" for n in range(20)], "age": [20 + n for n in range(20)]})
EVENT = st.fixed_dictionaries(
    {
        "timestamp": st.sampled_from([0, NOW - 9 * DAY, NOW - DAY, NOW - DAY + 1, NOW + 9 * DAY]),
        "event": st.sampled_from(["click", "Click ", "purchase", "review", "odd", "odder", "strange", None]),
        "item_id": st.sampled_from(["i1", " I2", "i3", "gone", "lost", None]),
        "user_id": st.sampled_from(["u1", "u2", "nobody", "none", None]),
        "price": st.sampled_from([1.0, 2.0, 2.0, -0.0, 0.0, 1e9, float("nan"), float("inf"), None]),
        "rating": st.sampled_from([1.0, 5.0, None]),
        "channel": st.sampled_from(["web", "shop", "phone", None]),
    }
)
TYPES = {"timestamp": pa.int64(), "price": pa.float64(), "rating": pa.float64(), "paid": pa.float64()}
QUARANTINE = pa.Table.from_pylist(
    [
        {"table": "events", "file": "e.csv", "line": 9 * n, "key": None, "column": ("price", None, "timestamp")[n % 3]}
        | {"value": ("1,50", "", "x")[n % 3], "reason": ("not a number", "torn", "no time")[n % 3], "row": "r" * n}
        for n in range(40)
    ],
    QUARANTINE_SCHEMA,
)  # fmt: skip


def _table(events: list[dict[str, Any]]) -> pa.Table:
    names = dict.fromkeys(name for event in events for name in event)
    return pa.table(
        {name: pa.array([e.get(name) for e in events], TYPES.get(name, pa.string())) for name in names}
    )


def _places(rows: pa.Table) -> pa.Table:
    lines = range(rows.num_rows)
    files = [f"events/{line // 7}.csv" for line in lines]
    return pa.table({"file": files, "line": [*lines]}, schema=PROVENANCE_SCHEMA)


def _evidence(name: str, rows: pa.Table, schema: Any = None) -> TableEvidence:
    counts = {"read": rows.num_rows, "kept": rows.num_rows, "quarantined": 0}
    statistics = table_statistics(rows)
    schema = schema or infer_table_schema(name, statistics)
    anomalies = tfdv.validate_statistics(listed(statistics), schema)
    return TableEvidence(name, counts, None, statistics, schema, anomalies, rows, _places(rows))


def _tables(events: pa.Table, earlier: pa.Table) -> list[TableEvidence]:
    found = _evidence("events", events, infer_table_schema("events", table_statistics(earlier)))
    lost = QUARANTINE.num_rows
    counts = {"read": events.num_rows + lost, "kept": events.num_rows, "quarantined": lost}
    found = dataclasses.replace(found, counts=counts, quarantine=QUARANTINE)
    return [_evidence("items", ITEMS), _evidence("users", USERS), found]


def _in_pieces(tables: list[TableEvidence], piece: int) -> list[TableEvidence]:
    events = tables[-1]
    assert isinstance(events.rows, pa.Table)
    return [
        *tables[:-1],
        dataclasses.replace(
            events,
            rows=held_rows(events.rows, events.provenance, piece),
            provenance=None,
            quarantine=held_rows(QUARANTINE, piece_rows=piece),
        ),
    ]


def _judged(tables: list[TableEvidence], earlier: TableEvidence, log: pa.Table) -> str:
    """The report, and what is kept for later runs."""
    comparison = compare(tables, OPTIONS, {"events": as_baseline(earlier)}, curated=False, log=log)
    report = judge(tables, OPTIONS, NOW, comparison)
    kept = {name: one.to_json() for name, one in as_baseline(tables[-1]).histograms.items()}
    return as_json(report) + json.dumps(kept)


@settings(max_examples=8, deadline=None)
@given(st.lists(EVENT, min_size=1, max_size=40), st.lists(EVENT, min_size=1, max_size=40), st.integers(1, 25))
def test_any_number_of_pieces_is_judged_as_the_whole(
    now: list[dict[str, Any]], before: list[dict[str, Any]], piece: int
) -> None:
    events, earlier = _table(now), _table(before)
    tables, past = _tables(events, earlier), _evidence("events", earlier)
    log = events.drop(["event"])
    assert _judged(_in_pieces(tables, piece), past, log) == _judged(tables, past, log)


def _dirty(rows: int, seed: int, late: float = 1.0) -> pa.Table:
    """Events with everything that the gate finds among them; `late` is what ratings and prices became."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(
        ["impression", "click", "purchase", "review", "odd", "odder"],
        rows,
        p=[0.4, 0.2, 0.15, 0.15, 0.05, 0.05],
    )
    events = []
    for kind in kinds.tolist():
        age, item = int(rng.integers(60 * DAY)), f"i{rng.choice([7, rng.integers(60)])}"
        bad = kind == "review" and age < 9 * DAY and rng.random() < 0.8
        events.append(
            {
                "timestamp": int(rng.choice([NOW - age] * 30 + [0, NOW + 9 * DAY])),
                "event": kind,
                "item_id": "i7" if bad else str(rng.choice([item] * 9 + ["gone"])),
                "user_id": str(rng.choice([f"u{rng.integers(20)}", f"n{rng.integers(99)}"])),
                "price": float(rng.choice([rng.lognormal() * late] * 30 + [1e9 if late == 1 else np.nan, 1e9])),
                "rating": (1.0 if bad else 5.0) if kind == "review" else None,
                "paid": rng.random() if kind == "purchase" else None,
                "channel": str(rng.choice(["web", "shop"] if late == 1 else ["web", "fax", "fax"])),
            }
        )  # fmt: skip
    return _table(events)


@pytest.mark.parametrize("piece", [170, 1_100])
def test_what_the_gate_finds_is_found_in_pieces(piece: int) -> None:
    events, earlier = _dirty(2_000, 1, 3.0), _dirty(1_500, 2)
    tables, past = _tables(events, earlier), _evidence("events", earlier)
    log = earlier.select(["timestamp", "user_id", "item_id", "price", "channel"])
    found = _judged(_in_pieces(tables, piece), past, log)
    assert found == _judged(tables, past, log)
    assert {one["type"] for one in json.JSONDecoder().raw_decode(found)[0]["anomalies"]} >= {
        *("UNKNOWN_EVENTS", "TIME_OUT_OF_RANGE", "UNKNOWN_ITEMS", "UNKNOWN_USERS", "LABEL_LEAKAGE"),
        *("COMPLAINTS_ROSE", "NONFINITE_NUMBERS", "DRIFT", "SKEW", "ENUM_TYPE_UNEXPECTED_STRING_VALUES"),
        *("QUARANTINED_ROWS", "FLOAT_TYPE_HAS_NAN"),
    }  # fmt: skip


def _stored(rows: pa.Table, folder: pathlib.Path, shard: int) -> StoredRows:
    with RowsWriter(str(folder)) as writer:
        for first in range(0, max(rows.num_rows, 1), shard):
            writer.write(rows.slice(first, shard), _places(rows).slice(first, shard))
    return StoredRows(str(folder))


@pytest.mark.parametrize("piece", [1, 100, 10_000])
def test_an_artifact_is_read_by_column_and_by_row(piece: int, tmp_path: pathlib.Path) -> None:
    events = _dirty(250, 3).append_column("price.old", pa.array(range(250)))
    with _stored(events, tmp_path, 60) as stored:
        assert stored.sizes == [60, 60, 60, 60, 10]
        rows = stored_rows(stored, piece)
        held = held_rows(events, _places(events))
        assert (rows.num_rows, rows.schema, rows.numbers()) == (250, events.schema, held.numbers())
        assert rows.count == {1: 5, 100: 3, 10_000: 1}[piece] == len([*rows.read(["event"])])
        found = pl.DataFrame(pl.from_arrow(pa.concat_tables(rows.read(["price", "event"]))))
        assert found.equals(pl.DataFrame(pl.from_arrow(events)).select("price", "event"))
        for number in (0, 59, 60, 249):
            assert rows.at(number, "item_id") == held.at(number, "item_id")


def test_an_artifact_without_a_row_is_one_empty_piece(tmp_path: pathlib.Path) -> None:
    events = _dirty(20, 3)
    with _stored(events.slice(0, 0), tmp_path, 60) as stored:
        (piece,) = stored_rows(stored).read(["event", "price"])
        assert (piece.num_rows, piece.schema) == (0, events.select(["event", "price"]).schema)


def test_rows_are_drawn_by_their_numbers_alone() -> None:
    table = pl.DataFrame({ROW: np.arange(5_000, dtype=np.uint32)})
    expected = np.flatnonzero(np.random.default_rng(0).random(5_000) * 5_000 < 900)
    pieces = [drawn(table[first : first + 700], 5_000, 900)[ROW] for first in range(0, 5_000, 700)]
    assert pl.concat(pieces).to_list() == expected.tolist()
    assert drawn(table, 5_000, 5_000).equals(table)


@pytest.mark.parametrize("piece", [1, 7, 100])
def test_files_for_people_do_not_tell_in_how_many_pieces_the_rows_came(
    piece: int, tmp_path: pathlib.Path
) -> None:
    others = QUARANTINE.slice(0, 5).set_column(0, "table", pa.array(["items"] * 5))
    lost = pa.concat_tables([QUARANTINE.slice(0, 20), others, QUARANTINE.slice(20)])
    folders = [tmp_path / "whole", tmp_path / "pieces"]
    names = ["items", "users", "events"]
    write_for_people([lost], names, str(folders[0]))
    write_for_people((lost.slice(n, piece) for n in range(0, 45, piece)), names, str(folders[1]))
    written = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert written[0] == written[1]
    assert sorted(written[0]) == sorted(f"{name}.{end}" for name in names for end in ("csv", "parquet"))
    assert written[0]["items.csv"].count(b"\n") == 1 + 5
    assert written[0]["users.csv"].count(b"\n") == 1


def test_a_stored_quarantine_is_read_by_column(tmp_path: pathlib.Path) -> None:
    write_quarantine(str(tmp_path), QUARANTINE, {"table": "events"})
    lost: Rows = lost_rows(str(tmp_path), QUARANTINE.num_rows)
    names = ["reason", "line"]
    assert pa.concat_tables(lost.read(names)).equals(read_quarantine(str(tmp_path)).select(names))


@pytest.mark.parametrize("most", [1, 12, 13, 25, 1_000])
def test_of_a_log_the_last_requests_are_read(most: int, tmp_path: pathlib.Path) -> None:
    log = pa.table({"position": pa.array(range(30)), "query": [f"q{n % 7}" for n in range(30)]})
    for nth in range(3):
        path = tmp_path / f"{nth}.parquet"
        pq.write_table(log.slice(10 * nth, 10), path, row_group_size=4)
    assert read_log(str(tmp_path), most).equals(log.slice(max(0, 30 - most)))
    assert read_log(str(path), most).equals(log.slice(max(20, 30 - most)))


def _at(artifact: Any, folder: pathlib.Path) -> list[Any]:
    artifact.uri = str(folder)
    return [artifact]


def test_the_component_asks_the_events_of_their_artifact_and_writes_what_was_lost(
    tmp_path: pathlib.Path,
) -> None:
    from tfx.types import standard_artifacts

    from aisle.components.anomaly_gate.executor import Executor
    from aisle.components.artifacts import Quarantine, Report
    from aisle.schema.errors import GateBlocked

    events, given, tables = _dirty(600, 5), {}, []
    for name, rows, lost in (
        ("items", ITEMS, QUARANTINE.slice(0, 0)),
        ("events", events, QUARANTINE),
    ):
        counts = {"read": rows.num_rows + lost.num_rows, "kept": rows.num_rows, "quarantined": lost.num_rows}
        given[f"{name}_examples"] = _at(standard_artifacts.Examples(), tmp_path / name)
        given[f"{name}_quarantine"] = _at(Quarantine(), tmp_path / f"{name}-lost")
        _stored(rows, tmp_path / name, 250)
        write_quarantine(str(tmp_path / f"{name}-lost"), lost, counts)
        tables.append(TableEvidence(name, counts, lost, rows=rows, provenance=_places(rows)))
    properties = {"options": GateOptions().to_json(), "baseline": "", "curated": 0, "fingerprint": ""}
    folders = {"reports_dir": str(tmp_path / "reports"), "quarantine_dir": str(tmp_path / "people")}
    with pytest.raises(GateBlocked, match="events have a name that isn't known"):
        Executor().Do(given, {"report": _at(Report(), tmp_path / "out")}, {**properties, **folders})
    written = json.loads((tmp_path / "reports" / "anomalies.json").read_text(encoding="utf-8"))
    expected = json.loads(as_json(judge(tables, GateOptions(), time.time_ns() // 1000)))
    # The clock moved on between the two, but not so far that a time lies elsewhere.
    assert written == expected
    assert (tmp_path / "people" / "events.csv").read_bytes().count(b"\n") == 1 + QUARANTINE.num_rows
