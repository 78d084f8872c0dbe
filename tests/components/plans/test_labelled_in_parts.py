"""Events labelled in parts on disk, in any number of them, come out as those labelled whole: to the byte."""

from __future__ import annotations

import json
import pathlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.components.labeler.label import label
from aisle.components.labeler.labelled import Labelled
from aisle.components.labeler.options import LabelerOptions
from aisle.components.labeler.parts.label import label_in_parts
from aisle.components.labeler.parts.pieces import Pieces, Survey
from aisle.components.labeler.parts.ranges import Sum, bounds_of, range_of
from aisle.components.labeler.parts.visitors import Visitors, visitor_keys
from aisle.components.labeler.queries import count_examples, query_examples
from aisle.components.labeler.summary import summarise
from aisle.components.tables import count_table_rows, table_pieces, write_tables
from aisle.datasets.simulator import SimulatorOptions, simulate
from aisle.schema.errors import InputError
from aisle.schema.tables import MICROSECONDS_PER_DAY

DAY, MINUTE = MICROSECONDS_PER_DAY, 60 * 1_000_000
FIRST = 20_000
ITEMS = pl.DataFrame(
    {
        "item_id": ["a", "b", "c"],
        "title": ["Red mug", "Blue mug", "Oak shelf"],
        "category": ["Home/Mugs", "Home/Mugs", "Home/Shelves"],
    }
)
JUDGEMENTS = pl.DataFrame({"query": ["mug", "Shelf"], "item_id": ["a", "c"], "grade": [2.0, 1.0]})
EVENT = st.fixed_dictionaries(
    {
        "timestamp": st.builds(
            lambda day, minute: (FIRST + day) * DAY + minute * MINUTE,
            st.integers(0, 4), st.sampled_from([0, 1, 2, 20, 40]),
        ),
        "event": st.sampled_from(["impression", "impression", "click", "click", "cart", "purchase", "return"]),
        "item_id": st.sampled_from(["a", "b", "c"]),
        "user_id": st.sampled_from(["u1", "u2", "u3", None, None]),
        # A session may be named as a day is numbered.
        "session_id": st.sampled_from(["s1", "s2", "s3", str(FIRST + 1), None]),
        "query": st.sampled_from(["mug", "shelf", "", None]),
        "position": st.sampled_from([0, 1, 2, None]),
        "sponsored": st.sampled_from([None, None, 0, 1]),
    }
)  # fmt: skip
TYPES = {
    "timestamp": pl.Int64,
    **dict.fromkeys(("event", "item_id", "user_id", "session_id", "query"), pl.String),
    **dict.fromkeys(("position", "sponsored"), pl.Int64),
}
OPTIONS = LabelerOptions(min_queries=1, test_days=1, eval_days=1, max_share=0.4, precedence="judgements")


def _pieces(events: pa.Table, part: int, piece: int, folder: str) -> Pieces:
    def read(columns: Sequence[str]) -> Iterator[pa.Table]:
        given = events.select([name for name in events.column_names if name in columns])
        for first in range(0, events.num_rows, piece):
            yield given.slice(first, piece)

    return Pieces(events.num_rows, read, pathlib.Path(folder), part)


def _told(labelled: Labelled, options: LabelerOptions) -> dict[str, Any]:
    """All that the Labeler says, as texts and frames."""
    tables: dict[str, Any] = {name: [table] for name, table in labelled.tables.items()}
    if labelled.stored:
        tables |= labelled.stored.tables
    examples: dict[str, list[pa.Table]] = {}
    for split, table in labelled.example_pieces():
        examples.setdefault(split, []).append(table)
    made = {**tables, **{f"examples {split}": pieces for split, pieces in examples.items()}}
    told = {name: pl.DataFrame(pl.from_arrow(pa.concat_tables(pieces))) for name, pieces in made.items()}
    return {"report": json.dumps(summarise(labelled, options)), "splits": [*examples], **told}


