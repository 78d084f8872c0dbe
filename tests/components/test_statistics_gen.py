"""StatisticsGen's statistics in this process, beside those of the stock executor by Beam."""

from __future__ import annotations

import pathlib
import tempfile
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("tfx")

import apache_beam as beam
import tensorflow_data_validation as tfdv
from google.protobuf import json_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.components.statistics_gen import executor as stock
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts

from aisle.components.beam import runs_here, with_workers_code
from aisle.components.statistics_gen import executor, spread
from aisle.components.statistics_gen.executor import Executor
from aisle.components.statistics_gen.in_memory import generate_statistics, parquet_batches, rows_between
from aisle.components.tables import PROVENANCE_SCHEMA, ROWS_FILE, ROWS_SPLIT, RowsWriter

BEAM_ARGS = with_workers_code(["--direct_num_workers=1", "--direct_running_mode=in_memory"])
ROWS = 3000


def _table() -> pa.Table:
    """Skewed, missing, tied, long, odd and extreme values."""
    rng = np.random.default_rng(0)
    names = np.array(["café", "花", "a", "b", "", "=1+1", "x" * 1000, "dup", "DUP"])
    prices = rng.lognormal(size=ROWS)
    prices[:4] = (np.nan, np.inf, -np.inf, -1.5)
    return pa.table(
        {
            "item_id": [f"i{number % 700}" for number in range(ROWS)],
            "title": pa.array(names[rng.zipf(1.5, ROWS) % len(names)].tolist()),
            "session_id": pa.array([f"s{n}" if n % 3 else None for n in range(ROWS)]),
            "price": pa.array(prices, mask=rng.random(ROWS) < 0.1),
            "quantity": pa.array(rng.integers(-5, 2**40, ROWS), mask=rng.random(ROWS) < 0.5),
            "brand": pa.nulls(ROWS, pa.string()),
            "age": pa.nulls(ROWS, pa.int64()),
        }
    )


def _examples(folder: pathlib.Path, table: pa.Table) -> Any:
    examples = standard_artifacts.Examples()
    examples.uri = str(folder)
    examples.split_names = artifact_utils.encode_split_names([ROWS_SPLIT])
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_PARQUET)
    examples_utils.set_file_format(examples, "FILE_FORMAT_PARQUET")
    places = pa.table({"file": ["f"] * len(table), "line": range(len(table))}, PROVENANCE_SCHEMA)
    with RowsWriter(str(folder)) as writer:
        writer.write(table, places)
    return examples


def _run(
    kind: type[Any], folder: pathlib.Path, examples: Any, beam_args: list[str], **properties: Any
) -> Any:
    """Runs an executor as TFX does; returns the artifact it filled."""
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(folder)
    context = stock.Executor.Context(
        beam_pipeline_args=list(beam_args), tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    kind(context).Do({"examples": [examples]}, {"statistics": [statistics]}, properties)
    return statistics


def _load(artifact: Any) -> statistics_pb2.DatasetFeatureStatistics:
    path = pathlib.Path(artifact.uri, f"Split-{ROWS_SPLIT}", stock.DEFAULT_FILE_NAME)
    return tfdv.load_stats_binary(str(path)).datasets[0]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """The statistics artifact of the stock executor, and ours."""
    root = tmp_path_factory.mktemp("statistics")
    examples = _examples(root / "examples", _table())
    return tuple(
        _run(kind, root / kind.__module__, examples, BEAM_ARGS) for kind in (stock.Executor, Executor)
    )  # type: ignore[return-value]


def _assert_close(ours: Any, theirs: Any, where: str) -> None:
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), where
        for key, value in theirs.items():
            _assert_close(ours[key], value, f"{where}.{key}")
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), where
        for index, value in enumerate(theirs):
            _assert_close(ours[index], value, f"{where}[{index}]")
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=1e-9, nan_ok=True), where
    else:
        assert ours == theirs, where


def test_every_statistic_equals_the_stock_one(both: tuple[Any, Any]) -> None:
    theirs, ours = (_load(artifact) for artifact in both)
    assert ours.num_examples == theirs.num_examples == ROWS
    features = {feature.path.step[0]: feature for feature in ours.features}
    assert (
        features.keys() == {feature.path.step[0] for feature in theirs.features} == set(_table().column_names)
    )
    for feature in theirs.features:
        name = feature.path.step[0]
        _assert_close(json_format.MessageToDict(features[name]), json_format.MessageToDict(feature), name)


def test_what_workers_add_up_in_pieces_is_the_same(
    both: tuple[Any, Any], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "PIECE_ROWS", 701)
    monkeypatch.setattr(executor, "runs_here", lambda beam_args: False)
    counted: list[int] = []
    on_workers = spread.on_workers
    monkeypatch.setattr(
        spread,
        "on_workers",
        lambda folder, pipeline, work: (counted.append(work[0]), on_workers(folder, pipeline, work)),
    )
    ours = _run(Executor, tmp_path / "out", _examples(tmp_path / "examples", _table()), BEAM_ARGS)
    assert counted == [5]
    assert [path for path in (tmp_path / "out" / "tmp").rglob("*") if path.is_file()] == []
    here = _load(both[1])
    assert [feature.path for feature in _load(ours).features] == [feature.path for feature in here.features]
    for feature, found in zip(here.features, _load(ours).features, strict=True):
        where = feature.path.step[0]
        _assert_close(json_format.MessageToDict(found), json_format.MessageToDict(feature), where)


