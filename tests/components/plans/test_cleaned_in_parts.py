"""Events cleaned in parts on disk, in any number of them, come out as those cleaned whole: to the byte."""

from __future__ import annotations

import json
import pathlib
import runpy
import tempfile
import types
import unittest.mock
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.cleaner import merging
from aisle.components.cleaner.clean import CleanResult, clean
from aisle.components.cleaner.ledger import Ledger
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.cleaner.parts import Divided, Pieces
from aisle.components.cleaner.steps.events import SPAN, is_local
from aisle.components.cleaner.steps.outliers import counted_limits
from aisle.components.example_gen.reader import ReadResult, read_table
from aisle.components.plans.spool import ROW
from aisle.components.tables import (
    PROVENANCE_SCHEMA,
    RowsWriter,
    count_rows,
    read_provenance,
    read_rows,
    row_pieces,
    write_parquet,
    write_pieces,
    write_quarantine,
)
from aisle.datasets.simulator import SimulatorOptions, simulate, write
from aisle.schema.tables import EVENTS, TABLE_BY_NAME

SHOP = types.SimpleNamespace(
    **runpy.run_path(str(pathlib.Path(__file__).parents[1].joinpath("cleaned_shop.py")))
)
BEAM = (
    "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    "--sdk_container_image=none: the workers are threads of this process",
)
"""A runner that hands work to workers as those of clusters do, though they are in this process."""
NOW, SECOND = SHOP.NOW, SHOP.SECOND
ITEMS = [
    {"item_id": f"1000{n}", "title": f"Vase {n}", "category": "Home" if n < 3 else "Garden", "price": 2.0 + n}
    for n in range(5)
]
OPTIONS = [
    CleanerOptions(),
    CleanerOptions(
        **{"price_outliers": "quarantine", "quantity_outliers": "clip", "outlier_sales": 2, "bot_clicks": 3},
        **{"bot_seconds": 60.0, "keep_undone_purchases": False, "near_duplicate_seconds": 30.0},
        missing={"events.session_id": "delete", "events.query": "constant:none"},
    ),
]
EVENT = st.fixed_dictionaries(
    {
        "timestamp": st.sampled_from([NOW - day * 86_400 * SECOND - second * SECOND for day in (1, 2, 9_000) for second in (0, 1, 3, 40)]),
        "event": st.sampled_from(["impression", "click", "Click ", "cart", "purchase", "purchase", "return", "odd"]),
        "item_id": st.sampled_from(["10000", " 10000", "10001", "10002", "10003", "POST", "９"]),
        "user_id": st.sampled_from(["u1", "u2", None]),
        "session_id": st.sampled_from(["s1", "s2", "s3", None]),
        "event_id": st.sampled_from(["e1", "e2", "e3", None, None]),
        "query": st.sampled_from(["vase", None]),
        "position": st.sampled_from([0, 1, 2, -1, None]),
        "quantity": st.sampled_from([1, 2, -1, 0, 5_000, None]),
        "price": st.sampled_from([2.0, 2.5, 900.0, 0.0, float("nan"), None]),
    }
)  # fmt: skip


def _provenance(table: pa.Table, name: str) -> pa.Table:
    line = list(range(table.num_rows))
    files = [f"{name}/{n // 7}.csv" for n in line]
    return pa.table({"file": files, "line": line}, schema=PROVENANCE_SCHEMA)


def _pieces(rows: pa.Table, places: pa.Table, part: int, piece: int, folder: pathlib.Path) -> Pieces:
    def read() -> Iterator[tuple[pa.Table, pa.Table]]:
        for first in range(0, rows.num_rows, piece):
            yield rows.slice(first, piece), places.slice(first, piece)

    return Pieces(rows.num_rows, read, folder, part)


def _frame(table: pa.Table) -> pl.DataFrame:
    """Whose `equals` holds a NaN for equal to another."""
    return pl.DataFrame(pl.from_arrow(table))


def _differing(whole: CleanResult, parted: CleanResult) -> list[str]:
    """What isn't the same of both."""
    tables = {**parted.tables, "events": pa.concat_tables(parted.stored["events"])}
    same = {
        name: tables[name].schema == table.schema and _frame(tables[name]).equals(_frame(table))
        for name, table in whole.tables.items()
    }
    same["ledger"] = json.dumps(parted.ledger) == json.dumps(whole.ledger)
    same["evidence"] = parted.evidence.equals(whole.evidence)
    same["quarantine"] = parted.quarantine.equals(whole.quarantine)
    taken = {
        **parted.taken,
        "events": parted.taken_of_stored["events"](0, parted.ledger["tables"]["events"]["read"]),
    }
    same |= {
        f"taken {name}": taken[name].sort(ROW).equals(one.sort(ROW)) for name, one in whole.taken.items()
    }
    return [name for name, so in same.items() if not so]