def _differing(tables: dict[str, pa.Table], options: LabelerOptions, part: int, piece: int) -> list[str]:
    """What isn't the same of events labelled whole and in parts; an error is told as it is said."""
    whole, parted = {}, {}
    held = {name: table for name, table in tables.items() if name != "events"}
    with tempfile.TemporaryDirectory() as folder:
        events = _pieces(tables["events"], part, piece, folder)
        for told, made in (
            (whole, lambda: label(tables, options)),
            (parted, lambda: label_in_parts(held, events, options)),
        ):
            try:
                told |= _told(made(), options)
            except InputError as error:
                told["error"] = str(error)
    names = {*whole, *parted}
    return sorted(
        name
        for name in names
        if name not in whole or name not in parted or not _same(whole[name], parted[name])
    )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, pl.DataFrame):
        return one.schema == other.schema and one.equals(other)
    return bool(one == other)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(EVENT, min_size=1, max_size=40),
    st.integers(2, 20),
    st.integers(1, 9),
    st.booleans(),
    st.sampled_from(["harvest", "none"]),
)
def test_any_number_of_parts_and_pieces_is_labelled_as_the_whole(
    events: list[dict[str, Any]], part: int, piece: int, judged: bool, bias: str
) -> None:
    rows = pl.DataFrame(events, schema=TYPES).to_arrow()
    tables = {"items": ITEMS.to_arrow(), "events": rows}
    if judged:
        tables["judgements"] = JUDGEMENTS.to_arrow()
    options = OPTIONS.model_copy(update={"position_bias": bias})
    assert _differing(tables, options, part, piece) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(EVENT, min_size=1, max_size=40), st.integers(1, 7))
def test_who_is_seen_with_whom_lies_in_one_part(events: list[dict[str, Any]], count: int) -> None:
    rows = pl.DataFrame(events, schema=TYPES)
    parts = Visitors.of([visitor_keys(rows)]).parts(rows, count)
    assert set(parts) <= set(range(count))
    day = (pl.col("timestamp") // DAY).cast(pl.String)
    # A session of nobody may be that of a day, as an interaction of nobody is.
    session = pl.coalesce("session_id", pl.when(pl.col("user_id").is_null()).then(day))
    for key in (pl.col("user_id"), session):
        of_key = pl.DataFrame({"key": rows.select(key).to_series(), "part": parts}).drop_nulls()
        assert of_key.group_by("key").agg(pl.col("part").n_unique())["part"].max() in (1, None)


@settings(max_examples=40, deadline=None)
@given(st.lists(EVENT, min_size=1, max_size=40), st.integers(2, 9), st.integers(1, 5))
def test_who_is_seen_with_whom_is_found_piece_by_piece(
    events: list[dict[str, Any]], part: int, piece: int
) -> None:
    rows = pl.DataFrame([{**event, "event": "click"} for event in events], schema=TYPES)
    with tempfile.TemporaryDirectory() as folder:
        found = Survey.of(_pieces(rows.to_arrow(), part, piece, folder), OPTIONS).visitors
    whole = Visitors.of([visitor_keys(rows)])
    for one, other in ((found.sessions, whole.sessions), (found.users, whole.users)):
        assert one.sort(one.columns).equals(other.sort(other.columns))


def test_visitors_who_have_nothing_in_common_are_spread() -> None:
    rows = pl.DataFrame({"user_id": [f"u{n}" if n % 2 else None for n in range(400)]}).with_columns(
        session_id=pl.format("s{}", pl.int_range(pl.len())), timestamp=pl.lit(0)
    )
    parts = Visitors.of([visitor_keys(rows)]).parts(rows, 4)
    assert pl.Series(parts).value_counts()["count"].min() > 50


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9) | st.none()), st.integers(1, 7))
def test_ranges_hold_all_values_in_order(values: list[int | None], count: int) -> None:
    sample = pl.Series("value", values, dtype=pl.Int64)
    bounds = bounds_of(sample, count)
    found = sample.drop_nulls().sort().to_frame().with_columns(place=range_of(pl.col("value"), bounds))
    assert found["place"].is_sorted()
    assert found["place"].max() in {None, *range(count)}
    assert found.group_by("value").agg(pl.col("place").n_unique())["place"].max() in (1, None)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ab", max_size=2) | st.none(), min_size=1), st.lists(st.text("ab", max_size=2)))
def test_a_value_lies_behind_the_bounds_that_it_has_reached(
    values: list[str | None], bounds: list[str]
) -> None:
    bounds = sorted({*bounds})
    rows = pl.DataFrame({"value": values}, schema={"value": pl.String})
    found = rows.with_columns(place=range_of(pl.col("value"), bounds))["place"].to_list()
    assert found == [sum(bound <= value for bound in bounds) if value is not None else 0 for value in values]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9))), min_size=1))
def test_sums_stand_in_the_order_in_which_their_keys_came(parts: list[list[tuple[str, int]]]) -> None:
    sums, expected = Sum(["key"]), dict[str, int]()
    for part in parts:
        sums.add(pl.DataFrame(part, schema={"key": pl.String, "count": pl.Int64}, orient="row"))
        for key, count in part:
            expected[key] = expected.get(key, 0) + count
    assert sums.total().rows() == [*expected.items()]


