"""What the benchmarks of the models share: the pipeline's own code, from labelled tables to trained models."""

from __future__ import annotations

import os
import pathlib
import types
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pyarrow as pa

from aisle.components.cleaner.clean import clean
from aisle.components.cleaner.options import CleanerOptions
from aisle.components.example_gen.discovery import find_tables
from aisle.components.example_gen.reader import read_table
from aisle.components.labeler.label import Labelled, label
from aisle.components.labeler.options import LabelerOptions
from aisle.model.options import TwoTowerOptions
from aisle.schema.tables import TABLE_BY_NAME


def read_clean_label(folder: pathlib.Path, options: LabelerOptions | None = None) -> Labelled:
    """The pipeline's data path on a folder of canonical tables, with its defaults."""
    return label(read_clean(folder), options or LabelerOptions())


def read_clean(folder: pathlib.Path) -> dict[str, pa.Table]:
    """The data path up to the Labeler: the cleaned tables by name."""
    read = {name: read_table(str(folder), TABLE_BY_NAME[name]) for name in find_tables(str(folder))}
    cleaned = clean(
        {name: result.rows for name, result in read.items()},
        {name: result.provenance for name, result in read.items()},
        {name: result.quarantine for name, result in read.items()},
        CleanerOptions(),
    )
    return cleaned.tables


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
    """TF-Transform, analysed on items and training queries: the folders of examples and of the graph."""
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
        analysed = (read["items"], read["train"]) | beam.Flatten()
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