@settings(max_examples=12, deadline=None)
@given(
    st.lists(EVENT, min_size=1, max_size=40),
    st.integers(6, 20),
    st.integers(1, 9),
    st.sampled_from([1, 3, 100]),
    st.sampled_from(OPTIONS),
)
def test_any_number_of_parts_and_pieces_is_cleaned_as_the_whole(
    events: list[dict[str, Any]], part: int, piece: int, held: int, options: CleanerOptions
) -> None:
    rows = {"items": SHOP.table_of(ITEMS), "events": SHOP.table_of(events)}
    places = {name: _provenance(table, name) for name, table in rows.items()}
    whole = clean(rows, places, {}, options, now=NOW)
    items = {"items": rows["items"]}
    with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.object(merging, "_HELD", held):
        given = _pieces(rows["events"], places["events"], part, piece, pathlib.Path(folder))
        assert _differing(whole, clean(items, places, {}, options, now=NOW, events=given)) == []


@settings(max_examples=20, deadline=None)
@given(st.lists(EVENT, min_size=6, max_size=40), st.integers(1, 20), st.integers(1, 20))
def test_of_some_rows_those_taken_out_are_told(events: list[dict[str, Any]], first: int, count: int) -> None:
    rows = {"items": SHOP.table_of(ITEMS), "events": SHOP.table_of(events)}
    places = {name: _provenance(table, name) for name, table in rows.items()}
    whole = clean(rows, places, {}, CleanerOptions(), now=NOW).taken["events"]
    first = min(first, len(events) - 1)
    asked = pl.col(ROW).is_between(first, min(first + count, len(events)) - 1)
    with tempfile.TemporaryDirectory() as folder:
        given = _pieces(rows["events"], places["events"], 6, 9, pathlib.Path(folder))
        parted = clean({"items": rows["items"]}, places, {}, CleanerOptions(), now=NOW, events=given)
        for _ in range(2):
            told = parted.taken_of_stored["events"](first, count)
            assert told.filter(asked).sort(ROW).equals(whole.filter(asked).sort(ROW))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=300), st.integers(1, 5))