@hypothesis.given(st.integers(0, 40), st.integers(1, 12), st.integers(1, 15))
def test_pieces_hold_every_row_once_however_a_file_is_grouped(count: int, groups: int, rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/rows.parquet"
        pq.write_table(pa.table({"number": list(range(count))}), path, row_group_size=groups)
        pieces = spread.pieces_of([path], rows)
        found = [
            [n for batch in rows_between(*piece) for n in batch["number"].to_pylist()] for piece in pieces
        ]
    assert [number for piece in found for number in piece] == list(range(count))
    assert [len(piece) for piece in found[:-1]] == [rows] * max(len(found) - 1, 0)
    assert all(0 < len(piece) <= rows for piece in found)


def test_the_artifact_says_what_the_stock_one_says(both: tuple[Any, Any]) -> None:
    theirs, ours = both
    assert (ours.split_names, ours.span) == (theirs.split_names, theirs.span)
    assert ours.mlmd_artifact.custom_properties == theirs.mlmd_artifact.custom_properties


def test_distinct_values_are_counted_exactly_beyond_the_size_of_tfdvs_sketches() -> None:
    count = 40_000
    values = [[f"s{n}".encode()] for n in range(count)] + [[b"s7"]] * 2
    batches = pa.table({"session_id": values}).to_batches(9_000)
    (feature,) = generate_statistics(batches, tfdv.StatsOptions()).datasets[0].features
    assert feature.string_stats.unique == count
    assert (feature.string_stats.top_values[0].value, feature.string_stats.top_values[0].frequency) == (
        "s7",
        3,
    )


def test_a_value_too_long_to_show_is_counted_under_tfdvs_placeholder() -> None:
    batches = pa.table({"title": [[b"x" * 1_000_000]] * 2 + [[b"y" * 1_000_000]]}).to_batches()
    (feature,) = generate_statistics(batches, tfdv.StatsOptions()).datasets[0].features
    assert feature.string_stats.unique == 2
    assert [(v.value, v.frequency) for v in feature.string_stats.top_values] == [("__LARGE_BYTES__", 3)]


def test_a_table_in_several_row_groups_has_the_same_counts_as_in_one(tmp_path: pathlib.Path) -> None:
    table = pa.concat_tables([_table()] * 50)  # More rows than a batch.
    _examples(tmp_path, table)
    batches = list(parquet_batches(str(tmp_path / f"Split-{ROWS_SPLIT}" / ROWS_FILE)))
    assert len(batches) > 1
    (dataset,) = generate_statistics(batches, tfdv.StatsOptions()).datasets
    assert dataset.num_examples == table.num_rows
    by_name = {feature.path.step[0]: feature for feature in dataset.features}
    assert by_name["session_id"].string_stats.common_stats.num_missing == table["session_id"].null_count
    assert by_name["item_id"].string_stats.unique == 700


def test_a_schema_among_the_options_is_heeded(tmp_path: pathlib.Path) -> None:
    schema = schema_pb2.Schema()
    schema.feature.add(name="quantity", type=schema_pb2.INT).int_domain.is_categorical = True
    options = tfdv.StatsOptions(schema=schema, num_top_values=3).to_json()
    examples = _examples(tmp_path / "examples", pa.table({"quantity": [1, 1, 1, 2, 2, 3, 4]}))
    artifact = _run(Executor, tmp_path / "out", examples, BEAM_ARGS, stats_options_json=options)
    (feature,) = _load(artifact).features
    assert [(top.value, top.frequency) for top in feature.string_stats.top_values] == [
        ("1", 3), ("2", 2), ("4", 1),
    ]  # fmt: skip


def test_beam_still_computes_what_only_it_can(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(
        stock.Executor, "Do", lambda self, inputs, outputs, properties: ran.append(properties["why"])
    )
    examples = _examples(tmp_path / "examples", pa.table({"quantity": [1]}))
    for why, properties in (
        ("samples", {"stats_options_json": tfdv.StatsOptions(sample_rate=0.5).to_json()}),
        ("shards", {"sharded_stats_output": True}),
    ):
        _run(Executor, tmp_path / why, examples, BEAM_ARGS, why=why, **properties)
    assert ran == ["samples", "shards"]


def test_tfx_is_not_packed_for_a_pool_of_workers_that_have_it() -> None:
    pool = [
        "--runner=PortableRunner",
        "--job_endpoint=localhost:8099",
        "--environment_config=localhost:50000",
    ]
    added = with_workers_code([*pool, "--environment_type=EXTERNAL"])[4:]
    assert [argument.partition("=")[0] for argument in added] == ["--sdk_container_image", "--experiments"]
    assert with_workers_code([*pool, "--environment_type=DOCKER"]) == [*pool, "--environment_type=DOCKER"]


@pytest.mark.parametrize(
    ("beam_args", "here"),
    [
        ([], True),
        (["--direct_running_mode=multi_processing", "--direct_num_workers=2"], True),
        (["--runner=DirectRunner"], True),
        (["--runner=apache_beam.runners.direct.DirectRunner"], True),
        (["--runner=DataflowRunner", "--project=p"], False),
        (["--runner", "FlinkRunner"], False),
        (["--runner=PortableRunner", "--job_endpoint=localhost:8099"], False),
    ],
)
def test_tfx_is_packed_only_for_workers_elsewhere(beam_args: list[str], here: bool) -> None:
    assert runs_here(beam_args) is here
    changed = with_workers_code(beam_args)
    assert changed[: len(beam_args)] == beam_args
    assert (len(changed) > len(beam_args)) is here


def test_the_direct_runner_works_with_the_arguments_and_nothing_is_packed() -> None:
    made = stock.Executor(stock.Executor.Context(beam_pipeline_args=list(BEAM_ARGS)))
    assert not any("extra_package" in argument for argument in made._beam_pipeline_args)
    with made._make_beam_pipeline() as pipeline:
        total = pipeline | beam.Create([1, 2, 3]) | beam.CombineGlobally(sum)
        _ = total | beam.Map(_is_six)


def _is_six(total: int) -> None:
    assert total == 6