@pytest.fixture(scope="module")
def shop() -> dict[str, pa.Table]:
    """A simulated shop, some of whose events name nobody, or are of ads."""
    made = simulate(SimulatorOptions(users=300, items=50, days=60, seed=3, events=40_000))
    rows = pl.col("timestamp").dt.epoch("us")
    nth = pl.int_range(pl.len())
    events = made.events.with_columns(rows).with_columns(
        user_id=pl.when(nth % 11 > 0).then("user_id"),
        sponsored=pl.when((nth % 17 == 0) & (pl.col("event") == "impression")).then(1).cast(pl.Int64),
    )
    tables = {"items": made.items, "users": made.users, "judgements": made.judgements, "events": events}
    return {name: frame.to_arrow() for name, frame in tables.items()}


@pytest.mark.parametrize("method", ["harvest", "em"])
def test_a_simulated_shop_is_labelled_in_parts_as_whole(shop: dict[str, pa.Table], method: Any) -> None:
    options = LabelerOptions(position_bias=method, precedence="judgements")
    assert label(shop, options).bias.method == method
    assert _differing(shop, options, part=9_000, piece=5_000) == []


def test_a_column_of_the_shop_s_own_is_not_taken_for_the_rows_numbers(shop: dict[str, pa.Table]) -> None:
    events = shop["events"].slice(0, 3_000)
    own = pa.array(np.zeros(events.num_rows, np.int64))
    told = label({**shop, "events": events.append_column("row", own)}, OPTIONS)
    expected = label({**shop, "events": events}, OPTIONS)
    assert told.tables["impressions"].num_rows > 1_000
    assert all(told.tables[name].equals(table) for name, table in expected.tables.items())


def test_examples_are_counted_without_being_made(shop: dict[str, pa.Table]) -> None:
    interactions = pl.DataFrame(pl.from_arrow(label(shop, LabelerOptions()).tables["interactions"]))
    made = query_examples(interactions, {}, 10, 0)
    assert count_examples(interactions) == {split: table.num_rows for split, table in made.items()}


def test_pieces_of_a_table_are_its_rows(shop: dict[str, pa.Table], tmp_path: pathlib.Path) -> None:
    write_tables(str(tmp_path), {"events": shop["events"]})
    assert count_table_rows(str(tmp_path), "events") == shop["events"].num_rows
    assert count_table_rows(str(tmp_path), "judgements") == 0
    columns = ("event", "timestamp", "none")
    read = pa.concat_tables(table_pieces(str(tmp_path), "events", columns))
    there = [name for name in shop["events"].column_names if name in columns]
    assert pl.DataFrame(pl.from_arrow(read)).equals(pl.DataFrame(pl.from_arrow(shop["events"].select(there))))


def test_the_component_writes_the_same_bytes_in_parts(
    shop: dict[str, pa.Table], tmp_path: pathlib.Path
) -> None:
    write_tables(str(tmp_path / "tables"), shop)
    whole, parted = (_component(tmp_path, most) for most in (1_000_000, 9_000))
    files = {str(path.relative_to(whole)) for path in whole.rglob("*") if path.is_file()}
    assert {
        "interactions/impressions.parquet",
        "examples/Split-train/data_tfrecord-00000-of-00001.gz",
    } <= files
    assert files == {str(path.relative_to(parted)) for path in parted.rglob("*") if path.is_file()}
    assert [name for name in sorted(files) if _content(whole / name) != _content(parted / name)] == []


def _content(path: pathlib.Path) -> Any:
    """A file's bytes; the records of one of examples, whose features the encoder writes in any order."""
    import tensorflow as tf

    if path.suffix != ".gz":
        return path.read_bytes()
    records = tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator()
    return [tf.train.Example.FromString(record) for record in records]


def _component(folder: pathlib.Path, part_rows: int) -> pathlib.Path:
    """Runs the Labeler's executor; returns where its output lies."""
    from tfx.types import standard_artifacts

    from aisle.components.artifacts import Interactions, Tables
    from aisle.components.labeler.executor import Executor

    def at(artifact: Any, *path: str) -> list[Any]:
        artifact.uri = str(folder.joinpath(*path))
        return [artifact]

    out = str(part_rows)
    made = {
        "interactions": at(Interactions(), out, "interactions"),
        "examples": at(standard_artifacts.Examples(), out, "examples"),
        "schema": at(standard_artifacts.Schema(), out, "schema"),
    }
    (folder / out / "schema").mkdir(parents=True)
    options = LabelerOptions(part_rows=part_rows).to_json()
    properties = {"options": options, "reports_dir": str(folder / out / "reports")}
    Executor().Do({"tables": at(Tables(), "tables")}, made, properties)
    assert json.loads(made["examples"][0].split_names) == ["items", "train", "eval"]
    return folder / out
