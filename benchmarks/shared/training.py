"""What the benchmarks of the models share: the pipeline's own code, from labelled tables to trained models."""

from __future__ import annotations

import pathlib
import types
from typing import Any

from aisle.components.cleaner.clean import CleanResult, clean
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.example_gen.discovery import find_tables
from aisle.components.example_gen.reader import ReadResult, read_table
from aisle.components.labeler.label import label
from aisle.components.labeler.labelled import Labelled
from aisle.components.labeler.options import LabelerOptions
from aisle.model.options import TwoTowerOptions
from aisle.schema.tables import TABLE_BY_NAME


def canonical(source: pathlib.Path, scratch: pathlib.Path) -> pathlib.Path:
    """A folder of canonical tables: the source itself, or Online Retail, converted."""
    if any((source / name).exists() for name in ("items.csv", "items.parquet", "items")):
        return source
    from aisle.datasets import online_retail

    online_retail.convert(source, scratch / "shop")
    return scratch / "shop"


def read_tables(folder: pathlib.Path) -> dict[str, ReadResult]:
    """What the strict reader makes of a folder of canonical tables."""
    return {name: read_table(str(folder), TABLE_BY_NAME[name]) for name in find_tables(str(folder))}


def clean_tables(read: dict[str, ReadResult], now: int | None = None) -> CleanResult:
    """What the cleaner makes of it with its defaults."""
    return clean(
        {name: table.rows for name, table in read.items()},
        {name: table.provenance for name, table in read.items()},
        {name: table.quarantine for name, table in read.items()},
        CleanerOptions(),
        now=now,
    )


def read_clean_label(folder: pathlib.Path, options: LabelerOptions | None = None) -> Labelled:
    """The pipeline's data path on a folder of canonical tables, with its defaults."""
    return label(clean_tables(read_tables(folder)).tables, options or LabelerOptions())


def train_two_tower(labelled: Labelled, scratch: pathlib.Path, options: TwoTowerOptions) -> str:
    """Transforms and trains as the pipeline does; returns the exported two-tower's folder."""
    transformed = transform(labelled, scratch)
    return fit_two_tower(transformed, scratch / f"two-tower-{options.seed}", options)


def transform(labelled: Labelled, scratch: pathlib.Path) -> tuple[str, str]:
    """TF-Transform of the tower examples: the folders of examples and of the graph."""
    from tfx.types import standard_artifacts

    from aisle.components.examples import write_examples

    examples = standard_artifacts.Examples()
    examples.uri = str(scratch / "examples")
    write_examples(examples, labelled.examples)
    return _transform(examples.uri, sorted(labelled.examples), scratch)


def fit_two_tower(transformed: tuple[str, str], scratch: pathlib.Path, options: TwoTowerOptions) -> str:
    """Trains on what `transform` wrote; returns the exported two-tower's folder."""
    from aisle.model.train_two_tower import run_fn

    examples, graph = transformed
    run_fn(
        types.SimpleNamespace(  # type: ignore[arg-type]
            train_files=[f"{examples}/Split-{split}/*" for split in ("items", "train")],
            eval_files=[f"{examples}/Split-eval/*"],
            transform_output=graph,
            serving_model_dir=str(scratch / "model"),
            model_run_dir=str(scratch / "run"),
            custom_config={"options": options.to_json(), "bert": ""},
            base_model=None,
        )
    )
    return str(scratch / "model")


def _transform(uri: str, splits: list[str], scratch: pathlib.Path) -> tuple[str, str]:
    """TF-Transform, analysed on items and the queries of training and validation: the folders of examples and of the graph."""
    import apache_beam as beam
    import tensorflow_transform.beam as tft_beam
    from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder
    from tfx_bsl.public import tfxio

    from aisle.model.preprocessing import preprocessing_fn
    from aisle.schema.features import TOWER_FEATURES, metadata_schema

    schema = metadata_schema(TOWER_FEATURES)
    target, graph = str(scratch / "transformed"), str(scratch / "graph")

    def source(split: str) -> Any:
        return tfxio.TFExampleRecord(f"{uri}/Split-{split}/*.gz", schema=schema)

    with beam.Pipeline() as pipeline, tft_beam.Context(temp_dir=str(scratch / "tmp")):
        config = source("train").TensorAdapterConfig()
        read = {split: pipeline | f"Read {split}" >> source(split).BeamSource() for split in splits}
        analysed = (read["items"], read["train"], read["eval"]) | beam.Flatten()
        function = (analysed, config) | tft_beam.AnalyzeDataset(preprocessing_fn)
        function | tft_beam.WriteTransformFn(graph)
        for split in splits:
            data, metadata = (
                (read[split], config),
                function,
            ) | f"Transform {split}" >> tft_beam.TransformDataset(output_record_batches=True)
            encoder = RecordBatchToExamplesEncoder(metadata.schema)
            (
                data
                | f"Encode {split}"
                >> beam.FlatMapTuple(lambda batch, _, encode=encoder.encode: encode(batch))
                | f"Write {split}"
                >> beam.io.WriteToTFRecord(f"{target}/Split-{split}/part", file_name_suffix=".gz")
            )
    return target, graph