def test_the_span_is_that_of_the_times_to_the_hour(minutes: list[int], count: int) -> None:
    times = pl.DataFrame({"timestamp": minutes}) * 60 * SECOND
    shown = [SPAN.show(Ledger("events", times[part::count], pl.DataFrame(), 0), {}) for part in range(count)]
    assert max(map(len, shown)) <= 2_000 // 60 + 1
    hour = 3_600 * SECOND
    ranks = [int(share * (len(minutes) - 1) + 0.5) for share in (0.01, 0.99)]
    expected = [sorted(minutes)[rank] * 60 * SECOND // hour * hour for rank in ranks]
    assert SPAN.answer(pl.concat(shown)) == tuple(expected)


def test_a_bot_that_is_nobody_is_known_though_its_clicks_are_on_many_items(tmp_path: pathlib.Path) -> None:
    clicks = [
        {**SHOP.EVENT, "timestamp": NOW - (90_000 - 7 * n) * SECOND, "event": "click"}
        | {"item_id": f"1000{n % 5}", "user_id": None, "session_id": f"s{n}", "quantity": None, "price": None}
        for n in range(800)
    ]
    rows = {"items": SHOP.table_of(ITEMS), "events": SHOP.table_of(clicks)}
    places = {name: _provenance(table, name) for name, table in rows.items()}
    whole = clean(rows, places, {}, CleanerOptions(), now=NOW)
    assert "bot without a user or session" in SHOP.steps_of(whole, "events")
    given = _pieces(rows["events"], places["events"], 200, 64, tmp_path)
    assert (
        _differing(
            whole, clean({"items": rows["items"]}, places, {}, CleanerOptions(), now=NOW, events=given)
        )
        == []
    )


def test_who_only_looks_at_some_columns_is_given_these_and_nothing_is_written(tmp_path: pathlib.Path) -> None:
    rows = SHOP.table_of([{**SHOP.EVENT, "item_id": f"1000{n % 5}"} for n in range(20)])
    parts = _pieces(rows, _provenance(rows, "events"), 8, 7, tmp_path).opened("events")
    seen: list[Ledger] = []
    parts.visit(lambda ledger: None, reads=["event"])
    before = sorted(tmp_path.rglob("*"))
    parts.visit(seen.append, reads=["event", "item_id", "brand"])
    assert [one.rows.columns for one in seen] == [["event", "item_id"]] * 3
    assert sum(len(one.rows) for one in seen) == 20
    assert sorted(tmp_path.rglob("*")) == before


def test_rows_set_aside_are_seen_no_more_and_come_in_their_order(tmp_path: pathlib.Path) -> None:
    rows = SHOP.table_of([{**SHOP.EVENT, "item_id": f"1000{n % 5}", "price": float(n)} for n in range(20)])
    parts = _pieces(rows, _provenance(rows, "events"), 8, 7, tmp_path).opened("events")
    odd, seen = pl.col("price") % 2 == 1, list[float]()
    parts.visit(lambda part: part.set_aside(odd & (pl.col("price") > 9)))
    parts.visit(lambda part: part.set_aside(odd & (pl.col("price") < 5)))
    parts.visit(lambda part: seen.extend(part.rows["price"]), ends=True)
    assert sorted(seen) == [0, 2, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18]
    assert pl.concat(parts.in_order())["price"].to_list() == [*range(20)]
    whole = Ledger("events", pl.DataFrame({ROW: [0]}), pl.DataFrame(), 1)
    whole.set_aside(pl.col(ROW) == 0)
    assert len(whole.rows) == 1, "a table that is whole is held to its end"


def test_what_no_step_has_more_to_say_of_does_not_wait_for_the_last(tmp_path: pathlib.Path) -> None:
    """Of a shop whose events are clicks and purchases, the last visit sees the purchases, what nobody known did, and prices."""
    options = CleanerOptions(outlier_sales=2)
    events = [
        {**SHOP.EVENT, "item_id": f"1000{n % 5}", "user_id": f"u{n}", "timestamp": NOW - (9_000 - 60 * n) * SECOND}
        | ({} if n % 4 == 0 else {"event": "click", "quantity": None, "price": None})
        | ({"user_id": None} if n % 4 == 1 else {"price": 900.0} if n == 2 else {})
        for n in range(40)
    ]  # fmt: skip
    rows = {"items": SHOP.table_of(ITEMS), "events": SHOP.table_of(events)}
    places = {name: _provenance(table, name) for name, table in rows.items()}
    given = _pieces(rows["events"], places["events"], 12, 9, tmp_path)
    ended: list[int] = []
    keep = Divided._keep

    def kept(parts: Divided, number: int, done: Any, left: pl.DataFrame, ends: bool) -> None:
        if ends:
            ended.append(len(left))
        keep(parts, number, done, left, ends)

    with unittest.mock.patch.object(Divided, "_keep", kept):
        parted = clean({"items": rows["items"]}, places, {}, options, now=NOW, events=given)
    assert sum(ended) == 21
    whole = clean(rows, places, {}, options, now=NOW)
    assert "price outlier: far from what is usual for the item: clipped" in SHOP.steps_of(whole, "events")
    assert _differing(whole, parted) == []


@pytest.mark.parametrize(
    ("options", "local"),
    [
        ({}, True),
        ({"missing": {"events.price": "delete", "events.query": "constant:none"}}, True),
        ({"missing": {"events.price": "median:item_id"}}, False),
        ({"missing": {"items.price": "median"}}, True),
        ({"near_duplicate_columns": ("event", "user_id")}, False),
        ({"near_duplicate_columns": ("event", "user_id"), "near_duplicate_seconds": 0.0}, True),
    ],
)
def test_what_only_the_whole_table_tells_keeps_it_whole(options: dict[str, Any], local: bool) -> None:
    assert is_local(CleanerOptions(**options)) is local


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([0.1, 0.7, 1.3, 2.9, 3.1])), min_size=1))
def test_limits_of_counted_values_are_those_of_the_values(values: list[tuple[str, float]]) -> None:
    rows = pl.DataFrame(values, schema={"key": pl.String, "x": pl.Float64}, orient="row")
    counts = rows.group_by("key", "x").agg(count=pl.len().cast(pl.Int64))
    found = counted_limits(counts, "price", CleanerOptions(outlier_sales=2)).sort("key")
    x = pl.col("x")
    median = rows.group_by("key").agg(n=pl.len(), centre=x.median(), spread=(x - x.median()).abs().median())
    expected = median.filter(pl.col("n") >= 2).sort("key")
    assert found["centre"].to_list() == expected["centre"].to_list()
    reach = 6.0 * 1.4826 * np.maximum(expected["spread"].to_numpy(), 0.25)
    assert found["reach"].to_list() == pytest.approx(reach.tolist())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ReadResult]:
    """The tables of a simulated shop with every kind of dirt."""
    folder = tmp_path_factory.mktemp("shop")
    write(simulate(SimulatorOptions(users=120, items=120, days=30, dirt=0.1)), folder)
    names = [name for name in TABLE_BY_NAME if any(folder.glob(f"{name}*"))]
    return {name: read_table(str(folder), TABLE_BY_NAME[name]) for name in names}


def test_the_component_writes_the_same_bytes_in_parts(
    shop: dict[str, ReadResult], tmp_path: pathlib.Path
) -> None:
    assert shop["events"].rows.num_rows > 5_000
    whole, here, there = (
        _cleaned(shop, tmp_path / name, most, args)
        for name, most, args in (("whole", 1_000_000, ()), ("here", 2_000, ()), ("there", 2_000, BEAM))
    )
    files = {str(path.relative_to(whole)) for path in whole.rglob("*") if path.is_file()}
    assert {"tables/events.parquet", "ledger/evidence.parquet", "reports/cleaning.json"} <= files
    for parted in (here, there):
        assert files == {str(path.relative_to(parted)) for path in parted.rglob("*") if path.is_file()}
        assert [
            name for name in sorted(files) if (whole / name).read_bytes() != (parted / name).read_bytes()
        ] == []


def _cleaned(
    shop: dict[str, ReadResult], folder: pathlib.Path, part_rows: int, beam_args: tuple[str, ...]
) -> pathlib.Path:
    """Runs the Cleaner's executor; returns where its output lies."""
    from tfx.types import standard_artifacts

    from aisle.components.artifacts import Ledger, Quarantine, Tables
    from aisle.components.cleaner.executor import Executor
    from aisle.components.cleaner.inputs import examples_key, quarantine_key
    from aisle.components.cleaner.losses.options import LossOptions

    def at(artifact: Any, *path: str) -> list[Any]:
        artifact.uri = str(folder.joinpath(*path))
        return [artifact]

    given, out = {}, folder / "out"
    for name, read in shop.items():
        given[examples_key(name)] = at(standard_artifacts.Examples(), "in", name)
        given[quarantine_key(name)] = at(Quarantine(), "in", f"{name}-quarantine")
        with RowsWriter(given[examples_key(name)][0].uri) as writer:
            for first in range(0, max(read.rows.num_rows, 1), 3_000):
                writer.write(read.rows.slice(first, 3_000), read.provenance.slice(first, 3_000))
        write_quarantine(given[quarantine_key(name)][0].uri, read.quarantine, {"table": name})
    made = {"tables": Tables(), "ledger": Ledger(), "quarantine": Quarantine()}
    settings = {
        **{"options": CleanerOptions(part_rows=part_rows).to_json(), "losses": LossOptions().to_json()},
        **{"called": "{}", "ads_dir": "", "reports_dir": str(out / "reports")},
        "quarantine_dir": str(out / "people"),
    }
    context = Executor.Context(beam_pipeline_args=[*beam_args], tmp_dir=str(folder / "tmp"), unique_id="1")
    Executor(context).Do(given, {name: at(one, "out", name) for name, one in made.items()}, settings)
    return out


def test_pieces_of_an_artifact_are_its_rows(shop: dict[str, ReadResult], tmp_path: pathlib.Path) -> None:
    read = shop[EVENTS.name]
    with RowsWriter(str(tmp_path)) as writer:
        for first, rows in ((0, 10), (10, 0), (10, 1_990)):
            writer.write(read.rows.slice(first, rows), read.provenance.slice(first, rows))
    pieces = [*row_pieces(str(tmp_path))]
    assert len(pieces) > 1
    assert count_rows(str(tmp_path)) == 2_000
    some = pa.concat_tables([rows for rows, _ in row_pieces(str(tmp_path), ["event", "timestamp", "none"])])
    assert set(some.column_names) == {"event", "timestamp"}
    assert some.equals(pa.concat_tables([rows for rows, _ in pieces]).select(some.column_names))
    for found, expected in zip(zip(*pieces, strict=True), (read_rows, read_provenance), strict=True):
        assert _frame(pa.concat_tables(found)).equals(_frame(expected(str(tmp_path))))


@pytest.mark.parametrize("piece", [70_000, 131_072, 300_000])
def test_a_parquet_file_does_not_tell_in_how_many_pieces_it_came(piece: int, tmp_path: pathlib.Path) -> None:
    table = pa.table(
        {"n": np.arange(300_000) % 977, "text": pa.array([f"x{n % 5_000}" for n in range(300_000)])}
    )
    write_parquet(str(tmp_path / "whole"), table)
    write_pieces(str(tmp_path / "pieces"), (table.slice(n, piece) for n in range(0, 300_000, piece)))
    assert (tmp_path / "pieces").read_bytes() == (tmp_path / "whole").read_bytes()
    write_pieces(str(tmp_path / "empty"), [table.slice(0, 0)])
    write_parquet(str(tmp_path / "none"), table.slice(0, 0))
    assert (tmp_path / "empty").read_bytes() == (tmp_path / "none").read_bytes()
